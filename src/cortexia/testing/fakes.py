"""Annotators that do one plain thing each: for tests of engines, stores and plugins, and to read as examples."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

import cv2
import numpy as np

from cortexia.annotators.base import (
    Emissions,
    SessionContext,
    Solver,
    SparseAnnotator,
    SparseSession,
    StoredAnnotations,
    StoredPicture,
    StreamAnnotator,
    StreamSession,
)
from cortexia.errors import AnnotatorError
from cortexia.testing.stamp import read_frame_number
from cortexia.types import (
    Annotation,
    AudioBlock,
    BBox,
    Detection,
    Frame,
    Measure,
    Picture,
    Progress,
    ViewSpec,
    frame_span,
)

Inputs = Sequence[Frame] | Sequence[AudioBlock]
Recipe = TypeVar("Recipe", bound=StreamAnnotator)

SMALL_GRAY = ViewSpec(size=(160, 0), pixel_format="gray", resample="area")


def batched(recipe: type[Recipe], batch_size: int) -> type[Recipe]:
    """The same annotator taking ``batch_size`` frames at a time. Not an option: it never changes a result."""
    return cast("type[Recipe]", type(recipe.__name__, (recipe,), {"batch_size": batch_size}))


class FrameByFrame(StreamSession):
    """A session that looks at one frame at a time."""

    def process(self, inputs: Inputs, upstream: Emissions) -> Emissions:
        frames = cast("Sequence[Frame]", inputs)
        return [self.look(frame, told) for frame, told in zip(frames, upstream, strict=True)]

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        raise NotImplementedError


@dataclass(frozen=True)
class FrameCounter(StreamAnnotator):
    """A ``count`` of frames seen, said at every ``nth`` frame and at the end. Its state is that count."""

    name: ClassVar[str] = "frame_counter"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    nth: int = 10

    def session(self, context: SessionContext) -> StreamSession:
        return _Counting(self.nth)


class _Counting(FrameByFrame):
    def __init__(self, nth: int) -> None:
        self._nth = nth
        self._seen = 0

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        self._seen += 1
        if self._seen % self._nth:
            return ()
        return [Measure(span=frame_span(frame), frame_index=frame.index, values={"count": self._seen})]

    def state(self) -> Mapping[str, Any]:
        return {"seen": self._seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._seen = state["seen"]


@dataclass(frozen=True)
class BoxEveryFrame(StreamAnnotator):
    """A box in every frame around its bright pixels (luma above ``threshold``), or the whole frame where none is.

    The painted frame number, where there is one, goes to the attribute ``painted``.
    """

    name: ClassVar[str] = "box_every_frame"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("detection",)
    threshold: int = 128

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (SMALL_GRAY,)

    def session(self, context: SessionContext) -> StreamSession:
        return _Boxing(self.threshold)


class _Boxing(FrameByFrame):
    def __init__(self, threshold: int) -> None:
        self._threshold = threshold

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        luma = frame.view(SMALL_GRAY)
        return [
            Detection(
                span=frame_span(frame),
                label="bright",
                confidence=float(luma.mean()) / 255,
                frame_index=frame.index,
                bbox=self._box(luma, frame.size),
                attributes=_painted(luma),
            )
        ]

    def _box(self, luma: Picture, size: tuple[int, int]) -> BBox:
        rows, columns = np.nonzero(luma > self._threshold)
        if not len(rows):
            return BBox(0, 0, size[0], size[1])
        across, down = size[0] / luma.shape[1], size[1] / luma.shape[0]
        return BBox(
            float(columns.min() * across),
            float(rows.min() * down),
            float((columns.max() + 1) * across),
            float((rows.max() + 1) * down),
        )


def _painted(luma: Picture) -> dict[str, int]:
    try:
        return {"painted": read_frame_number(luma)}
    except ValueError:
        return {}


@dataclass(frozen=True)
class NeedsBoxes(StreamAnnotator):
    """Takes the boxes of the very frame it looks at, in large batches; fails when it is handed any other."""

    name: ClassVar[str] = "needs_boxes"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("box_every_frame",)
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    batch_size: ClassVar[int] = 256

    def session(self, context: SessionContext) -> StreamSession:
        return _Needing()


class _Needing(FrameByFrame):
    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        told = [item for item in upstream if isinstance(item, Detection)]
        if [item.frame_index for item in told] != [frame.index]:
            raise AnnotatorError("needs_boxes", f"frame {frame.index} came with boxes of {told}")
        values = {"boxes": len(told), "area": sum(item.bbox.area for item in told if item.bbox)}
        return [Measure(span=frame_span(frame), frame_index=frame.index, values=values)]


@dataclass(frozen=True)
class Failing(StreamAnnotator):
    """Says one thing a frame, and raises ``RuntimeError`` at frame ``at``."""

    name: ClassVar[str] = "failing"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    at: int = 0

    def session(self, context: SessionContext) -> StreamSession:
        return _BreakingDown(self.at)


class _BreakingDown(FrameByFrame):
    def __init__(self, at: int) -> None:
        self._at = at

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        if frame.index == self._at:
            raise RuntimeError(f"made to fail at frame {self._at}")
        return [Measure(span=frame_span(frame), frame_index=frame.index, values={"index": frame.index})]


@dataclass(frozen=True)
class Slow(FrameCounter):
    """A frame counter that takes ``delay_s`` for each frame."""

    name: ClassVar[str] = "slow"
    delay_s: float = 0.01

    def session(self, context: SessionContext) -> StreamSession:
        return _Dawdling(self.nth, self.delay_s)


class _Dawdling(_Counting):
    def __init__(self, nth: int, delay_s: float) -> None:
        super().__init__(nth)
        self._delay_s = delay_s

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        time.sleep(self._delay_s)
        return super().look(frame, upstream)


@dataclass(frozen=True)
class PreviousFrameDiff(StreamAnnotator):
    """Mean absolute difference of luma to the previous frame: pixels that no state may hold, so they are replayed."""

    name: ClassVar[str] = "previous_frame_diff"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (SMALL_GRAY,)

    def session(self, context: SessionContext) -> StreamSession:
        return _Differing()


class _Differing(FrameByFrame):
    def __init__(self) -> None:
        self._previous: Picture | None = None
        self._last_index: int | None = None

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        before = self._previous
        self._keep(frame)
        if before is None or self._previous is None:
            return [Measure(span=frame_span(frame), frame_index=frame.index, reason="first_frame")]
        difference = float(cv2.absdiff(before, self._previous).mean())
        return [Measure(span=frame_span(frame), frame_index=frame.index, values={"difference": difference})]

    def replay(self, inputs: Inputs) -> None:
        for frame in cast("Sequence[Frame]", inputs):
            self._keep(frame)

    def progress(self) -> Progress:
        return Progress(final_until=None, replay_from=self._last_index)

    def _keep(self, frame: Frame) -> None:
        # a copy: views belong to the decoder, which may use their memory again
        self._previous, self._last_index = frame.view(SMALL_GRAY).copy(), frame.index


@dataclass(frozen=True)
class MeanColour(SparseAnnotator):
    """Mean blue, green and red (0..255) of every key picture."""

    name: ClassVar[str] = "mean_colour"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def session(self, context: SessionContext) -> SparseSession:
        return _Averaging()


class _Averaging(SparseSession):
    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        return [[self._mean(picture)] for picture in pictures]

    def _mean(self, picture: StoredPicture) -> Annotation:
        pixels = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise AnnotatorError("mean_colour", "a key picture is no readable JPEG")
        blue, green, red = (float(level) for level in pixels.reshape(-1, 3).mean(axis=0))
        about = picture.annotation
        values = {"blue": blue, "green": green, "red": red}
        return Measure(span=about.span, frame_index=about.frame_index, values=values)


@dataclass(frozen=True)
class CountSolver(Solver):
    """How many shots there are, as one row over all of them; no row where there is no shot."""

    name: ClassVar[str] = "count_solver"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("shots",)
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        count, first, last = 0, None, None
        for shot in stored.of("shot"):
            count, first, last = count + 1, first or shot, shot
        if first is not None and last is not None:
            span = type(first.span)(first.span.start, last.span.end)
            yield Measure(span=span, label="shots", values={"count": count})
