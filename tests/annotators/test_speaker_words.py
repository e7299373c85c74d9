"""Words go to whose turn holds them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest
from footage import Blobs, context

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.speaker_words import SpeakerWords
from cortexia.errors import ConfigurationError
from cortexia.types import Annotation, SpeakerTurn, SpokenWord, TimeSpan, Timestamp, Word

BASE = Fraction(1, 1000)


def span(start_s: float, end_s: float) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s * 1000), BASE), Timestamp(round(end_s * 1000), BASE))


def word(text: str, start_s: float, end_s: float) -> Word:
    return Word(span=span(start_s, end_s), confidence=0.7, text=text, utterance=3)


def turn(who: str, start_s: float, end_s: float, is_overlap: bool = False) -> SpeakerTurn:
    return SpeakerTurn(span=span(start_s, end_s), label=who, speaker_id=f"id-{who}", is_overlap=is_overlap)


def spoken(rows: Iterable[Annotation], **options: float) -> list[SpokenWord]:
    rows = sorted(rows, key=lambda row: row.span.start)
    stored = StoredAnnotations(lambda types: [row for row in rows if row.type in types])
    return list(SpeakerWords(**options).solve(stored, context(Blobs())))  # type: ignore[arg-type]


def who(rows: Iterable[Annotation], **options: float) -> list[tuple[str, str | None]]:
    return [(row.text, row.label) for row in spoken(rows, **options)]


def test_a_word_is_of_the_turn_that_holds_it():
    (row,) = spoken([turn("A", 0, 2), turn("B", 2, 4), word("yes", 2.5, 3.0)])
    assert (row.text, row.label, row.speaker_id, row.utterance, row.confidence) == ("yes", "B", "id-B", 3, 0.7)
    assert row.span == span(2.5, 3.0)


def test_on_the_edge_the_longer_overlap_counts():
    rows = [turn("A", 0, 2), turn("B", 2, 4)]
    assert who([*rows, word("mine", 1.8, 2.1), word("yours", 1.95, 2.4)]) == [("mine", "A"), ("yours", "B")]


def test_of_equals_it_is_nobodys_interruption():
    rows = [turn("A", 0, 4), turn("B", 1, 2, is_overlap=True), word("so", 1.2, 1.6)]
    assert who(rows) == [("so", "A")]


def test_outside_of_turns_the_nearest_within_reach():
    rows = [turn("A", 0, 2), turn("B", 4, 6), word("ah", 2.3, 2.6), word("oh", 3.6, 3.9), word("hm", 7.0, 7.2)]
    assert who(rows) == [("ah", "A"), ("oh", "B")]
    assert who(rows, reach_s=2.0) == [("ah", "A"), ("oh", "B"), ("hm", "B")]
    assert who(rows, reach_s=0.0) == []


def test_a_long_turn_holds_late_words_though_short_ones_came_between():
    rows = [turn("A", 0, 100), *(turn("B", at, at + 0.1) for at in range(5, 60, 5)), word("end", 99, 99.5)]
    assert who(rows) == [("end", "A")]


def test_nobody_speaks_and_nothing_is_said():
    assert who([word("alone", 0, 1)]) == []
    assert who([turn("A", 0, 1)]) == []


def test_reach_has_a_range():
    with pytest.raises(ConfigurationError, match="reach_s"):
        SpeakerWords(reach_s=-1.0)
