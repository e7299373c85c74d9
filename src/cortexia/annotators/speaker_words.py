"""Speaker words: who says which word."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.types import Annotation, SpeakerTurn, SpokenWord, Word


@dataclass(frozen=True)
class SpeakerWords(Solver):
    """A ``SpokenWord`` for each word of the transcription that somebody's turn holds.

    It is of the turn that overlaps it most; of equals of the one that is nobody's interruption (``is_overlap``), then
    of the earlier. A word outside of all turns goes to the nearest one, where that is at most ``reach_s`` away. For
    others there is no row.
    """

    name: ClassVar[str] = "speaker_words"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("transcription", "speakers")
    provides: ClassVar[tuple[str, ...]] = ("spoken_word",)

    reach_s: float = 0.5

    def __post_init__(self) -> None:
        require_ranges(self, {"reach_s": (0.0, 60.0)})

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterator[Annotation]:
        turns = cast(Iterable[SpeakerTurn], stored.of("speaker_turn"))
        near = _Nearby(turns, self.reach_s)
        for word in cast(Iterable[Word], stored.of("word")):
            turn = near.best(word)
            if turn is not None:
                yield _spoken(word, turn)


class _Nearby:
    """The turns about a word, words coming in order of their start: those that ended long before are let go, but for
    long ones nothing more is kept."""

    def __init__(self, turns: Iterable[SpeakerTurn], reach_s: float) -> None:
        self._turns = iter(turns)
        self._next = next(self._turns, None)
        self._kept: deque[SpeakerTurn] = deque()
        self._reach = reach_s

    def best(self, word: Word) -> SpeakerTurn | None:
        begin, end = word.span.start.seconds, word.span.end.seconds
        while self._next is not None and self._next.span.start.seconds <= end + self._reach:
            self._kept.append(self._next)
            self._next = next(self._turns, None)
        self._kept = deque(turn for turn in self._kept if turn.span.end.seconds >= begin - self._reach)
        if not self._kept:
            return None
        best = min(self._kept, key=lambda turn: _rank(word, turn))
        return best if _distance_s(word, best) <= self._reach else None


def _rank(word: Word, turn: SpeakerTurn) -> tuple[float, float, bool, float]:
    """The lowest is the turn that the word belongs to."""
    overlap = min(word.span.end, turn.span.end).fraction - max(word.span.start, turn.span.start).fraction
    distance = _distance_s(word, turn)
    return -max(0.0, float(overlap)), distance, turn.is_overlap, turn.span.start.seconds


def _distance_s(word: Word, turn: SpeakerTurn) -> float:
    before = turn.span.start.seconds - word.span.end.seconds
    after = word.span.start.seconds - turn.span.end.seconds
    return max(0.0, before, after)


def _spoken(word: Word, turn: SpeakerTurn) -> SpokenWord:
    return SpokenWord(
        span=word.span,
        label=turn.label,
        confidence=word.confidence,
        text=word.text,
        utterance=word.utterance,
        speaker_id=turn.speaker_id,
    )
