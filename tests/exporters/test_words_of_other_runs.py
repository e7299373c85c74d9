"""Who says a word is told of the words that are told, of no others: nothing comes twice, no name is an old one."""

from __future__ import annotations

import io

import pytest
from filled import Listed, fill, identity, spoken, turn, utterance, word

from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_stream
from cortexia.types import Query, RunSpec, TimeRange

FORMATS = pytest.mark.parametrize("name", ["srt", "ctm", "textgrid"])
HEARD = (utterance(0, 2, "Hello you."), word(0, 1, "Hello"), word(1, 2, "you."))
SAID = (spoken(0, 1, "Hello"), spoken(1, 2, "you."))


def exported(store, name: str = "srt", **query) -> str:
    out = io.BytesIO()
    write_stream(make_exporter(name), ExportSource(store, Query(**query)), out)
    return out.getvalue().decode()


def words_of(store, made_from: tuple[RunSpec, ...], rows=SAID, **changes) -> RunSpec:
    return fill(store, identity(), "speaker_words", rows, upstream=tuple(run.run_key for run in made_from), **changes)


@pytest.fixture
def runs(store) -> tuple[RunSpec, RunSpec, RunSpec]:
    """Transcription, speakers and words of speakers, as one command makes them."""
    heard = fill(store, identity(), "transcription", HEARD)
    speakers = fill(store, identity(), "speakers", [turn(0, 2)])
    return heard, speakers, words_of(store, (heard, speakers))


def test_words_have_their_speakers_where_they_are_of_the_transcription_that_is_told(store, runs):
    """Negative control of all that follow."""
    assert "Ann: Hello you." in exported(store)


@FORMATS
def test_words_of_another_transcription_are_told_once(store, runs, name):
    again = (utterance(0, 2.1, "Hello you."), word(0, 1.1, "Hello"), word(1.1, 2.1, "you."))
    fill(store, identity(), "transcription", again, options={"speech": "other"})
    told = exported(store, name)
    assert told.count("you") == (2 if name == "textgrid" else 1)
    assert "Ann: " not in told


@FORMATS
def test_words_of_a_part_do_not_come_beside_those_of_the_whole(store, name):
    fill(store, identity(), "transcription", HEARD)
    part = {"time_range": TimeRange(0.5, 2.0)}
    heard = fill(store, identity(), "transcription", [word(1.1, 2, "you.")], **part)
    words_of(store, (heard,), [spoken(1.1, 2, "you.")], **part)
    assert exported(store, name).count("you") == (2 if name == "textgrid" else 1)


def test_a_name_that_the_speaker_no_longer_has_is_not_told(store, runs):
    fill(store, identity(), "speakers", [turn(0, 2, "Anna")], options={"enrolled": "anna"})
    told = exported(store)
    assert "Hello you." in told
    assert "Ann" not in told


def test_new_words_of_speakers_have_the_new_name(store, runs):
    speakers = fill(store, identity(), "speakers", [turn(0, 2, "Anna")], options={"enrolled": "anna"})
    words_of(store, (runs[0], speakers), [spoken(0, 1, "Hello", "Anna"), spoken(1, 2, "you.", "Anna")])
    told = exported(store)
    assert told.count("Anna: Hello you.") == told.count("Hello") == 1


def test_words_of_speakers_alone_are_told_whatever_they_are_of(store, runs):
    fill(store, identity(), "transcription", HEARD, options={"speech": "other"})
    for asked in ({"annotators": ("speaker_words",)}, {"types": ("spoken_word",)}, {"run_ids": (runs[2].run_id,)}):
        assert "Ann: Hello you." in exported(store, **asked)


def test_a_run_that_tells_both_tells_each_word_once():
    assert exported(Listed([*SAID, *HEARD])).count("you.") == 1
