"""Annotators that make the engine sweat: dependent, stateful, late, silent, broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cortexia.annotators.base import (
    Emissions,
    Medium,
    SessionContext,
    Solver,
    SparseAnnotator,
    SparseSession,
    StoredAnnotations,
    StoredPicture,
    StreamAnnotator,
    StreamSession,
)
from cortexia.types import (
    Annotation,
    AudioBlock,
    BBox,
    Caption,
    Detection,
    Frame,
    KeyPicture,
    Measure,
    Progress,
    Sampling,
    TimeSpan,
    frame_span,
)


@dataclass(frozen=True)
class Boxes(StreamAnnotator):
    """Two boxes in every frame. It works on what it was told of, ahead of its turn, and on nothing else."""

    name: ClassVar[str] = "boxes"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("detection",)
    batch_size: ClassVar[int] = 4
    ahead: ClassVar[int] = 3
    fail_at: int = -1

    def session(self, context: SessionContext) -> StreamSession:
        return BoxesSession(self)


class BoxesSession(StreamSession):
    def __init__(self, recipe: Boxes) -> None:
        self._recipe = recipe
        self._begun: list[Frame] = []
        self.most_ahead = 0

    def begin(self, inputs: Sequence[Frame]) -> None:  # type: ignore[override]
        if [frame.index for frame in inputs[: len(self._begun)]] != [frame.index for frame in self._begun]:
            raise RuntimeError("told of other frames than before")
        self._begun = list(inputs)

    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        known, self._begun = self._begun[: len(inputs)], self._begun[len(inputs) :]
        self.most_ahead = max(self.most_ahead, len(self._begun))
        return [[self._box(frame, label) for label in ("a", "b")] for frame in known]

    def _box(self, frame: Frame, label: str) -> Detection:
        if frame.index == self._recipe.fail_at:
            raise RuntimeError("boom")
        return Detection(
            span=frame_span(frame),
            label=label,
            frame_index=frame.index,
            confidence=0.5,
            bbox=BBox(0, 0, 1, frame.index % 9),
        )


@dataclass(frozen=True)
class NeedsBoxes(StreamAnnotator):
    """Looks at every ``nth`` frame, and says which boxes it was told of since the last one it saw."""

    name: ClassVar[str] = "needs_boxes"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("boxes",)
    provides: ClassVar[tuple[str, ...]] = ("caption",)
    batch_size: ClassVar[int] = 64
    nth: int = 1

    @property
    def sampling(self) -> Sampling:
        return Sampling.each_nth(self.nth)

    def session(self, context: SessionContext) -> StreamSession:
        return NeedsBoxesSession()


class NeedsBoxesSession(StreamSession):
    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        return [[self._told(frame_span(frame), said)] for frame, said in zip(inputs, upstream, strict=True)]

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        return [self._told(upstream[0].span, upstream)] if upstream else []

    def _told(self, span: TimeSpan, said: Sequence[Annotation]) -> Caption:
        return Caption(span=span, text=",".join(f"{box.frame_index}{box.label}" for box in said))


@dataclass(frozen=True)
class Steps(StreamAnnotator):
    """Difference to the previous frame (transient) and a running total (state); one late row per ten frames."""

    name: ClassVar[str] = "steps"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    batch_size: ClassVar[int] = 3

    def session(self, context: SessionContext) -> StreamSession:
        return StepsSession()


class StepsSession(StreamSession):
    def __init__(self) -> None:
        self._previous: int | None = None
        self._total = 0
        self._next = 0
        self._open: Frame | None = None
        self._open_span: list[Any] = []

    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        return [self._step(frame) for frame in inputs]

    def _step(self, frame: Frame) -> list[Annotation]:
        from cortexia.types import ViewSpec

        value = int(frame.view(ViewSpec())[0, 0])
        step = 0 if self._previous is None else value - self._previous
        self._previous = value
        self._total += step * step
        self._next = frame.index + 1
        made: list[Annotation] = [Measure(span=frame_span(frame), values={"step": step, "total": self._total})]
        if frame.index % 10 == 0:
            self._open = frame
        elif frame.index % 10 == 7 and self._open is not None:
            # said seven frames later about an earlier start: ids must not care where a commit fell
            late = TimeSpan(self._open.timestamp, frame.end)
            made.append(Measure(span=late, label="late", values={"at": frame.index}))
        return made

    def replay(self, inputs: Sequence[Frame]) -> None:  # type: ignore[override]
        from cortexia.types import ViewSpec

        for frame in inputs:
            self._previous = int(frame.view(ViewSpec())[0, 0])
            self._next = frame.index + 1
            if frame.index % 10 == 0:
                self._open = frame

    def state(self) -> Mapping[str, Any]:
        return {"total": self._total}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._total = state["total"]

    def progress(self) -> Progress:
        if self._open is not None and self._next <= self._open.index + 7:
            return Progress(self._open.timestamp, replay_from=self._open.index)
        return Progress(None, replay_from=max(0, self._next - 1))


@dataclass(frozen=True)
class Beats(StreamAnnotator):
    """Sum of each 800 samples of sound, cut by sample index and never by block."""

    name: ClassVar[str] = "beats"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def session(self, context: SessionContext) -> StreamSession:
        return BeatsSession()


class BeatsSession(StreamSession):
    def __init__(self) -> None:
        self._kept: list[float] = []
        self._position = 0

    def process(self, inputs: Sequence[AudioBlock], upstream: Emissions) -> Emissions:  # type: ignore[override]
        return [self._block(block) for block in inputs]

    def _block(self, block: AudioBlock) -> list[Annotation]:
        from cortexia.types import Timestamp

        made: list[Annotation] = []
        for sample in block.samples.tolist():
            self._kept.append(sample)
            self._position += 1
            if len(self._kept) == 800:
                base = block.timestamp.time_base
                span = TimeSpan(Timestamp(self._position - 800, base), Timestamp(self._position, base))
                made.append(Measure(span=span, values={"sum": sum(self._kept)}))
                self._kept.clear()
        return made

    def replay(self, inputs: Sequence[AudioBlock]) -> None:  # type: ignore[override]
        for block in inputs:
            self._kept += block.samples.tolist()
            self._position = block.index + len(block.samples)

    def state(self) -> Mapping[str, Any]:
        return {"position": self._position - len(self._kept)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._position = state["position"]

    def progress(self) -> Progress:
        return Progress(None, replay_from=self._position - len(self._kept))


@dataclass(frozen=True)
class Pictures(StreamAnnotator):
    """A key picture every 12 frames."""

    name: ClassVar[str] = "pictures"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("key_picture",)

    @property
    def sampling(self) -> Sampling:
        return Sampling.keyframes()

    def session(self, context: SessionContext) -> StreamSession:
        return PicturesSession(context)


class PicturesSession(StreamSession):
    def __init__(self, context: SessionContext) -> None:
        self._put = context.put_blob

    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        return [[self._keep(frame)] for frame in inputs]

    def _keep(self, frame: Frame) -> KeyPicture:
        digest = self._put(f"picture {frame.index}".encode(), ".jpg")
        return KeyPicture(
            span=frame_span(frame),
            frame_index=frame.index,
            picture=digest,
            thumbnail=digest,
            width=frame.size[0],
            height=frame.size[1],
            quality=1.0,
            is_representative=True,
        )


@dataclass(frozen=True)
class Describe(SparseAnnotator):
    """The bytes of each stored picture as a caption, and what boxes there are in it. ``is_framed``: of all of it."""

    name: ClassVar[str] = "describe_pictures"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("pictures",)
    reads: ClassVar[tuple[str, ...]] = ("detection",)
    provides: ClassVar[tuple[str, ...]] = ("caption",)
    fail_at: int = -1
    sees_boxes: bool = False
    is_framed: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return ("pictures", "boxes") if self.sees_boxes else self.requires

    def session(self, context: SessionContext) -> SparseSession:
        return DescribeSession(self)


class DescribeSession(SparseSession):
    def __init__(self, recipe: Describe) -> None:
        self._recipe = recipe

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        if any(picture.annotation.frame_index == self._recipe.fail_at for picture in pictures):
            raise ValueError("no words")
        return [[self._caption(picture)] for picture in pictures]

    def _caption(self, picture: StoredPicture) -> Caption:
        boxes = [[row.frame_index, row.label] for row in picture.beside]
        shown = picture.annotation
        box = BBox(0, 0, *shown.display) if self._recipe.is_framed else None
        return Caption(span=shown.span, text=picture.jpeg.decode(), bbox=box, attributes={"boxes": boxes})


@dataclass(frozen=True)
class CountBoxes(Solver):
    """How many boxes there are, in one row."""

    name: ClassVar[str] = "count_boxes"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("boxes",)
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> list[Annotation]:
        boxes = list(stored.of("detection"))
        if not boxes:
            return []
        return [Measure(span=TimeSpan(boxes[0].span.start, boxes[-1].span.end), values={"boxes": len(boxes)})]


@dataclass(frozen=True)
class RepeatBoxes(Solver):
    """Says each box again while it reads, and then how many there were."""

    name: ClassVar[str] = "repeat_boxes"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("boxes",)
    provides: ClassVar[tuple[str, ...]] = ("caption", "measure")
    fail_at: int = -1

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterator[Annotation]:
        span, count = None, 0
        for count, box in enumerate(stored.of("detection"), 1):
            if count == self.fail_at:
                raise RuntimeError("boom")
            span = box.span
            yield Caption(span=box.span, text=f"{box.label} in {box.frame_index}")
        if span is not None:
            yield Measure(span=span, values={"boxes": count})


@dataclass(frozen=True)
class Odd(StreamAnnotator):
    """Misbehaves in the way that ``how`` says."""

    name: ClassVar[str] = "odd"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    how: str = "nothing"

    def session(self, context: SessionContext) -> StreamSession:
        return OddSession(self.how)


class OddSession(StreamSession):
    def __init__(self, how: str) -> None:
        self._how = how

    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        if self._how == "wrong length":
            return []
        if self._how == "wrong type":
            return [[Caption(span=frame_span(frame), text="no")] for frame in inputs]
        if self._how == "no annotation":
            return [["text"] for _ in inputs]  # type: ignore[list-item]
        if self._how == "too many":
            return [[Measure(span=frame_span(frame), values={"x": 1.0})] * 10**7 for frame in inputs]
        if self._how == "not finite":
            return [[Measure(span=frame_span(frame), values={"x": float("nan")})] for frame in inputs]
        return [[] for _ in inputs]

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        if self._how == "finish":
            raise RuntimeError("at the end")
        return ()

    def state(self) -> Mapping[str, Any]:
        return {"x": "y" * 70_000} if self._how == "large state" else {}

    def close(self) -> None:
        if self._how == "close":
            raise RuntimeError("cannot close")
