"""Exact time: integer presentation times in units of a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering

from cortexia.errors import ValidationError

MICROSECONDS = 1_000_000


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Timestamp:
    """``pts`` units of ``time_base`` seconds. Ordered and compared exactly, across time bases."""

    pts: int
    time_base: Fraction

    def __post_init__(self) -> None:
        if self.time_base.numerator <= 0:
            raise ValidationError(f"time base must be positive, got {self.time_base}")

    @property
    def fraction(self) -> Fraction:
        """Seconds, exactly."""
        return self.pts * self.time_base

    @property
    def seconds(self) -> float:
        """Seconds as a float: for people and for edges, never for identity."""
        # one division of integers is rounded correctly, and takes a tenth of a Fraction's time
        return self.pts * self.time_base.numerator / self.time_base.denominator

    def since(self, origin: Fraction) -> float:
        """Seconds after ``origin`` (seconds) as a float: the exact difference, rounded once."""
        base = self.time_base
        ticks = self.pts * base.numerator * origin.denominator - origin.numerator * base.denominator
        return ticks / (base.denominator * origin.denominator)

    def micros(self, origin: Fraction = Fraction(0)) -> int:
        """Whole microseconds since ``origin`` (seconds), rounded half up."""
        exact = (self.fraction - origin) * MICROSECONDS
        return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timestamp):
            return NotImplemented
        if self.time_base is other.time_base or self.time_base == other.time_base:
            return self.pts == other.pts
        return self.fraction == other.fraction

    def __lt__(self, other: Timestamp) -> bool:
        if self.time_base is other.time_base or self.time_base == other.time_base:
            return self.pts < other.pts
        return self.fraction < other.fraction

    def __hash__(self) -> int:
        return hash(self.fraction)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Half-open: ``start`` belongs to the span, ``end`` does not. An instant has ``start == end``."""

    start: Timestamp
    end: Timestamp

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValidationError(f"span ends ({self.end.seconds:.6f} s) before it starts ({self.start.seconds:.6f} s)")

    @property
    def duration_s(self) -> float:
        return float(self.end.fraction - self.start.fraction)

    def contains(self, moment: Timestamp) -> bool:
        return self.start <= moment < self.end

    def overlaps(self, other: TimeSpan) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The part of a video that a user asked for, in seconds from its origin; ``None`` is open."""

    start_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("start", self.start_s), ("end", self.end_s)):
            if value is not None and not 0 <= value < float("inf"):
                raise ValidationError(f"{name} must be a number of seconds >= 0, got {value}")
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValidationError(f"end ({self.end_s} s) must lie after start ({self.start_s} s)")

    @property
    def is_whole(self) -> bool:
        return self.start_s is None and self.end_s is None

    @property
    def start(self) -> Fraction:
        return Fraction(str(self.start_s)) if self.start_s is not None else Fraction(0)

    @property
    def end(self) -> Fraction | None:
        return Fraction(str(self.end_s)) if self.end_s is not None else None

    def overlaps(self, other: TimeRange) -> bool:
        """Whether some moment is in both; an end does not belong to its range."""
        ends = [one.end is None or two.start < one.end for one, two in ((self, other), (other, self))]
        return all(ends)

    def key(self) -> str:
        """Canonical text, part of a run's identity."""
        return f"{'' if self.start_s is None else repr(self.start_s)}:{'' if self.end_s is None else repr(self.end_s)}"


WHOLE_VIDEO = TimeRange()
