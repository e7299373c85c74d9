"""Motion: how the camera moves, and how much moves in front of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from cortexia.annotators._registration import Landmarks, Registration, Unmeasured, find_landmarks, register
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.types import (
    Annotation,
    AudioBlock,
    Frame,
    Measure,
    Progress,
    Sampling,
    TimeSpan,
    Timestamp,
    ViewSpec,
)

MOTION_VIEW = ViewSpec(bound=320, pixel_format="gray", resample="area")
"""Small luma; averaged, for what a scaler that skips pixels makes up would be tracked too."""


@dataclass(frozen=True)
class Motion(StreamAnnotator):
    """A ``Measure`` labelled ``motion`` for each sampled frame: from the sampled frame before to this one.

    ``pan``, ``tilt``: how far the camera turned (or travelled), in frame widths and heights per second, positive to
    the right and down. ``zoom``: natural logarithm of the magnification per second, positive in. ``roll``: turns per
    second, positive clockwise as seen from behind the camera (the picture's content turns the other way).
    ``inliers``: share of the tracked points that follow the camera, in [0, 1]. ``residual``: by how much the tenth of
    the points that differ most from the camera's motion do, on average, in frame diagonals per second.

    Without values where two pictures could not be compared; then ``reason`` is ``first_frame``, ``no_texture`` (one
    of the two is too flat), ``too_few_points``, ``no_dominant_motion`` (what moves alike is too small a part of the
    picture, such as a thing close to the camera), or ``cut`` (no motion explains the one by the other: another shot, a
    flash, a move too fast). The camera is what most of the picture's area does: what fills more than half of the
    picture is taken for the scene.

    ``per_second``: frames compared in a second; ``None`` compares all of them.
    """

    name: ClassVar[str] = "motion"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    cost: ClassVar[float] = 0.003

    per_second: float | None = 12.5

    def __post_init__(self) -> None:
        if self.per_second is not None and not 1 <= self.per_second <= 240:
            raise ConfigurationError(
                f"option 'per_second' of annotator 'motion' must lie in 1 .. 240, or be null for every frame, "
                f"got {self.per_second}"
            )

    @property
    def sampling(self) -> Sampling:
        return Sampling.every() if self.per_second is None else Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (MOTION_VIEW,)

    def session(self, context: SessionContext) -> MotionSession:
        return MotionSession()


@dataclass(frozen=True, slots=True)
class _Seen:
    """The sampled frame before: all that a session keeps."""

    index: int
    at: Timestamp
    landmarks: Landmarks


class MotionSession(StreamSession):
    """Compares each frame with the one before, which a restart replays: there is no other state."""

    def __init__(self) -> None:
        self._last: _Seen | None = None

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [[self._compare(frame)] for frame in cast(Sequence[Frame], inputs)]

    def _compare(self, frame: Frame) -> Annotation:
        last, seen = self._last, _see(frame)
        self._last = seen
        if last is None:
            return Measure(
                span=TimeSpan(seen.at, seen.at),
                label="motion",
                frame_index=seen.index,
                reason=Unmeasured.FIRST_FRAME.value,
            )
        return measure_motion(last.landmarks, seen.landmarks, TimeSpan(last.at, seen.at), seen.index)

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        self._last = _see(cast(Sequence[Frame], inputs)[-1]) if inputs else self._last

    def progress(self) -> Progress:
        if self._last is None:
            return Progress(final_until=None)
        return Progress(final_until=self._last.at, replay_from=self._last.index)


def _see(frame: Frame) -> _Seen:
    return _Seen(frame.index, frame.timestamp, find_landmarks(frame.view(MOTION_VIEW)))


def measure_motion(before: Landmarks, after: Landmarks, span: TimeSpan, frame_index: int) -> Measure:
    """The motion between two pictures that are ``span`` apart; ``frame_index``: that of the second."""
    found = register(before, after)
    if isinstance(found, Unmeasured):
        return Measure(span=span, label="motion", frame_index=frame_index, reason=found.value)
    return Measure(
        span=span, label="motion", frame_index=frame_index, values=_values(found, after.detail.shape, span.duration_s)
    )


def _values(found: Registration, shape: tuple[int, ...], seconds: float) -> Mapping[str, float]:
    """Content that goes left is a camera that goes right, and so on for each sign but that of the zoom."""
    height, width = shape[:2]
    values: dict[str, Any] = {
        "pan": -found.shift[0] / width / seconds,
        "tilt": -found.shift[1] / height / seconds,
        "zoom": math.log(found.scale) / seconds,
        "roll": -found.turn / math.tau / seconds,
        "residual": _most_deviant(found) / math.hypot(width, height) / seconds,
        "inliers": found.inliers,
    }
    return {name: round(value, 6) + 0.0 for name, value in values.items()}


def _most_deviant(found: Registration) -> float:
    count = max(1, len(found.deviations) // 10)
    return float(np.sort(found.deviations)[-count:].mean())
