"""Whose words are whose, and what of them is sure."""

from __future__ import annotations

import base64

import numpy as np
from stocking import span

from cortexia.report.axis import Axis
from cortexia.report.heard import TEXT_LIMIT, Heard, Line
from cortexia.report.transcript import Piece, make_transcript
from cortexia.types import Annotation, Embedding, SoundEvent, SpeakerTurn, SpokenWord, StoredRow, Utterance, Word

ONE = base64.b64encode(np.float32(1).tobytes()).decode()
TEXT = "Is he in? Yes, he is in."
WORDS = ("Is", "he", "in?", "Yes,", "he", "is", "in.")


def heard(*rows: tuple[str, Annotation]) -> Heard:
    """Rows (run, row) of runs ``t``; ``w`` was made from ``t`` and ``s``."""
    made = Heard({"w": ("t", "s")})
    for run, row in rows:
        start, end = row.span.start.pts * 1000, row.span.end.pts * 1000
        made.take(StoredRow("", row, "v", "u", run, run, start, end, 0, 0))
    return made


def utterance(text: str = TEXT, number: int = 0, start: int = 0, end: int = 3000, **more) -> tuple[str, Annotation]:
    return "t", Utterance(span=span(start, end), text=text, number=number, **more)


def words(confidences: tuple[float, ...] = (0.9,) * 7, number: int = 0) -> list[tuple[str, Annotation]]:
    """A word every 400 ms."""
    return [
        ("t", Word(span=span(400 * n, 400 * n + 300), text=text, utterance=number, confidence=confidence))
        for n, (text, confidence) in enumerate(zip(WORDS, confidences, strict=True))
    ]


def spoken(speakers: str) -> list[tuple[str, Annotation]]:
    """A letter for each word; a space is nobody."""
    return [
        ("w", SpokenWord(span=span(400 * n, 400 * n + 300), label=who, speaker_id=who, text=text, utterance=0))
        for n, (text, who) in enumerate(zip(WORDS, speakers, strict=True))
        if who != " "
    ]


def turn(start: int, end: int, who: str) -> tuple[str, Annotation]:
    return "s", SpeakerTurn(span=span(start, end), label=who, speaker_id=who)


def told(made: Heard) -> list[tuple[str, str | None]]:
    return [(line.text, line.speaker) for line in made.lines()]


def test_an_utterance_in_which_the_speaker_changes_is_two_lines():
    made = heard(utterance(), *words(), *spoken("AAABBBB"))
    assert told(made) == [("Is he in?", "A"), ("Yes, he is in.", "B")]
    assert [(line.start, line.end) for line in made.lines()] == [(0, 1_100_000), (1_200_000, 3_000_000)]
    for line in made.lines():
        assert [line.text[word.first : word.last] for word in line.words] == [word.text for word in line.words]


def test_words_of_nobody_go_with_those_before_them():
    assert told(heard(utterance(), *words(), *spoken(" A  BB "))) == [("Is he in? Yes,", "A"), ("he is in.", "B")]


def test_rows_may_come_in_any_order():
    rows = [utterance(), *words(), *spoken("AAABBBB")]
    assert told(heard(*rows[::-1])) == told(heard(*rows))


def test_words_of_other_runs_are_not_taken_for_ours():
    """Each run counts its utterances from 0; negative control of the test before."""
    foreign = [("x", row) for _, row in spoken("AAABBBB")]
    assert told(heard(utterance(), *words(), *foreign)) == [(TEXT, None)]


def test_without_words_it_is_whose_turns_overlap_most():
    turns = (turn(0, 1000, "A"), turn(900, 1900, "B"), turn(2500, 3000, "B"), turn(3000, 9000, "C"))
    assert told(heard(utterance(), *turns)) == [(TEXT, "B")]
    later = utterance("Oh.", 1, 3500, 4000)
    assert told(heard(utterance(), later, *turns)) == [(TEXT, "B"), ("Oh.", "C")]
    assert told(heard(utterance("Oh.", 1, 9500, 9900), *turns)) == [("Oh.", None)]


def test_a_word_that_is_not_in_the_text_is_left_out():
    stray = ("t", Word(span=span(100, 200), text="zebra", utterance=0))
    (line,) = heard(utterance(), stray, *words()).lines()
    assert [word.text for word in line.words] == list(WORDS)


def test_words_are_found_at_words_and_not_within_others():
    told = [
        ("t", Word(span=span(400 * n, 400 * n + 300), text=text, utterance=0))
        for n, text in enumerate(("we", "can't", "a", "go", "to"))
    ]
    (line,) = heard(utterance("we can go to the cat"), *told).lines()
    assert [(word.text, word.first) for word in line.words] == [("we", 0), ("go", 7), ("to", 10)]


def test_words_of_scripts_without_spaces_stand_side_by_side():
    told = [
        ("t", Word(span=span(400 * n, 400 * n + 300), text=text, utterance=0))
        for n, text in enumerate(("それ", "は私"))
    ]
    (line,) = heard(utterance("それは私が"), *told).lines()
    assert [(word.text, word.first) for word in line.words] == [("それ", 0), ("は私", 2)]


def test_words_of_speakers_of_other_runs_name_nobody():
    """Negative control: the same rows of a run that is not silent name A."""
    made = Heard({"w": ("t", "s")}, frozenset({"w"}))
    for run, row in [utterance(), *words(), *spoken("AAAAAAA")]:
        start, end = row.span.start.pts * 1000, row.span.end.pts * 1000
        made.take(StoredRow("", row, "v", "u", run, run, start, end, 0, 0))
    assert (told(made), made.speakers) == ([(TEXT, None)], {})
    assert told(heard(utterance(), *words(), *spoken("AAAAAAA"))) == [(TEXT, "A")]


def test_a_text_without_end_is_cut():
    (line,) = heard(utterance("ha " * 5000)).lines()
    assert len(line.text) == TEXT_LIMIT + 1


def test_voices_are_no_lane_and_other_vectors_are_not_told_here():
    def taken(of: str) -> bool:
        row = Embedding(span=span(0, 10), of=of, vector=ONE, dimension=1, model="m")
        return Heard().take(StoredRow("", row, "v", "u", "r", "a", 0, 1, 0, 0))

    assert [taken("voice"), taken("picture")] == [True, False]


def test_activity_is_no_event():
    made = heard(
        ("e", SoundEvent(span=span(0, 9), label="sound")), ("e", SoundEvent(span=span(0, 9), label="laughter"))
    )
    assert list(made.events) == ["laughter"]


# -- the transcript


def pieces(*rows: tuple[str, Annotation]) -> list[Piece]:
    ((_, (line,)),) = make_transcript(heard(*rows), Axis(9_000_000)).pages
    return line.pieces


def test_words_of_little_confidence_are_set_apart_and_nothing_of_the_text_is_lost():
    made = pieces(utterance(), *words((0.9, 0.3, 0.2, 0.5, 0.9, 0.9, 0.1)))
    assert made == [Piece("Is "), Piece("he in?", "0.20"), Piece(" Yes, he is "), Piece("in.", "0.10")]
    assert pieces(utterance(), *words()) == [Piece(TEXT)]


def test_without_words_the_confidence_is_that_of_the_utterance():
    assert pieces(utterance(confidence=0.3)) == [Piece(TEXT, "0.30")]
    assert pieces(utterance(confidence=0.7)) == [Piece(TEXT)]
    assert pieces(utterance()) == [Piece(TEXT)]


def test_the_usual_language_is_told_once_and_others_at_their_lines():
    rows = [utterance(number=n, start=n * 100, end=n * 100 + 50, language="de") for n in range(3)]
    rows += [utterance(number=3, start=400, end=500, language="fr", translated=True), utterance(number=4, start=600)]
    made = make_transcript(heard(*rows), Axis(9_000_000))
    assert made.summary == "5 lines, de"
    ((_, lines),) = made.pages
    assert [line.language for line in lines] == ["", "", "", "translated from fr", "language not known"]


def test_a_name_stands_where_the_speaker_changes():
    rows = [utterance(number=n, start=n * 1000, end=n * 1000 + 900) for n in range(4)]
    made = make_transcript(heard(*rows, turn(0, 1900, "A"), turn(2000, 2900, "B")), Axis(9_000_000))
    ((_, lines),) = made.pages
    assert [(line.speaker, line.shade) for line in lines] == [("A", 0), ("", 0), ("B", 1), ("", None)]
    assert made.summary == "4 lines, 2 speakers"


def test_forty_lines_are_open_and_very_much_text_is_left_out():
    rows = [utterance(number=n, start=n * 10, end=n * 10 + 9) for n in range(190)]
    made = make_transcript(heard(*rows), Axis(900_000))
    assert [len(lines) for _, lines in made.pages] == [40, 100, 50]
    assert (made.folded, made.note) == ("150 more lines", "")
    few = make_transcript(heard(*rows[:40]), Axis(900_000))
    assert ([len(lines) for _, lines in few.pages], few.folded) == ([40], "")
    much = [utterance("x" * 2000, n, n * 10, n * 10 + 9) for n in range(200)]
    assert make_transcript(heard(*much), Axis(2_000_000)).note == "50 more lines not shown."


def test_nothing_said_is_nothing():
    made = make_transcript(Heard(), Axis(1))
    assert (made.pages, made.summary, made.note) == ([], "", "")
    assert Line(0, 1, "", None, None, False).words == ()
