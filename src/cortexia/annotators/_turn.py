"""A turn of a speaker on its way to a row."""

from __future__ import annotations

from dataclasses import dataclass

from cortexia.types import TimeSpan, Timestamp


@dataclass(frozen=True, slots=True)
class Turn:
    """``weight``: seconds behind ``confidence``."""

    start: Timestamp
    end: Timestamp
    speaker: int
    is_overlap: bool
    confidence: float
    weight: float

    @property
    def seconds(self) -> float:
        return seconds_of(self.span)

    @property
    def span(self) -> TimeSpan:
        return TimeSpan(self.start, self.end)


def seconds_of(span: TimeSpan) -> float:
    return span.end.seconds - span.start.seconds
