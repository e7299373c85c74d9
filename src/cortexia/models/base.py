"""What a model is to the rest of the house: an entry of the catalogue, and a session that runs it.

Annotators name models by id and get live sessions from a ``ModelAccess``; where weights lie, whether they may be
opened, and how many stay in memory is the business of this package alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A line of the catalogue. ``sha256`` is the identity of the weights; the file's name does not matter.

    ``presets``: where it is a choice by default. ``adapter``: the family that knows how pictures go in and what comes
    out. ``settings``: what the adapter must know of this very file (input size, thresholds).
    """

    id: str
    task: str
    file: str
    size_bytes: int
    sha256: str
    licence: str
    url: str
    adapter: str
    presets: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    signature_url: str | None = None


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name and shape of an input or output; ``None`` for a side that may vary (a dynamic batch)."""

    name: str
    shape: tuple[int | None, ...]


class InferenceSession(Protocol):
    """Loaded weights. ``run`` may be called from several threads at once and is bit-exact across runs."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Outputs in the order of ``outputs``."""


class ModelAccess(Protocol):
    """Models as sessions of annotators see them."""

    @property
    def threads(self) -> int:
        """The job's budget: how many threads may share one session."""

    def entry(self, model_id: str) -> ModelEntry:
        """Raises ``UnknownNameError`` for a model that the catalogue does not know."""

    def open(self, model_id: str) -> InferenceSession:
        """The model, loaded when it is not yet. Raises ``ModelError`` (missing, wrong digest, pickle ...) before a
        byte of it was interpreted, and ``CircuitBreakerOpenError`` after repeated failures."""


@dataclass(frozen=True, slots=True)
class DetectionBatch:
    """Detections of one picture as parallel arrays, in order of falling score.

    ``boxes``: (n, 4) float32 xyxy in pixels of the picture that went in; ``scores``: (n,) float32 in [0, 1];
    ``classes``: (n,) int64, indexes into ``labels``.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)
