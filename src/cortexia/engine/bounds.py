"""Where the spans of annotations may lie: within the range asked for and the video."""

from __future__ import annotations

import math
from fractions import Fraction

from cortexia.types import MediaInfo, TimeRange, TimeSpan, Timestamp

TIME_TOLERANCE_S = Fraction(1, 1000)
"""A span may reach out by so much: for rounding to a coarser clock."""
_INT64 = 1 << 63


class Bounds:
    """The range asked for, and the video as long as it says, or is ``seen``, to be."""

    def __init__(self, media: MediaInfo, time_range: TimeRange) -> None:
        self.seen: Timestamp | None = None
        self._origin = media.origin
        self._low = media.origin + time_range.start - TIME_TOLERANCE_S
        self._high = _declared_end(media, time_range)
        self._limits: dict[tuple[int, int], tuple[int, int]] = {}
        self._base: Fraction | None = None
        self._pts: tuple[int, int] = (0, 0)

    def extend(self, end: Timestamp) -> None:
        if self.seen is None or self.seen < end:
            self.seen = end

    def fault(self, span: TimeSpan) -> str | None:
        """Why ``span`` cannot be of this video; ``None`` where it can."""
        start, end = span.start, span.end
        if start.time_base is not self._base:
            self._base, self._pts = start.time_base, self._limits_of(start.time_base)
        low, high = self._pts
        if low <= start.pts and end.time_base is self._base and end.pts <= high:
            return None
        return self._exact_fault(span, low)

    def _limits_of(self, base: Fraction) -> tuple[int, int]:
        """The first and the last pts that are surely inside."""
        key = (base.numerator, base.denominator)
        if key not in self._limits:
            high = -_INT64 if self._high is None else min(_INT64 - 1, math.floor(self._high / base))
            self._limits[key] = max(-_INT64, math.ceil(self._low / base)), high
        return self._limits[key]

    def _exact_fault(self, span: TimeSpan, low: int) -> str | None:
        start, end = span.start, span.end
        if start.pts < low:
            return f"starts at {self._shown(start)} s, before {float(self._low - self._origin):.6f} s"
        if max(abs(start.pts), abs(end.pts), abs(end.micros(self._origin))) >= _INT64:
            return "a time beyond 64 bits"
        bounds = [bound for bound in (self._high, self._seen_until()) if bound is not None]
        if not bounds or end.fraction <= max(bounds):
            return None
        last = float(max(bounds) - self._origin)
        return f"ends at {self._shown(end)} s, after {last:.6f} s, where the video or the range ends"

    def _seen_until(self) -> Fraction | None:
        return None if self.seen is None else self.seen.fraction + TIME_TOLERANCE_S

    def _shown(self, moment: Timestamp) -> str:
        return f"{moment.since(self._origin):.6f}"


def _declared_end(media: MediaInfo, time_range: TimeRange) -> Fraction | None:
    """Where the container or the range says that it is over; ``None`` where neither does."""
    streams = [stream for stream in (media.video, media.audio) if stream is not None]
    first = max([0.0, *(stream.first_s or 0.0 for stream in streams)])
    ends = []
    if media.duration_s is not None and math.isfinite(media.duration_s):
        ends.append(Fraction(media.duration_s) + Fraction(first))
    if time_range.end is not None:
        ends.append(media.origin + time_range.end)
    return min(ends) + TIME_TOLERANCE_S if ends else None
