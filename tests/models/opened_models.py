"""Models for tests of adapters: entries of the shipped catalogue, real runtimes, files of the shared data by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from cortexia.models.access import start_session
from cortexia.models.base import InferenceSession, ModelEntry, Tensor
from cortexia.models.catalogue import load_catalogue
from cortexia.models.formats.content import check_model


class Recorded:
    """A session that keeps what it is fed."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self.inputs, self.outputs = session.inputs, session.outputs
        self.feeds: list[Tensor] = []

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        self.feeds += feeds.values()
        return self._session.run(feeds)


@dataclass
class OpenedModels:
    """``ModelAccess`` over ``folder``. ``given``: bytes that stand for a model; ``changes``: to every entry."""

    folder: Path | None = None
    given: Mapping[str, bytes] = field(default_factory=dict)
    threads: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)
    made: dict[str, Recorded] = field(default_factory=dict)

    def entry(self, model_id: str) -> ModelEntry:
        return dataclasses.replace(load_catalogue()[model_id], **self.changes)

    def open(self, model_id: str) -> InferenceSession:
        if model_id not in self.made:
            data = self.given.get(model_id) or self._read(model_id)
            session = start_session(self.entry(model_id), data, check_model(data, model_id), "cpu")
            self.made[model_id] = Recorded(session)
        return self.made[model_id]

    def _read(self, model_id: str) -> bytes:
        assert self.folder is not None
        (path,) = (self.folder / "models").rglob(self.entry(model_id).file)
        return path.read_bytes()


def frames_of(path: Path, each: int = 1) -> list[np.ndarray]:
    """Every ``each``-th frame of a clip or picture, BGR."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="bgr24")
            for number, frame in enumerate(container.decode(video=0))
            if number % each == 0
        ]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture of chance."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
