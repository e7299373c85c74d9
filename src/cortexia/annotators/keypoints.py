"""Keypoints: where the joints of people are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._by_model import AUTO, FULL
from cortexia.annotators._in_frame import corners_of, detections_in
from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.models.adapters import PicturePart, Runner, openers
from cortexia.types import Annotation, AudioBlock, Detection, Frame, Pose, Sampling, ViewSpec

USUAL = "movenet-lightning"
"""Named where no model is here, so that the error says what to pull: there is no honest way to find joints without."""


@dataclass(frozen=True)
class Keypoints(StreamAnnotator):
    """A ``Pose`` for each person detected in the pictures looked at, with the box of the detection.

    ``model``: id of a model for keypoints; ``auto`` takes the best whose weights are here when the job is made.
    ``labels``: whose joints, comma-joined. ``per_second``: pictures looked at; those in which ``objects`` looked, too,
    have poses. ``max_per_frame``: those with the highest confidence. ``threshold``: detections less sure are left out.
    The confidence is the mean score of the keypoints. Points may lie outside the box, and outside the picture.
    """

    name: ClassVar[str] = "keypoints"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("objects",)
    provides: ClassVar[tuple[str, ...]] = ("pose",)
    cost: ClassVar[float] = 0.01

    model: str = AUTO
    labels: str = "person"
    per_second: float = 4.0
    max_per_frame: int = 10
    threshold: float = 0.3

    def __post_init__(self) -> None:
        require_ranges(self, {"per_second": (0.001, 1000.0), "max_per_frame": (1, 1000), "threshold": (0.0, 1.0)})
        require_labels(self.name, self.labels)

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model == AUTO else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        return dataclasses.replace(self, model=best_model(openers.KEYPOINTS) or USUAL) if self.model == AUTO else self

    @property
    def sampling(self) -> Sampling:
        return Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (FULL,)

    def session(self, context: SessionContext) -> StreamSession:
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator 'keypoints': nobody said which weights {self.model!r} stands for")
        return KeypointsSession(self, openers.open_keypoints(context.models, self.model))


class KeypointsSession(StreamSession):
    """All people of a batch of pictures at once. Keeps nothing between them."""

    def __init__(self, recipe: Keypoints, runner: Runner[PicturePart, NDArray[np.float32]]) -> None:
        self._recipe = recipe
        self._runner = runner

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        frames = cast(Sequence[Frame], inputs)
        found = [self._people(frame, said) for frame, said in zip(frames, upstream, strict=True)]
        parts = [
            PicturePart(frame.view(FULL), np.array(corners_of(person), np.float32))
            for frame, people in zip(frames, found, strict=True)
            for person in people
        ]
        answers = iter(self._runner.run(parts))
        return [[self._pose(person, next(answers)) for person in people] for people in found]

    def _people(self, frame: Frame, said: Sequence[Annotation]) -> list[Detection]:
        recipe = self._recipe
        found = detections_in(frame, said, labels_in(recipe.labels))
        sure = [item for item in found if item.confidence is None or item.confidence >= recipe.threshold]
        return sure[: recipe.max_per_frame]

    def _pose(self, person: Detection, points: NDArray[np.float32]) -> Annotation:
        listed = [[round(float(x), 2), round(float(y), 2), round(float(score), 4)] for x, y, score in points]
        return Pose(
            span=person.span,
            label=person.label,
            confidence=round(min(1.0, max(0.0, float(points[:, 2].mean(dtype=np.float64)))), 4),
            frame_index=person.frame_index,
            bbox=person.bbox,
            keypoints=listed,
            attributes={"model": self._recipe.model},
        )

    def close(self) -> None:
        self._runner.close()
