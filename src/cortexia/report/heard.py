"""What is heard in a video and when: how loud, speech, who speaks, what is said, other sounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from cortexia.cues.text import space_between
from cortexia.report.envelope import Envelope
from cortexia.report.series import Series
from cortexia.types import (
    Embedding,
    Measure,
    SoundEvent,
    SpeakerTurn,
    Speech,
    SpokenWord,
    StoredRow,
    Utterance,
    Word,
)

ACTIVITY = "sound"
"""The label of intervals in which anything is to be heard."""
TEXT_LIMIT = 2000
"""Characters of an utterance that are told."""
_ENVELOPE_STEP_S = 0.05


@dataclass(slots=True)
class Speaker:
    """``turns``: a value above 0 where somebody else speaks, too."""

    name: str
    turns: Series = field(default_factory=Series)


class TimedWord(NamedTuple):
    """``first`` .. ``last``: its characters in the text of its line, the last one excluded. Times in µs."""

    start: int
    end: int
    text: str
    confidence: float | None
    speaker: str | None = None
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What one speaker says in one go. ``speaker``: an id, where it is known; ``words``: those found in ``text``."""

    start: int
    end: int
    text: str
    confidence: float | None
    language: str | None
    is_translated: bool
    speaker: str | None = None
    words: tuple[TimedWord, ...] = ()


_WordKey = tuple[str, int]
"""Run and number of the utterance."""


class Heard:
    """``upstream``: of each run those that it was made from. ``silent``: runs whose words of speakers are of words that
    are not shown. ``speakers`` by their ids, ``events`` by their labels."""

    def __init__(
        self, upstream: Mapping[str, tuple[str, ...]] | None = None, silent: frozenset[str] = frozenset()
    ) -> None:
        self._upstream = upstream or {}
        self._silent = silent
        self.levels = Envelope()
        self.speech = Series()
        self.speakers: dict[str, Speaker] = {}
        self.events: dict[str, Series] = {}
        self._texts: list[tuple[str, int, Line]] = []
        self._words: dict[_WordKey, list[TimedWord]] = {}
        self._voices: dict[tuple[str, int, int, str], str] = {}
        self._turns: list[tuple[int, int, str]] = []

    def take(self, row: StoredRow) -> bool:
        """Whether ``row`` is told here; of loudness the envelope alone is, and activity is not."""
        said = row.annotation
        if isinstance(said, Measure):
            self._take_levels(row, said)
            return False
        if isinstance(said, SoundEvent):
            return self._take_event(row, said)
        if isinstance(said, Speech):
            self.speech.add(row.start_us, row.end_us)
        elif isinstance(said, SpeakerTurn):
            self._take_turn(row, said)
        elif isinstance(said, Utterance | Word | SpokenWord):
            self._take_text(row, said)
        else:
            # voices: nothing to be shown beside who has them
            return isinstance(said, Embedding) and said.of == "voice"
        return True

    def _take_levels(self, row: StoredRow, measure: Measure) -> None:
        levels = measure.attributes.get("envelope")
        if measure.label != "loudness" or not isinstance(levels, list | tuple):
            return
        told = measure.attributes.get("envelope_step_s")
        step = round((told if isinstance(told, int | float) and told > 0 else _ENVELOPE_STEP_S) * 1e6)
        for place, level in enumerate(levels):
            start = row.start_us + place * step
            if isinstance(level, int | float) and start < row.end_us:
                self.levels.add(start, min(row.end_us, start + step), float(level))

    def _take_event(self, row: StoredRow, event: SoundEvent) -> bool:
        if event.label == ACTIVITY:
            return False
        self.events.setdefault(event.label or row.annotator, Series()).add(
            row.start_us, row.end_us, event.confidence or 0.0
        )
        return True

    def _take_turn(self, row: StoredRow, turn: SpeakerTurn) -> None:
        speaker = self.speakers.setdefault(turn.speaker_id, Speaker(turn.label or turn.speaker_id))
        speaker.turns.add(row.start_us, row.end_us, float(turn.is_overlap))
        self._turns.append((row.start_us, row.end_us, turn.speaker_id))

    def _take_text(self, row: StoredRow, said: Utterance | Word | SpokenWord) -> None:
        if isinstance(said, Utterance):
            text = said.text if len(said.text) <= TEXT_LIMIT else f"{said.text[:TEXT_LIMIT]}…"
            line = Line(row.start_us, row.end_us, text, said.confidence, said.language, said.translated)
            self._texts.append((row.run_id, said.number, line))
        elif isinstance(said, Word):
            own = self._words.setdefault((row.run_id, said.utterance), [])
            own.append(TimedWord(row.start_us, row.end_us, said.text, said.confidence))
        elif row.run_id not in self._silent:
            self.speakers.setdefault(said.speaker_id, Speaker(said.label or said.speaker_id))
            for run_id in self._upstream.get(row.run_id, ()):
                self._voices[run_id, said.utterance, row.start_us, said.text] = said.speaker_id

    def lines(self) -> list[Line]:
        """In order of time. An utterance in which the speaker changes is one line for each; where words tell no
        speaker, it is whose turns overlap the utterance most."""
        made = [line for run_id, number, line in self._texts for line in self._by_speaker(run_id, number, line)]
        return list(_with_turns(sorted(made, key=lambda line: (line.start, line.end)), self._turns))

    def _by_speaker(self, run_id: str, number: int, line: Line) -> list[Line]:
        parts: list[list[TimedWord]] = [[]]
        speaker = None
        for word in _located(line.text, self._words.get((run_id, number), [])):
            whose = self._voices.get((run_id, number, word.start, word.text))
            if whose and speaker and whose != speaker:
                parts.append([])
            speaker = whose or speaker
            parts[-1].append(word._replace(speaker=whose))
        cuts = [0, *(part[0].first for part in parts[1:]), len(line.text)]
        return [_part(line, part, *cut) for part, cut in zip(parts, pairwise(cuts), strict=True)]


def _located(text: str, words: list[TimedWord]) -> Iterator[TimedWord]:
    """Words at their places in the text; one that is not in it is left out."""
    at = 0
    for word in sorted(words, key=lambda word: word.start):
        first = _place_of(word.text, text, at)
        if first >= 0:
            at = first + len(word.text)
            yield word._replace(first=first, last=at)


def _place_of(word: str, text: str, at: int) -> int:
    """Of ``word`` in ``text`` from ``at``, not within another word; -1 where it is not. Where a script writes no
    spaces, words stand side by side."""
    first = text.find(word, at) if word else -1
    while first >= 0 and (_is_within(text, first) or _is_within(text, first + len(word))):
        first = text.find(word, first + 1)
    return first


def _is_within(text: str, place: int) -> bool:
    """Whether ``place`` is within a word: between letters, digits or what stands upon them."""
    before, after = text[place - 1 : place] if place else "", text[place : place + 1]
    return bool(before and after) and _is_part(before) and _is_part(after) and bool(space_between(before, after))


def _part(line: Line, words: list[TimedWord], first: int, last: int) -> Line:
    """The characters ``first`` .. ``last`` of a line with ``words`` in them; the ends of the line stay."""
    return replace(
        line,
        start=words[0].start if first else line.start,
        end=words[-1].end if last < len(line.text) else line.end,
        text=line.text[first:last].rstrip(),
        speaker=next((word.speaker for word in words if word.speaker), None),
        words=tuple(word._replace(first=word.first - first, last=word.last - first) for word in words),
    )


def _with_turns(lines: list[Line], turns: list[tuple[int, int, str]]) -> Iterator[Line]:
    """Lines without a speaker get that of the turns that overlap them most. Both in order of their starts."""
    ordered, place = sorted(turns), 0
    at_hand: list[tuple[int, int, str]] = []
    for line in lines:
        while place < len(ordered) and ordered[place][0] < line.end:
            at_hand.append(ordered[place])
            place += 1
        at_hand = [turn for turn in at_hand if turn[1] > line.start]
        yield line if line.speaker else replace(line, speaker=_loudest(line, at_hand))


def _loudest(line: Line, turns: list[tuple[int, int, str]]) -> str | None:
    shares: dict[str, int] = {}
    for start, end, speaker in turns:
        shares[speaker] = shares.get(speaker, 0) + max(0, min(end, line.end) - max(start, line.start))
    best = max(shares, key=lambda speaker: shares[speaker], default=None)
    return best if best is not None and shares[best] > 0 else None


def _is_part(sign: str) -> bool:
    return sign.isalnum() or unicodedata.combining(sign) > 0
