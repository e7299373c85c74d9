"""What a model is to the rest of the house: an entry of the catalogue, and a session that runs it.

Annotators name models by id and get live sessions from a ``ModelAccess``; where weights lie, whether they may be
opened, and how many stay in memory is the business of this package alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[Any]
T = TypeVar("T")
R = TypeVar("R")

MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What the id of a model looks like. It names a folder, so that nothing in it may lead elsewhere."""


@dataclass(frozen=True, slots=True, order=True)
class ModelFile:
    """One file of a model that has several: its plain name, and what it holds."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A line of the catalogue. ``sha256`` is the identity of the weights; the file's name does not matter.

    ``presets``: where it is a choice by default. ``adapter``: the family that knows how pictures go in and what comes
    out. ``settings``: what the adapter must know of this very file (input size, thresholds).
    ``repo``: owner and name in a hub, for a model of several files, which make a folder. ``revision``: commit of the
    repository. ``files``: those of the folder that are opened; ``sha256`` is then the digest over them, and
    ``size_bytes`` their sum. Both are empty, and the entry unpinned, as long as nobody knows the files.
    ``checked``: name and licence were looked up where the model comes from.
    ``url`` is empty where no pull can bring it. ``source``: what was named when it was adopted.
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
    repo: str | None = None
    revision: str | None = None
    files: tuple[ModelFile, ...] = ()
    checked: bool = True
    source: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.repo is not None or bool(self.files)

    @property
    def is_pinned(self) -> bool:
        """Whether the entry alone says which bytes the model is."""
        return bool(self.sha256)


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How the integers of a tensor stand for numbers: ``(integer - zero_point) * scale``."""

    scale: float
    zero_point: int

    def restore(self, integers: Tensor) -> NDArray[np.float32]:
        """The numbers that ``integers`` stand for."""
        return ((integers.astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name and shape of an input or output; ``None`` for a side that may vary (a dynamic batch).

    ``dtype``: its name in NumPy, ``None`` where the session does not say. ``quantisation``: of integers that stand for
    other numbers; sessions take and give them as they are.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str | None = None
    quantisation: Quantisation | None = None


class InferenceSession(Protocol):
    """Loaded weights. ``run`` may be called from several threads at once and is bit-exact across runs."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Outputs in the order of ``outputs``."""


class Lent(Protocol):
    """A loaded model of several files, as its users hold it: without its weights, which may go meanwhile."""

    @property
    def entry(self) -> ModelEntry: ...

    def use(self, function: Callable[[Any], R]) -> R:
        """``function(model)``. The model stays while it runs; nothing of it may be kept. Where memory is short it is
        called again, so it must change nothing. Raises what ``function`` raises, and what ``ModelAccess.lend`` does."""

    def map(self, function: Callable[[Any, Sequence[T]], Sequence[R]], items: Sequence[T]) -> list[R]:
        """``function(model, items)``: a result for each item, whatever the others are. Where memory is short it gets
        fewer items at a time, down to one."""


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

    def lend(self, model_id: str) -> Lent:
        """As ``open``, for a model of several files, whose object the family of its entry makes."""


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


@dataclass(frozen=True, slots=True)
class FaceBatch:
    """Faces of one picture as parallel arrays, in order of falling score.

    ``boxes``: (n, 4) float32 xyxy in pixels of the picture that went in; ``scores``: (n,) float32 in [0, 1];
    ``landmarks``: (n, 5, 2) float32, x and y of the points of ``types.Face``, in its order.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)
