"""What a decoder hands out: frames with views, and blocks of sound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.types.time import MICROSECONDS, TimeSpan, Timestamp

Picture = NDArray[np.uint8]
_ZERO = Fraction(0)


class TimeSource(StrEnum):
    """Where a frame's time comes from: its own pts, its index over the rate, or a clock carried over a jump."""

    PTS = "pts"
    INDEX = "index"
    REBASED = "rebased"


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A form in which frames are wanted; the decoder makes each form once per frame, for everyone.

    ``size``: ``None`` keeps the display size; ``(width, height)`` is exact; ``width`` or ``height`` of 0 follows the
    display aspect. ``bound``: instead of ``size``, the longer side shrinks to at most this many pixels.
    ``pixel_format``: ``gray`` gives (h, w) full-range luma 0..255; ``bgr`` and ``rgb`` give (h, w, 3);
    ``i420`` gives (h * 3 // 2, w) planes as stored. All uint8, read-only, in display orientation.
    ``resample``: ``fast`` (bilinear, cheap) or ``area`` (averages, no aliasing).
    """

    size: tuple[int, int] | None = None
    bound: int | None = None
    pixel_format: Literal["gray", "bgr", "rgb", "i420"] = "bgr"
    resample: Literal["fast", "area"] = "fast"

    def __post_init__(self) -> None:
        if self.size is not None and self.bound is not None:
            raise ValidationError("a view has a size or a bound, not both")

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of this view for a display of ``width`` x ``height`` pixels; never below 1."""
        if self.bound is not None:
            longest = max(width, height)
            if longest <= self.bound:
                return width, height
            return max(1, round(width * self.bound / longest)), max(1, round(height * self.bound / longest))
        if self.size is None:
            return width, height
        want_w, want_h = self.size
        if not want_w and not want_h:
            return width, height
        return (
            want_w or max(1, round(width * want_h / height)),
            want_h or max(1, round(height * want_w / width)),
        )


class Frame(Protocol):
    """A decoded picture. Presentation order; times exact; pixels only as the views that were declared."""

    @property
    def index(self) -> int:
        """0-based position among the pictures of the stream, in presentation order. A picture of an image sequence
        that cannot be decoded leaves a gap."""

    @property
    def pts(self) -> int | None:
        """Presentation time as the container states it, or ``None``."""

    @property
    def timestamp(self) -> Timestamp:
        """Start of presentation. Strictly increasing; equals ``pts`` wherever the container's times are sound."""

    @property
    def end(self) -> Timestamp:
        """Start of the next picture; for the last one its own duration, else the previous gap."""

    @property
    def time_s(self) -> float:
        """Seconds from the video's origin; never negative."""

    @property
    def time_source(self) -> TimeSource: ...

    @property
    def is_keyframe(self) -> bool: ...

    @property
    def is_corrupt(self) -> bool: ...

    @property
    def size(self) -> tuple[int, int]:
        """Display width and height in pixels (rotation and sample aspect applied)."""

    def view(self, spec: ViewSpec) -> Picture:
        """The picture as declared by ``spec``. Raises ``KeyError`` for a view that no annotator declared."""


def frame_span(frame: Frame) -> TimeSpan:
    return TimeSpan(frame.timestamp, frame.end)


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Mono sound, float32 in [-1, 1] (clipping aside), on the video's clock.

    ``index`` counts samples handed out before this block; ``timestamp`` is when its first sample is heard, in units
    of ``1 / rate`` s. Blocks follow each other without gap unless the container has one: then ``timestamp`` jumps
    while ``index`` does not.
    """

    index: int
    timestamp: Timestamp
    samples: NDArray[np.float32]
    rate: int

    @property
    def end(self) -> Timestamp:
        return Timestamp(self.timestamp.pts + len(self.samples), self.timestamp.time_base)


class SamplingKind(StrEnum):
    EVERY = "every"
    NTH = "nth"
    RATE = "rate"
    KEYFRAMES = "keyframes"


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames an annotator looks at: a function of index and absolute time, never of where decoding began."""

    kind: SamplingKind = SamplingKind.EVERY
    nth: int = 1
    per_second: Fraction = Fraction(1)

    @classmethod
    def every(cls) -> Sampling:
        return cls()

    @classmethod
    def each_nth(cls, nth: int) -> Sampling:
        if nth < 1:
            raise ValidationError(f"frame interval must be at least 1, got {nth}")
        return cls() if nth == 1 else cls(SamplingKind.NTH, nth=nth)

    @classmethod
    def at_rate(cls, per_second: float | Fraction) -> Sampling:
        """The frame on screen at each multiple of ``1 / per_second`` s after the origin."""
        rate = Fraction(per_second).limit_denominator(1_000_000)
        if rate <= 0:
            raise ValidationError(f"frames per second must be positive, got {per_second}")
        return cls(SamplingKind.RATE, per_second=rate)

    @classmethod
    def keyframes(cls) -> Sampling:
        return cls(SamplingKind.KEYFRAMES)

    def wants(self, index: int, start: Fraction, end: Fraction, is_keyframe: bool) -> bool:
        """Whether the frame ``index``, shown in ``[start, end)`` seconds from the origin, is looked at."""
        if self.kind is SamplingKind.EVERY:
            return True
        if self.kind is SamplingKind.NTH:
            return index % self.nth == 0
        if self.kind is SamplingKind.KEYFRAMES:
            return is_keyframe
        # whether the first multiple of 1 / rate from the start on lies before the end; integers, for it is asked often
        rate, per = self.per_second.numerator, self.per_second.denominator
        first_tick = -(-start.numerator * rate // (start.denominator * per))
        return first_tick * end.denominator * per < end.numerator * rate

    def wants_at(self, index: int, start: Timestamp, end: Timestamp, is_keyframe: bool, origin: Fraction) -> bool:
        """``wants`` for times as frames carry them; exact fractions are made only where they are looked at."""
        if self.kind is not SamplingKind.RATE:
            return self.wants(index, _ZERO, _ZERO, is_keyframe)
        return self.wants(index, start.fraction - origin, end.fraction - origin, is_keyframe)

    def next_look(self, start_us: int, end_us: int) -> int | None:
        """When, at the latest, the next frame begins that is looked at, after one shown in ``[start_us, end_us)``; all
        in microseconds from the origin. ``None`` where the file alone decides (key frames)."""
        if self.kind is SamplingKind.KEYFRAMES:
            return None
        if self.kind is SamplingKind.NTH:
            # half a frame more, for frames that are not all as long as this one
            return start_us + self.nth * (end_us - start_us) + (end_us - start_us) // 2
        if self.kind is SamplingKind.EVERY:
            return end_us
        rate, per = self.per_second.numerator, self.per_second.denominator * MICROSECONDS
        tick = -(-end_us * rate // per)
        return -(-tick * per // rate)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind.value, "nth": self.nth, "per_second": str(self.per_second)}
