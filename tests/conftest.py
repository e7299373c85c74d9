"""Fixtures for everybody: the shared data, where it is, and clips that are generated once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cortexia.testing import Truth, VideoSpec, make_video

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real clips and their ground truth; ``CORTEXIA_TEST_DATA`` says where."""
    folder = Path(os.environ.get("CORTEXIA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared test data is not here; set CORTEXIA_TEST_DATA")
    return folder.resolve()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, VideoSpec], tuple[Path, Truth]]:
    """``clips(name, spec)``: a clip and its truth; made once for a name."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, tuple[Path, Truth]] = {}

    def clip(name: str, spec: VideoSpec) -> tuple[Path, Truth]:
        if name not in made:
            made[name] = folder / name, make_video(folder / name, spec)
        return made[name]

    return clip
