"""When something that is followed was looked for in vain."""

from __future__ import annotations

from fractions import Fraction

from cortexia.annotators.base import NextLook
from cortexia.types import MICROSECONDS, Region

_ROUNDING_US = 2
"""Times are rounded to microseconds, at both ends of a step."""


class Gaps:
    """Of one thing, told of its boxes in order. ``count``: how often there was a look between two boxes, at least one,
    that did not find it; ``seconds``: from the first such look until the next box, in all."""

    def __init__(self, next_look: NextLook, origin: Fraction) -> None:
        self.count = 0
        self._lost_us = 0
        self._next_look = next_look
        self._origin = origin
        self._due_us: int | None = None

    @property
    def seconds(self) -> float:
        return self._lost_us / MICROSECONDS

    def see(self, row: Region) -> None:
        """The next box."""
        start_us = row.span.start.micros(self._origin)
        if self._due_us is not None and start_us > self._due_us + _ROUNDING_US:
            self.count += 1
            self._lost_us += start_us - self._due_us
        self._due_us = self._next_look(row.label, start_us, row.span.end.micros(self._origin))
