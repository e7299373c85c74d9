"""RTTM, CTM and TSV: what other readers find in them is what was stored."""

from __future__ import annotations

import csv
import io
import re

import pytest
from filled import HOSTILE, HUGE, UNICODE, Listed, fill, identity, sound, speech, spoken, turn, utterance, word
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Segment
from pyannote.database.util import load_rttm

from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_stream
from cortexia.exporters.fields import field_text, one_field
from cortexia.exporters.tsv import COLUMNS

CTM_LINE = re.compile(r"(\S+) 1 (\d+\.\d{3}) (\d+\.\d{3}) (\S+) (NA|[01]\.\d{6})")
NAMES = [
    *HOSTILE,
    *UNICODE,
    HUGE,
    "Speaker A",
    "NA",
    "nan",
    "<NA>",
    "None",
    "a b",
    "%20",
    "100%",
    ";;x",
    "'q'",
    '"q"',
    "\u2028",
]


def exported(rows, name: str) -> str:
    out = io.BytesIO()
    write_stream(make_exporter(name), ExportSource(rows if hasattr(rows, "find") else Listed(rows)), out)
    return out.getvalue().decode()


# -- RTTM


def test_golden_of_rttm():
    assert exported([turn(0.1234, 1.5, "Speaker A"), turn(2, 3, "Ann", is_overlap=True)], "rttm") == (
        "SPEAKER a 1 0.123 1.377 <NA> <NA> Speaker%20A <NA> <NA>\nSPEAKER a 1 2.000 1.000 <NA> <NA> Ann <NA> <NA>\n"
    )


def test_pyannote_reads_every_turn_whatever_the_name(store, tmp_path):
    rows = [turn(n, n + 1.5, name, speaker_id="s") for n, name in enumerate(NAMES)]
    fill(store, identity("a", "my talk; NA \u202e%20.mp4"), "speakers", rows)
    (tmp_path / "read.rttm").write_text(exported(store, "rttm"), encoding="utf-8")
    ((name, found),) = load_rttm(tmp_path / "read.rttm").items()
    assert field_text(name) == "my talk; NA \u202e%20"
    told = sorted((segment, field_text(speaker)) for segment, _, speaker in found.itertracks(yield_label=True))
    assert told == sorted((Segment(n, n + 1.5), speaker) for n, speaker in enumerate(NAMES))


def test_a_turn_that_nobody_could_hear_lasts_a_millisecond():
    assert exported([turn(1, 1)], "rttm").split()[3:5] == ["1.000", "0.001"]


# -- CTM


def test_golden_of_ctm():
    rows = [
        word(0, 0.5, "Hello", confidence=None),
        word(0.5, 1, "you."),
        spoken(0.5, 1, "you.", "Ann"),
        word(1, 2, "@"),
    ]
    assert exported(rows, "ctm") == (
        "a 1 0.000 0.500 Hello NA\na 1 0.500 0.500 you. 0.500000\na 1 1.000 1.000 %40 0.500000\n"
    )


def test_words_that_two_say_at_once_are_both_there():
    assert (
        len(exported([spoken(0, 1, "no", "Ann"), spoken(0, 1, "no", "Bob"), word(0, 1, "no")], "ctm").splitlines()) == 2
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**5), st.text(min_size=1, max_size=12)), min_size=1))
def test_every_ctm_line_is_six_fields_and_gives_the_word_back(words):
    said = [
        (start, lasts, text) for start, lasts, text in words if text.strip() and not re.search("[\ud800-\udfff]", text)
    ]
    rows = Listed([word(start / 1000, (start + lasts) / 1000, text, n) for n, (start, lasts, text) in enumerate(said)])
    lines = exported(rows, "ctm").split("\n")[:-1]
    found = [CTM_LINE.fullmatch(line) for line in lines]
    assert [field_text(match[4]) for match in found] == [row.annotation.text for row in rows.rows]
    times = [(float(match[2]), float(match[3])) for match in found]
    assert times == sorted(times, key=lambda pair: pair[0])
    assert [round(start * 1000) for start, _ in times] == [row.start_us // 1000 for row in rows.rows]


def test_sclite_comments_and_alternatives_are_not_made_by_words():
    assert one_field(";; comment") == "%3B;%20comment"
    assert exported([word(0, 1, "<ALT_BEGIN>")], "ctm").split()[4] == "%3CALT_BEGIN>"


@given(st.text(), st.sampled_from(["", "<", "\"'<>"]))
def test_a_field_gives_its_text_back(text, reserved):
    field = one_field(text, reserved)
    if not re.search("[\ud800-\udfff]", text):
        assert field_text(field) == text
    assert not re.search(r"\s", field)
    assert not set(reserved) & set(field)


@pytest.mark.parametrize("plain", ["Hello", "don't", "100%", "50%-", "שלום", "Zebra\U0001f993", "N.A.", "a_b"])
def test_usual_text_stays_as_it_is(plain):
    assert one_field(plain) == plain


# -- TSV


def cells(text: str) -> list[dict[str, str]]:
    """As ``csv`` reads tab-separated values, without any quoting, and with the escapes undone."""
    undo = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
    lines = text.removesuffix("\n").split("\n")
    told = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    return [
        {key: re.sub(r"\\[tnr\\]", lambda match: undo[match[0]], cell) for key, cell in line.items()} for line in told
    ]


def test_golden_of_tsv():
    rows = [
        speech(0, 3),
        utterance(0, 3, "Hi\tyou"),
        word(0, 0.25, "Hi"),
        turn(0, 3),
        spoken(0, 0.25, "Hi"),
        sound(4, 5),
    ]
    assert exported(rows, "tsv").split("\n") == [
        "video\tstart_s\tend_s\ttype\tspeaker\tlabel\ttext\tconfidence",
        "a\t0\t3\tspeaker_turn\tAnn\t\t\t",
        "a\t0\t3\tspeech\t\t\t\t0.5",
        "a\t0\t0.25\tspoken_word\tAnn\t\tHi\t0.5",
        "a\t0\t3\tutterance\t\t\tHi\\tyou\t0.5",
        "a\t0\t0.25\tword\t\t\tHi\t0.5",
        "a\t4\t5\tsound_event\t\tlaughter\t\t0.5",
        "",
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12), min_size=1))
def test_every_text_comes_back_from_a_table_of_tabs(texts):
    said = [text for text in [*texts, *HOSTILE, *UNICODE, "\\", "\\t", "a\\\tb"] if text.strip()]
    told = exported([utterance(n, n + 0.5, text, n) for n, text in enumerate(said)], "tsv")
    found = cells(told)
    assert [cell["text"].removeprefix("'") for cell in found] == said
    assert [cell for cell in found if cell["text"].startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert all(line.count("\t") == len(COLUMNS) - 1 for line in told.split("\n")[:-1])


def test_several_videos_are_told_apart(store):
    for letter in "ab":
        fill(store, identity(letter), "heard", [word(0, 1)])
    assert [cell["video"] for cell in cells(exported(store, "tsv"))] == ["a", "b"]
