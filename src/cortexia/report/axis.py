"""The time axis that lanes and curves share: 0 .. 1000 across, whatever the width on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cortexia.report.gather import ShotFacts, Span
from cortexia.report.words import DASH, time_ticks
from cortexia.wording import clock

WIDTH = 1000.0
_SPANS_DRAWN = 600


@dataclass(frozen=True, slots=True)
class Tick:
    """``percent`` of the axis from the left."""

    percent: float
    label: str


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle on a lane: ``x`` and ``width`` on the axis, a class for its colour, a tooltip."""

    x: str
    width: str
    look: str
    title: str = ""


class Axis:
    """From 0 to ``end`` (µs, above 0)."""

    def __init__(self, end: int) -> None:
        self.end = max(1, end)

    def x(self, micros: float) -> float:
        return min(WIDTH, max(0.0, micros / self.end * WIDTH))

    def ticks(self) -> list[Tick]:
        """Labels that would hang over the right edge are left out, the grid keeps its lines."""
        return [Tick(round(at / self.end * 100, 3), text) for at, text in time_ticks(self.end)]

    @property
    def decimals(self) -> int:
        """Places after the second that times on this axis are told with."""
        return 2 if self.end < 600_000_000 else 1

    def block(self, span: Span, look: str, title: str = "") -> Block:
        left, right = self.x(span.start), self.x(span.end)
        return Block(f"{left:.2f}", f"{max(right - left, 0.4):.2f}", look, title)

    def path(self, spans: Iterable[Span], height: float = 1.0) -> str:
        """Spans as one path: light where there are thousands. Those closer than a twentieth of a pixel merge."""
        parts: list[str] = []
        left = right = -1.0
        for span in spans:
            start, end = self.x(span.start), max(self.x(span.end), self.x(span.start) + 0.4)
            if start <= right + 0.05 and left >= 0:
                right = max(right, end)
                continue
            if left >= 0:
                parts.append(_rectangle(left, right, height))
            left, right = start, end
        if left >= 0:
            parts.append(_rectangle(left, right, height))
        return "".join(parts)

    def shot_background(self, shots: list[ShotFacts]) -> str:
        """Every second shot, for the back of a curve."""
        return self.path(Span(shot.start, shot.end) for shot in shots[1::2]) if len(shots) <= _SPANS_DRAWN else ""

    def between(self, start: int, end: int) -> str:
        return f"{clock(start, self.decimals)} {DASH} {clock(end, self.decimals)}"


def _rectangle(left: float, right: float, height: float) -> str:
    return f"M{left:.2f} 0H{right:.2f}V{height:g}H{left:.2f}z"
