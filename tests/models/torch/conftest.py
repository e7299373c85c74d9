"""Each tiny model is made once, and opened once by the runtime of the house."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``tiny_folder(adapter)``: the folder of a tiny model, with its manifest. Not to be written to."""
    root = tmp_path_factory.mktemp("torch-models")
    made: dict[str, Path] = {}

    def folder(adapter: str) -> Path:
        if adapter not in made:
            made[adapter] = tiny_models.make(adapter, root / adapter)
        return made[adapter]

    return folder


@pytest.fixture(scope="session")
def family(tiny_folder: Callable[[str], Path]) -> Callable[[str], Any]:
    """``family(adapter)``: the object of a family, loaded from its tiny folder."""
    made: dict[str, Any] = {}

    def load(adapter: str) -> Any:
        if adapter not in made:
            made[adapter] = tiny_models.opened(tiny_folder(adapter), adapter)
        return made[adapter]

    return load


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    """Noise of several sizes and shapes."""
    noise = np.random.default_rng(11)
    return [noise.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((48, 70), (90, 33), (64, 64), (48, 70))]
