"""Detectors: pictures in, detections out, whatever the network and however many threads run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.nms import suppress
from cortexia.models.adapters.running import SessionRunner
from cortexia.models.base import DetectionBatch, InferenceSession, Tensor
from cortexia.types import Picture


class Detector(Protocol):
    """Finds things in pictures. What it finds in one never depends on the others, nor on the number of threads."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that it may give."""

    def detect(self, pictures: Sequence[Picture]) -> list[DetectionBatch]:
        """One batch for each picture: BGR, uint8, (h, w, 3), of any size."""

    def begin(self, pictures: Sequence[Picture]) -> Iterator[DetectionBatch]:
        """As ``detect``, and each comes as soon as it and those before it are ready: who makes something of one does so
        while the network is at the next."""

    def close(self) -> None:
        """Give back threads."""


class Family(Protocol):
    """What a family of networks has in common. Stateless: several threads share it."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """The network's input for one picture: (3, height, width)."""

    def read(self, outputs: Sequence[Tensor], width: int, height: int) -> DetectionBatch:
        """Detections in a picture of ``width`` x ``height`` pixels from the rows that it has in every output."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``threshold``: scores must exceed it, in [0, 1]. ``max_overlap``: intersection over union of two detections of
    a class, at most, in [0, 1]."""

    threshold: float
    max_overlap: float


class NetworkDetector:
    """A family on an inference session, shared by ``threads`` threads."""

    def __init__(self, session: InferenceSession, family: Family, threads: int = 1) -> None:
        self._family = family
        self._runner = SessionRunner(session, family.prepare, self._read, threads)

    @property
    def labels(self) -> tuple[str, ...]:
        return self._family.labels

    def detect(self, pictures: Sequence[Picture]) -> list[DetectionBatch]:
        return self._runner.run(pictures)

    def begin(self, pictures: Sequence[Picture]) -> Iterator[DetectionBatch]:
        return self._runner.begin(pictures)

    def _read(self, outputs: Sequence[Tensor], picture: Picture) -> DetectionBatch:
        return self._family.read(outputs, picture.shape[1], picture.shape[0])

    def close(self) -> None:
        self._runner.close()


def best_classes(class_scores: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """For each row of (n, classes) the class with the highest score, and that score."""
    classes = class_scores.argmax(axis=1)
    return classes, np.take_along_axis(class_scores, classes[:, None], axis=1)[:, 0]


def kept(
    boxes: NDArray[Any], scores: NDArray[Any], classes: NDArray[np.int64], labels: tuple[str, ...], max_overlap: float
) -> DetectionBatch:
    """The detections that stay after suppression."""
    stay = suppress(boxes, scores, classes, max_overlap)
    return DetectionBatch(boxes[stay].astype(np.float32), scores[stay].astype(np.float32), classes[stay], labels)


def input_side(session: InferenceSession, default: int) -> int:
    """The side of the square picture that a network takes; ``default`` where it takes several sizes."""
    side = session.inputs[0].shape[-1]
    return side if side is not None else default
