"""Probabilities of speech, chunk by chunk, and the intervals that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

LONGEST_S = 30
"""No interval of speech is longer."""
LATE_S = LONGEST_S + 1
"""So long after it begins, at most, is an interval told of: the longest there is, and the chunk that ends it."""
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """Probabilities in [0, 1]; lengths in chunks. ``pad``: by how many chunks an interval is longer at either end."""

    threshold: float
    hysteresis: float
    min_speech: int
    min_silence: int
    pad: int
    max_speech: int


class Interval(NamedTuple):
    """Chunks ``first`` to before ``last``, and the mean probability of those within, the padding apart."""

    first: int
    last: int
    confidence: float


@dataclass(slots=True)
class SpeechIntervals:
    """Intervals of speech out of one probability for each chunk.

    Speech begins with a chunk of at least ``threshold``, and ends where ``min_silence`` chunks in a row stay below
    ``threshold - hysteresis`` (below 0.01 at least: nothing would be less probable than 0): with the first of them.
    What is shorter than ``min_speech`` is dropped. What reaches ``max_speech`` is cut before the least probable chunk
    of its second half, and goes on from there.

    ``heard``: chunks so far. ``floor``: end of the last interval, where the next may begin. ``opened``: chunk at which
    speech began, if it is open, and ``odds`` the probabilities from there on.
    """

    limits: SpeechLimits
    heard: int = 0
    floor: int = 0
    opened: int | None = None
    is_cut: bool = False
    quiet: int = 0
    odds: list[float] = field(default_factory=list)

    def add(self, probability: float) -> list[Interval]:
        """Intervals that are complete with this chunk."""
        at, limits = self.heard, self.limits
        self.heard += 1
        if self.opened is None:
            if probability >= limits.threshold:
                self.opened, self.is_cut, self.quiet, self.odds = at, False, 0, [probability]
            return []
        self.odds.append(probability)
        self.quiet = self.quiet + 1 if probability < max(_LEAST, limits.threshold - limits.hysteresis) else 0
        if self.quiet >= limits.min_silence:
            return self._close(self.heard - self.quiet)
        if self.heard - self._first >= limits.max_speech:
            return self._cut()
        return []

    def end(self) -> list[Interval]:
        """There are no more chunks."""
        return [] if self.opened is None else self._close(self.heard - self.quiet)

    @property
    def open_since(self) -> int:
        """Chunk before which no interval begins that is not complete yet."""
        return max(self.floor, self.heard - self.limits.pad) if self.opened is None else self._first

    @property
    def _first(self) -> int:
        opened = self.opened or 0
        return opened if self.is_cut else max(self.floor, opened - self.limits.pad)

    def _close(self, stop: int) -> list[Interval]:
        opened, first = self.opened or 0, self._first
        length = stop - opened
        odds = self.odds[:length]
        is_speech = self.is_cut or length >= self.limits.min_speech
        self.opened, self.odds = None, []
        if not is_speech or length <= 0:
            return []
        self.floor = min(self.heard, stop + self.limits.pad)
        return [Interval(first, self.floor, sum(odds) / len(odds))]

    def _cut(self) -> list[Interval]:
        """The open interval is as long as one may be: cut it, and the rest stays open."""
        opened, first = self.opened or 0, self._first
        half = len(self.odds) // 2
        at = half + min(range(len(self.odds) - half), key=lambda place: self.odds[half + place])
        before, self.odds = self.odds[:at], self.odds[at:]
        self.quiet = min(self.quiet, len(self.odds))
        self.opened, self.is_cut, self.floor = opened + at, True, opened + at
        return [Interval(first, self.floor, sum(before) / len(before))]

    def memory(self) -> dict[str, Any]:
        return {
            "heard": self.heard,
            "floor": self.floor,
            "opened": self.opened,
            "is_cut": self.is_cut,
            "quiet": self.quiet,
            "odds": self.odds,
        }

    def recall(self, memory: Mapping[str, Any]) -> None:
        self.heard, self.floor, self.opened = memory["heard"], memory["floor"], memory["opened"]
        self.is_cut, self.quiet, self.odds = memory["is_cut"], memory["quiet"], list(memory["odds"])


def chunks_in(seconds: float, chunk_s: float) -> int:
    """Whole chunks, rounded, in ``seconds``."""
    return round(seconds / chunk_s)
