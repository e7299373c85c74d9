"""Values over time, as compact as a long video needs them. Times in microseconds from the origin."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of time in microseconds from the origin, and what is said about it."""

    start: int
    end: int
    text: str = ""


@dataclass(slots=True)
class Series:
    """Values of one measure over time, 24 bytes each: a long video has many. Times in microseconds."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, start: int, end: int, value: float = 1.0) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.values.append(value)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def step(self) -> int:
        """Median time from one start to the next that differs (µs); 0 where there is but one."""
        gaps = [later - sooner for sooner, later in zip(self.starts, self.starts[1:], strict=False) if later > sooner]
        return int(median(gaps)) if gaps else 0


def runs_of(series: Series, step: int) -> Iterator[Span]:
    """Stretches in which rows follow each other by no more than ``step`` (µs); the last row reaches to its end."""
    start = end = -1
    for first, last in zip(series.starts, series.ends, strict=True):
        if start < 0:
            start, end = first, max(last, first + step)
        elif first <= end:
            end = max(end, last, first + step)
        else:
            yield Span(start, end)
            start, end = first, max(last, first + step)
    if start >= 0:
        yield Span(start, end)
