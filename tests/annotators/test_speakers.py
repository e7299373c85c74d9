"""Speakers: turns of what voices are alike, as many as asked for, named by who was enrolled."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from footage import Blobs, context

from cortexia.annotators._enrolled import EnrolledVoice, enrolled_text, enrolled_voices
from cortexia.annotators._speaker_turns import merged
from cortexia.annotators._turn import Turn
from cortexia.annotators._voice_groups import GroupLimits, VoiceTable, voice_groups
from cortexia.annotators._voice_makers import Voice
from cortexia.annotators._voice_statistics import CEPSTRA, VoiceStatistics
from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.speakers import Speakers
from cortexia.annotators.voices import embedding
from cortexia.errors import AnnotatorError, ConfigurationError
from cortexia.types import Annotation, Embedding, SpeakerTurn, Speech, TimeSpan, Timestamp

BASE = Fraction(1, 1000)
VIDEO = replace(context(Blobs()), video_id="ab" * 32)


def span(start_s: float, end_s: float) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s * 1000), BASE), Timestamp(round(end_s * 1000), BASE))


def spoken(start_s: float, end_s: float) -> Speech:
    return Speech(span=span(start_s, end_s), label="speech", confidence=0.9)


class Voicebox:
    """Statistics of made-up voices: each a Gaussian of its own, of which a piece shows 40 frames."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self._voices: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def statistics(self, who: str, frames: int = 40) -> VoiceStatistics:
        if who not in self._voices:
            turn = np.random.default_rng(sum(map(ord, who))).normal(0, 1, (CEPSTRA, CEPSTRA))
            self._voices[who] = np.random.default_rng(7 * sum(map(ord, who))).normal(0, 2, CEPSTRA), turn
        middle, turn = self._voices[who]
        shown = middle + self._rng.normal(0, 1, (frames, CEPSTRA)) @ turn
        return VoiceStatistics(float(frames), shown.sum(axis=0), np.einsum("ni,nj->ij", shown, shown))

    def piece(self, who: str, start_s: float, end_s: float) -> Embedding:
        told = self.statistics(who)
        return embedding(
            span(start_s, end_s), "offline-voice-1", Voice(told.vector(), {"frames": 40, "moments": told.packed()})
        )


def said(script: Sequence[tuple[str, float, float]], box: Voicebox | None = None) -> list[Annotation]:
    """Speech without a break where who speaks follows at once, in pieces of half a second."""
    box = box or Voicebox()
    rows: list[Annotation] = []
    start = script[0][1]
    for place, (who, begin, end) in enumerate(script):
        rows += [box.piece(who, at / 2, at / 2 + 0.5) for at in range(round(begin * 2), round(end * 2))]
        if place + 1 == len(script) or script[place + 1][1] > end:
            rows.append(spoken(start, end))
            start = script[place + 1][1] if place + 1 < len(script) else end
    return rows


def vectors(script: Sequence[tuple[str, float, float]], noise: float = 0.2) -> list[Annotation]:
    """The same with vectors of a model."""
    rng = np.random.default_rng(5)
    own = {who: np.random.default_rng(ord(who[0])).normal(0, 1, 32) for who, *_ in script}
    rows: list[Annotation] = []
    for who, begin, end in script:
        for at in np.arange(begin, end, 0.75):
            voice = Voice(own[who] / np.linalg.norm(own[who]) + rng.normal(0, noise / 5, 32))
            rows.append(embedding(span(float(at), min(end, float(at) + 0.75)), "a-model", voice))
        rows.append(spoken(begin, end))
    return rows


def stored(rows: Iterable[Annotation]) -> StoredAnnotations:
    rows = sorted(rows, key=lambda row: row.span.start)
    return StoredAnnotations(lambda types: [row for row in rows if row.type in types])


def turns(rows: Iterable[Annotation], **options: Any) -> list[SpeakerTurn]:
    return list(Speakers(**options).solve(stored(rows), VIDEO))  # type: ignore[arg-type]


def told(made: Iterable[SpeakerTurn]) -> list[tuple[str | None, float, float]]:
    return [(turn.label, turn.span.start.seconds, turn.span.end.seconds) for turn in made]


SCRIPT = (("anna", 0.0, 6.0), ("bob", 6.0, 13.0), ("anna", 15.0, 21.0), ("carl", 21.0, 30.0), ("bob", 32.0, 38.0))
TURNS = [
    ("Speaker A", 0.0, 6.0),
    ("Speaker B", 6.0, 13.0),
    ("Speaker A", 15.0, 21.0),
    ("Speaker C", 21.0, 30.0),
    ("Speaker B", 32.0, 38.0),
]


@pytest.mark.parametrize("rows", [said(SCRIPT), vectors(SCRIPT)], ids=["statistics", "vectors"])
def test_who_speaks_when_in_order_of_appearance(rows):
    made = turns(rows)
    assert told(made) == TURNS
    assert [turn.speaker_id for turn in made[:2]] == ["speaker_abababababab_001", "speaker_abababababab_002"]
    assert not any(turn.is_overlap for turn in made)
    assert all(0.5 < (turn.confidence or 0) <= 0.9 for turn in made)


@pytest.mark.parametrize("make", [said, vectors])
def test_one_speaker_stays_one(make):
    made = turns(make((("anna", 0.0, 20.0), ("anna", 22.0, 60.0), ("anna", 61.0, 120.0))))
    assert {turn.label for turn in made} == {"Speaker A"}


@pytest.mark.parametrize("make", [said, vectors])
def test_no_more_speakers_than_asked_for(make):
    assert len({turn.label for turn in turns(make(SCRIPT), max_speakers=2)}) == 2
    assert len({turn.label for turn in turns(make(SCRIPT), max_speakers=1)}) == 1


@pytest.mark.parametrize("make", [said, vectors])
def test_no_fewer_speakers_than_asked_for(make):
    one = make((("anna", 0.0, 20.0), ("anna", 22.0, 40.0)))
    assert len({turn.label for turn in turns(one)}) == 1
    assert len({turn.label for turn in turns(one, min_speakers=2)}) == 2


def test_a_penalty_too_low_makes_many_of_one():
    """Negative control: it is the criterion that keeps one speaker one."""
    one = said((("anna", 0.0, 20.0), ("anna", 22.0, 40.0)))
    assert len({turn.label for turn in turns(one, penalty=0.1)}) > 1


def test_limits_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigurationError, match="min_speakers"):
        Speakers(min_speakers=3, max_speakers=2)


def test_nobody_speaks():
    assert turns([]) == []
    assert turns([spoken(0.0, 3.0)]) == []


def test_speech_without_a_voice_goes_to_whom_is_nearest_and_less_surely():
    made = turns([*said((("anna", 0.0, 10.0),)), spoken(12.0, 12.6)])
    assert told(made) == [("Speaker A", 0.0, 10.0), ("Speaker A", 12.0, 12.6)]
    assert made[1].confidence == pytest.approx(0.45)


def test_voices_of_two_models_are_not_compared():
    with pytest.raises(AnnotatorError, match="several models"):
        turns([*said((("anna", 0.0, 5.0),)), *vectors((("bob", 6.0, 9.0),))])


# -- local speakers and overlap


def local(who: str, start_s: float, end_s: float, name: str, is_overlap: bool = False) -> Embedding:
    row = Voicebox().piece(who, start_s, end_s)
    return replace(row, attributes={**row.attributes, "local": name, "is_overlap": is_overlap}, confidence=0.8)


OVERLAPPED = [
    local("anna", 0.0, 4.0, "0.0"),
    local("anna", 4.0, 5.0, "0.0", True),
    local("bob", 4.0, 5.0, "0.1", True),
    local("bob", 5.0, 9.0, "1.2"),
    local("anna", 9.0, 10.0, "1.0"),
]


def test_local_speakers_are_put_together_and_overlap_is_told():
    made = turns(OVERLAPPED)
    assert [(turn.label, turn.is_overlap) for turn in made] == [
        ("Speaker A", False),
        ("Speaker A", True),
        ("Speaker B", True),
        ("Speaker B", False),
        ("Speaker A", False),
    ]


def test_local_speakers_of_one_window_are_never_one():
    same = [local("anna", 0.0, 4.0, "0.0"), local("anna", 4.0, 8.0, "0.1"), local("anna", 8.0, 9.0, "1.0")]
    assert len({turn.label for turn in turns(same)}) == 2
    freely = [local("anna", 0.0, 4.0, "0.0"), local("anna", 4.0, 8.0, "1.1"), local("anna", 8.0, 9.0, "2.0")]
    assert len({turn.label for turn in turns(freely)}) == 1


def local_vector(who: str, start_s: float, end_s: float, name: str) -> Embedding:
    vector = np.random.default_rng(sum(map(ord, who))).normal(0, 1, 32)
    vector += np.random.default_rng(round(start_s * 10)).normal(0, 0.1, 32)
    row = embedding(span(start_s, end_s), "a-model", Voice(vector / np.linalg.norm(vector)))
    return replace(row, attributes={"local": name, "is_overlap": False}, confidence=0.8)


PAIRS = [("anna", "bob"), ("carl", "dora"), ("anna", "carl"), ("bob", "dora"), ("anna", "dora"), ("bob", "carl")]


@pytest.mark.parametrize("make", [local, local_vector])
def test_no_more_speakers_than_asked_for_though_windows_say_that_there_are(make):
    rows = [
        make(who, 5.0 * window + 2.5 * place, 5.0 * window + 2.5 * place + 2.5, f"{window}.{place}")
        for window, pair in enumerate(PAIRS * 3)
        for place, who in enumerate(pair)
    ]
    assert len({turn.label for turn in turns(rows)}) == 4
    assert len({turn.label for turn in turns(rows, max_speakers=2)}) == 2
    assert len({turn.label for turn in turns(rows, max_speakers=1)}) == 1


def test_a_local_speaker_of_few_seconds_is_taken_for_another():
    rows = [local_vector("anna", 5.0 * at, 5.0 * at + 4.0, f"{at}.0") for at in range(10)]
    rows.append(local_vector("bob", 50.0, 51.0, "10.0"))
    assert {turn.label for turn in turns(rows)} == {"Speaker A"}
    assert {turn.label for turn in turns(rows, least_s=0.5)} == {"Speaker A", "Speaker B"}
    assert len({turn.label for turn in turns(rows, min_speakers=2)}) == 2


# -- enrolled


def enrolled(*names: str) -> str:
    box = Voicebox(9)
    made = []
    for name in names:
        vector = sum(box.statistics(name).vector() / 40 for _ in range(40))
        made.append(EnrolledVoice(name, "offline-voice-1", vector / np.linalg.norm(vector)))
    return enrolled_text(made)


def test_an_enrolled_voice_gives_its_name_to_its_speaker_alone():
    made = turns(said(SCRIPT), enrolled=enrolled("bob"))
    assert [turn.label for turn in made] == ["Speaker A", "bob", "Speaker A", "Speaker B", "bob"]
    assert made[1].attributes["enrolled_similarity"] > 0.85
    assert "enrolled_similarity" not in made[0].attributes


def test_a_voice_that_nobody_has_names_nobody():
    assert told(turns(said(SCRIPT), enrolled=enrolled("zoe"))) == TURNS


def test_two_local_speakers_with_one_name_do_not_overlap():
    made = turns(
        [local("bob", 0.0, 4.0, "0.0"), local("bob", 4.0, 6.0, "0.0", True), local("bob", 4.0, 6.0, "0.1", True)],
        enrolled=enrolled("bob"),
    )
    assert told(made) == [("bob", 0.0, 6.0)]
    assert not made[0].is_overlap


def test_speakers_of_one_name_are_one():
    made = turns(said(SCRIPT), enrolled=enrolled("bob"), min_speakers=4)
    assert len({turn.speaker_id for turn in made if turn.label == "bob"}) == 1


def test_a_voice_of_another_model_is_refused():
    with pytest.raises(ConfigurationError, match="offline-voice-1"):
        turns(vectors(SCRIPT), enrolled=enrolled("bob"))


ONE = '{"model": "m", "vector": "AACAPw=="}'


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]x",
        "[" * 100_000,
        '{"bob": 1}',
        '{"bob": {"model": "m", "vector": "AAAAAA=="}}',
        f'{{"Speaker A": {ONE}}}',
        f'{{"a\\u0000b": {ONE}}}',
        f'{{"\\ud800": {ONE}}}',
        f'{{" bob": {ONE}}}',
        f'{{"{"b" * 257}": {ONE}}}',
    ],
)
def test_an_option_that_holds_no_voices_is_refused(text):
    with pytest.raises(ConfigurationError, match="enrolled"):
        Speakers(enrolled=text)


def test_the_longest_name_is_an_option_as_it_is_a_label():
    (voice,) = enrolled_voices(f'{{"{"b" * 256}": {ONE}}}')
    assert (len(voice.name), voice.model) == (256, "m")


def test_voices_survive_the_option_in_any_order():
    text = enrolled("bob", "anna")
    assert [voice.name for voice in enrolled_voices(text)] == ["anna", "bob"]
    assert enrolled_text(enrolled_voices(text)[::-1]) == text
    assert enrolled_text(()) == ""


# -- turns


def turn(speaker: int, start_s: float, end_s: float, is_overlap: bool = False) -> Turn:
    where = span(start_s, end_s)
    return Turn(where.start, where.end, speaker, is_overlap, 0.8, end_s - start_s)


def shape(made: Iterable[Turn]) -> list[tuple[int, float, float]]:
    return [(one.speaker, one.start.seconds, one.end.seconds) for one in made]


def test_short_pauses_are_bridged_where_nobody_else_begins():
    assert shape(merged([turn(0, 0, 1), turn(0, 1.4, 2)], 0.5, 0.2)) == [(0, 0, 2)]
    assert shape(merged([turn(0, 0, 1), turn(0, 1.6, 2)], 0.5, 0.2)) == [(0, 0, 1), (0, 1.6, 2)]
    between = [turn(0, 0, 1), turn(1, 1.0, 1.3), turn(0, 1.4, 2)]
    assert shape(merged(between, 0.5, 0.2)) == [(0, 0, 1), (1, 1.0, 1.3), (0, 1.4, 2)]


def test_what_is_too_short_goes_to_whom_it_touches_or_goes():
    assert shape(merged([turn(0, 0, 3), turn(1, 3, 3.1), turn(0, 3.1, 5)], 0.5, 0.2)) == [(0, 0, 5)]
    assert shape(merged([turn(0, 0, 3), turn(1, 9, 9.1)], 0.5, 0.2)) == [(0, 0, 3)]


def overlaps(made: Iterable[Turn]) -> list[tuple[int, float, float, bool]]:
    return [(*one, both) for one, both in zip(shape(made), [turn.is_overlap for turn in made], strict=True)]


def test_short_turns_never_change_places():
    assert shape(merged([turn(0, 0, 0.1), turn(1, 0.1, 0.2)], 0.5, 0.2)) == []
    between = [turn(0, 0, 2), turn(1, 2, 2.1), turn(0, 2.1, 2.2), turn(1, 2.2, 5)]
    assert shape(merged(between, 0.5, 0.2)) == [(0, 0, 2.2), (1, 2.2, 5)]


def test_a_chain_of_short_turns_goes_to_who_speaks_for_long():
    chain = [turn(0, 0, 0.1), turn(1, 0.1, 0.2), turn(2, 0.2, 0.35), turn(1, 0.35, 4)]
    assert shape(merged(chain, 0.5, 0.2)) == [(1, 0, 4)]


def test_who_goes_on_after_an_overlap_is_not_taken_for_the_other():
    after = [turn(0, 5, 6, True), turn(1, 5, 6, True), turn(0, 6, 6.1)]
    assert overlaps(merged(after, 0.5, 0.2)) == [(0, 5, 6, True), (1, 5, 6, True), (0, 6, 6.1, False)]


def test_what_is_short_after_an_overlap_is_no_overlap():
    after = [turn(0, 5, 6, True), turn(1, 5, 6, True), turn(2, 6, 6.1)]
    made = merged(after, 0.5, 0.2)
    assert overlaps(made)[-1] == (0, 6, 6.1, False)
    beside = [turn(0, 4, 6, True), turn(1, 4, 6, True), turn(2, 6, 6.1), turn(3, 6.1, 7)]
    assert overlaps(merged(beside, 0.5, 0.2))[-1] == (3, 6, 7, False)


def test_an_overlap_too_short_to_tell_leaves_no_hole():
    hole = [turn(0, 0, 5), turn(0, 5, 5.1, True), turn(1, 5, 5.1, True), turn(0, 5.1, 9)]
    assert overlaps(merged(hole, 0.5, 0.2)) == [(0, 0, 9, False)]


def test_nobody_overlaps_with_themselves():
    same = [turn(0, 0, 2), turn(0, 2, 3, True), turn(0, 2, 3, True), turn(0, 3, 5)]
    assert overlaps(merged(same, 0.5, 0.2)) == [(0, 0, 5, False)]
    third = [turn(0, 0, 2, True), turn(0, 0, 2, True), turn(1, 1, 2, True)]
    assert overlaps(merged(third, 0.5, 0.2)) == [(0, 0, 1, False), (0, 1, 2, True), (1, 1, 2, True)]


def test_many_short_turns_take_no_longer_than_their_number():
    many = [turn(at % 2, at / 10, (at + 1) / 10) for at in range(20_000)]
    assert shape(merged([*many, turn(2, 2000, 2009)], 0.5, 0.2)) == [(2, 0, 2009)]


# -- bounds


def test_a_day_of_speech_takes_little_memory():
    """Groups are compared a few hundred at a time: so what they cost does not grow with the square."""
    box = Voicebox()

    def peak(pieces: int) -> int:
        table = VoiceTable.of([box.statistics("ab"[at // 40 % 2], 160) for at in range(pieces)])
        tracemalloc.start()
        groups = voice_groups(table, GroupLimits(2.0, 1, 20))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(groups) == 2
        return found

    assert peak(1000) < 1.5 * peak(400) + 4_000_000


def test_the_same_groups_whether_compared_at_once_or_in_parts():
    box = Voicebox()
    table = VoiceTable.of([box.statistics("abc"[at // 50 % 3], 160) for at in range(700)])
    groups = voice_groups(table, GroupLimits(2.0, 1, 20))
    assert [len(group) for group in groups] == [250, 250, 200]
    assert all(len({at // 50 % 3 for at in group}) == 1 for group in groups)
