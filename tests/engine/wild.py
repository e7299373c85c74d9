"""An annotator that says one thing a frame, and something that cannot be true at chosen frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from cortexia.annotators.base import Emissions, SessionContext, Solver, StreamAnnotator, StreamSession
from cortexia.types import Annotation, BBox, Caption, Detection, Frame, Progress, TimeSpan, Timestamp, frame_span

BASE = Fraction(1, 1000)


def span(start_ms: int, end_ms: int) -> TimeSpan:
    return TimeSpan(Timestamp(start_ms, BASE), Timestamp(end_ms, BASE))


def boxed(frame: Frame, box: BBox, **more: Any) -> Detection:
    return Detection(**{"span": frame_span(frame), "frame_index": frame.index, "bbox": box, "label": "x", **more})


def masked(frame: Frame, size: list[int], counts: Any) -> Caption:
    return Caption(span=frame_span(frame), text="m", attributes={"segmentation": {"size": size, "counts": counts}})


def spoilt(frame: Frame) -> Caption:
    """Its attributes were changed after it was made, when the type had checked them."""
    values: dict[str, Any] = {"score": 1.0}
    made = Caption(span=frame_span(frame), text="m", attributes=values)
    values["score"] = float("nan")
    return made


SOUND = BBox(0, 0, 16, 9)
WAYS: Mapping[str, Callable[[Frame], Annotation]] = {
    "box right of the frame": lambda frame: boxed(frame, BBox(1, 1, 17.1, 9)),
    "box left of the frame": lambda frame: boxed(frame, BBox(-1.1, 1, 5, 9)),
    "box below the frame": lambda frame: boxed(frame, BBox(1, 1, 5, 10.1)),
    "before the video": lambda frame: boxed(frame, SOUND, span=span(-40, 0)),
    "after what was seen": lambda frame: boxed(frame, SOUND, span=span(10, 9_000_000)),
    "beyond 64 bits": lambda frame: boxed(frame, SOUND, span=span(0, 1 << 70)),
    "large index": lambda frame: boxed(frame, SOUND, frame_index=1 << 63),
    "NUL in a label": lambda frame: boxed(frame, SOUND, label="a\0b"),
    "NUL in a text": lambda frame: Caption(span=frame_span(frame), text="a\0b"),
    "half a character": lambda frame: Caption(span=frame_span(frame), text="\ud800"),
    "a number that is none": spoilt,
    "mask of another size": lambda frame: masked(frame, [16, 9], [144]),
    "mask with too few pixels": lambda frame: masked(frame, [9, 16], [100, 43]),
    "mask with negative runs": lambda frame: masked(frame, [9, 16], [145, -1]),
    "mask of odd text": lambda frame: masked(frame, [9, 16], "\x01"),
    # well
    "rounded box": lambda frame: boxed(frame, BBox(-1, -1, 17, 10)),
    "whole mask": lambda frame: masked(frame, [9, 16], [100, 44]),
    "packed mask": lambda frame: masked(frame, [9, 16], "T3\\1"),
    # programming errors
    "float32 confidence": lambda frame: boxed(frame, SOUND, confidence=np.float32(0.5)),
    "float32 box": lambda frame: boxed(frame, BBox(*np.array([0, 0, 1, 1], np.float32))),
    "int64 index": lambda frame: boxed(frame, SOUND, frame_index=np.int64(3)),
    "number as label": lambda frame: boxed(frame, SOUND, track_id=7),
    "int64 time": lambda frame: boxed(frame, SOUND, span=TimeSpan(*[Timestamp(np.int64(5), BASE)] * 2)),
    "broken promise": lambda frame: boxed(frame, SOUND, span=span(0, 40)),
}


@dataclass(frozen=True)
class Wild(StreamAnnotator):
    """``how``: of ``WAYS``. ``every``: in every so many frames; 0: at frame 7 alone. ``alone``: and nothing else."""

    name: ClassVar[str] = "wild"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("detection", "caption")
    batch_size: ClassVar[int] = 4
    how: str = "rounded box"
    every: int = 0
    alone: bool = False

    def session(self, context: SessionContext) -> StreamSession:
        return WildSession(self)


class WildSession(StreamSession):
    def __init__(self, recipe: Wild) -> None:
        self._recipe = recipe
        self._last: Frame | None = None

    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        self._last = inputs[-1]
        return [self._look(frame) for frame in inputs]

    def _look(self, frame: Frame) -> list[Annotation]:
        recipe = self._recipe
        is_odd = frame.index % recipe.every == 0 if recipe.every else frame.index == 7
        made: list[Annotation] = [WAYS[recipe.how](frame)] if is_odd else []
        return made if recipe.alone else [boxed(frame, SOUND), *made]

    def progress(self) -> Progress:
        return Progress(self._last.end if self._last else None)


@dataclass(frozen=True)
class Hears(StreamAnnotator):
    """How many rows of ``wild`` it is told of, frame by frame."""

    name: ClassVar[str] = "hears"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("wild",)
    provides: ClassVar[tuple[str, ...]] = ("caption",)

    def session(self, context: SessionContext) -> StreamSession:
        return HearsSession()


class HearsSession(StreamSession):
    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        return [
            [Caption(span=frame_span(frame), text=str(len(told)))] for frame, told in zip(inputs, upstream, strict=True)
        ]


@dataclass(frozen=True)
class Sums(Solver):
    """Says ``how`` many rows there are, with a box beside the picture where ``is_wild``."""

    name: ClassVar[str] = "sums"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("wild",)
    provides: ClassVar[tuple[str, ...]] = ("detection",)
    is_wild: bool = False

    def solve(self, stored: Any, context: SessionContext) -> list[Annotation]:
        rows = list(stored.of("detection"))
        beside = BBox(20, 0, 30, 5)
        return [
            Detection(span=row.span, frame_index=0, bbox=beside if self.is_wild and at else row.bbox)
            for at, row in enumerate(rows[:3])
        ]
