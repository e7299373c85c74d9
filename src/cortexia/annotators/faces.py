"""Faces: where they are, which way they look, what they show, and a vector by which to know them again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from cortexia.annotators._by_model import AUTO, FULL, NONE, OFFLINE
from cortexia.annotators._face_session import FacesSession
from cortexia.annotators._offline_faces import CascadeFinder
from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.models.adapters import openers
from cortexia.models.adapters.yunet import THRESHOLD
from cortexia.types import Sampling, ViewSpec

HEAD_POSES = ("head pose, plain scoring", "head pose, scoring by variance")
"""Tasks of the two networks whose mean tells the pose of a head best."""


@dataclass(frozen=True)
class Faces(StreamAnnotator):
    """A ``Face`` for each face, with its landmarks, pose, expression and quality as far as they are measured; and an
    ``Embedding`` for each, with the same box, where a network for it is here.

    ``model``: id of a face detector in the catalogue; ``auto`` takes the best whose weights are here when the job is
    made, else ``offline``, OpenCV's cascade, which knows no landmarks; see ``CascadeFinder``. ``head_pose`` (ids joined
    by ``+``: the mean of all), ``expression`` and ``embedding``: as ``model``, and ``none`` leaves it out; the last two
    need landmarks. ``threshold``: the confidence exceeds it (``None``: 0.6, and 0 for the cascade).
    ``min_side``: each side of the box has so many pixels at least; ``max_per_frame``: those with the highest
    confidence. ``max_side``: larger pictures are shrunk for the detector (pixels of the longer side). ``per_second``:
    pictures looked at; ``None`` for every frame.

    Quality, in [0, 1]: ``s / (s + 100)`` for the variance ``s`` of the Laplacian of the box's luma at 64 x 64 pixels,
    times its shorter side over 112 pixels (at most 1), times the cosines of yaw and pitch where the pose is known.
    """

    name: ClassVar[str] = "faces"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("face", "embedding")
    cost: ClassVar[float] = 0.012
    batch_size: ClassVar[int] = 8
    ahead: ClassVar[int] = 8

    model: str = AUTO
    head_pose: str = AUTO
    expression: str = AUTO
    embedding: str = AUTO
    threshold: float | None = None
    min_side: int = 30
    max_per_frame: int = 10
    max_side: int = 960
    per_second: float | None = 4.0

    def __post_init__(self) -> None:
        ranges = {
            "threshold": (0.0, 1.0),
            "min_side": (1, 10_000),
            "max_per_frame": (1, 1000),
            "max_side": (64, 10_000),
            "per_second": (0.001, 1000.0),
        }
        require_ranges(self, ranges)
        for option in ("expression", "embedding"):
            if self.model == OFFLINE and getattr(self, option) not in (AUTO, NONE):
                raise ConfigurationError(
                    f"option {option!r} of annotator 'faces' needs landmarks, which model 'offline' does not find"
                )

    @property
    def pose_models(self) -> tuple[str, ...]:
        """Ids of the networks for the pose of the head."""
        return tuple(part.strip() for part in self.head_pose.split("+") if part.strip() not in ("", AUTO, NONE))

    @property
    def model_ids(self) -> tuple[str, ...]:
        single = (self.model, self.expression, self.embedding)
        return (*(model for model in single if model not in (AUTO, OFFLINE, NONE)), *self.pose_models)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        model = (best_model(openers.FACE_DETECTION) or OFFLINE) if self.model == AUTO else self.model
        lacks_landmarks = model == OFFLINE

        def chosen(option: str, task: str) -> str:
            if option != AUTO:
                return option
            return NONE if lacks_landmarks else best_model(task) or NONE

        poses = [found for task in HEAD_POSES if (found := best_model(task)) is not None]
        return dataclasses.replace(
            self,
            model=model,
            head_pose=("+".join(poses) or NONE) if self.head_pose == AUTO else self.head_pose,
            expression=chosen(self.expression, openers.FACIAL_EXPRESSION),
            embedding=chosen(self.embedding, openers.FACE_EMBEDDING),
        )

    @property
    def least(self) -> float:
        """The threshold in force."""
        return self.threshold if self.threshold is not None else 0.0 if self.model == OFFLINE else THRESHOLD

    @property
    def sampling(self) -> Sampling:
        return Sampling.at_rate(self.per_second) if self.per_second else Sampling.every()

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (FULL, CascadeFinder.view) if self.model == OFFLINE else (FULL,)

    def session(self, context: SessionContext) -> StreamSession:
        if AUTO in (self.model, self.head_pose, self.expression, self.embedding):
            raise ConfigurationError("annotator 'faces': nobody said which weights 'auto' stands for")
        if self.model_ids and context.models is None:
            raise ConfigurationError(f"annotator 'faces': there are no models to take {self.model_ids} from")
        return FacesSession(self, context.models)
