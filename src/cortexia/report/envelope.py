"""How loud it is over time, in a bounded number of columns, whatever the length."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import zip_longest

COLUMNS = 1200
_STEP = 50_000
_EDGE = 10
"""Spans are this much shorter at both ends (µs): rounded times must not reach into the next column."""
_EXPONENT = 0.6 / 20
"""Height by level: amplitude to the power of 0.6, as loudness is heard (S. S. Stevens, "The measurement of loudness",
J. Acoust. Soc. Am. 27, 1955)."""
_LEAST_HEIGHT = 0.03
_QUIET_DBFS = -40.0
"""What is never louder than this does not fill its lane: silence must not look like noise."""
_NOTHING = -math.inf


class Envelope:
    """The loudest level of each column of time. Columns become twice as wide whenever more than 1200 are needed: what
    is held does not grow with the length, and no peak is lost."""

    def __init__(self) -> None:
        self._width = _STEP
        self._levels: list[float] = []

    @property
    def loudest(self) -> float | None:
        """In dBFS; ``None`` where nothing was measured."""
        most = max(self._levels, default=_NOTHING)
        return None if most == _NOTHING else most

    def add(self, start: int, end: int, level: float) -> None:
        """A level in dBFS of the span from ``start`` to ``end`` (µs, from 0 on)."""
        last = max(start, end - _EDGE)
        while last // self._width >= COLUMNS:
            self._fold()
        first, last = (start + _EDGE) // self._width, last // self._width
        self._levels += [_NOTHING] * (last + 1 - len(self._levels))
        for place in range(min(first, last), last + 1):
            self._levels[place] = max(self._levels[place], level)

    def _fold(self) -> None:
        pairs = zip_longest(self._levels[::2], self._levels[1::2], fillvalue=_NOTHING)
        self._levels = [max(pair) for pair in pairs]
        self._width *= 2

    def path(self, x: Callable[[float], float]) -> str:
        """A shape around the middle of a lane of height 1, as high as the lane where it is loudest, if that is
        above -40 dBFS; nothing stands where nothing was measured. ``x`` tells where on the axis a time (µs) is."""
        parts: list[str] = []
        begin = None
        for place, level in enumerate([*self._levels, _NOTHING]):
            if level != _NOTHING and begin is None:
                begin = place
            elif level == _NOTHING and begin is not None:
                parts.append(self._shape(begin, place, x))
                begin = None
        return "".join(parts)

    def _shape(self, first: int, last: int, x: Callable[[float], float]) -> str:
        """Of the columns ``first`` .. ``last`` - 1, along its upper edge and back along the lower one."""
        full = max(*self._levels, _QUIET_DBFS)
        halves = [max(_LEAST_HEIGHT, 10 ** ((level - full) * _EXPONENT)) / 2 for level in self._levels[first:last]]
        edges = [
            first * self._width,
            *((place + 0.5) * self._width for place in range(first, last)),
            last * self._width,
        ]
        across = [f"{x(at):.1f}" for at in edges]
        halves = [halves[0], *halves, halves[-1]]
        upper = [f"{place} {0.5 - half:.3f}" for place, half in zip(across, halves, strict=True)]
        lower = [f"{place} {0.5 + half:.3f}" for place, half in zip(across, halves, strict=True)]
        return f"M{'L'.join([*upper, *lower[::-1]])}z"
