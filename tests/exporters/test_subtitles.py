"""WebVTT and SubRip: what other readers find in them, and where cues begin and end."""

from __future__ import annotations

import html
import io
import itertools
import re

import av
import pytest
import webvtt
from filled import HOSTILE, HUGE, UNICODE, Listed, fill, identity, sound, spoken, utterance, word
from hypothesis import given, settings
from hypothesis import strategies as st

from cortexia.errors import ConfigurationError
from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_stream
from cortexia.types import Query

VOICE = re.compile(r"^<v ([^>]*)>")
EVERY = pytest.mark.parametrize("name", ["webvtt", "srt"])


def exported(store, rows, name: str = "webvtt", **options) -> str:
    fill(store, identity(), "heard", rows)
    out = io.BytesIO()
    write_stream(make_exporter(name, options), ExportSource(store), out)
    return out.getvalue().decode()


def read(text: str) -> list[tuple[int, int, str | None, str]]:
    """Start and end (milliseconds), speaker and text (lines as they are) of each cue, as webvtt-py finds them."""
    told = (
        webvtt.from_string(text, strict=True)
        if text.startswith("WEBVTT")
        else webvtt.from_buffer(io.StringIO(text), "srt")
    )
    cues = []
    for cue in told:
        raw = cue.raw_text
        voice = VOICE.match(raw)
        plain = html.unescape(VOICE.sub("", raw)) if text.startswith("WEBVTT") else raw
        speaker = html.unescape(voice[1]) if voice else None
        cues.append((cue.start_time.in_milliseconds(), cue.end_time.in_milliseconds(), speaker, plain))
    return cues


def said(text: str, start_s: float = 0.0, label: str | None = None, each: float = 0.3) -> list:
    """The words of ``text``, one after the other without a pause."""
    return [
        spoken(start_s + each * n, start_s + each * (n + 1), one, label)
        if label
        else word(start_s + each * n, start_s + each * (n + 1), one)
        for n, one in enumerate(text.split())
    ]


SENTENCES = (
    "Somebody must've stolen the crown jewels. I would not be surprised if it was you, "
    "because nobody else knows where the key is kept."
)


def test_golden_of_webvtt(store):
    rows = [
        utterance(1, 4, "Hello.", language="en"),
        *said("Tell me, is it <so> & right?", 1, "Ann & Bob"),
        sound(9, 9.5),
    ]
    assert exported(store, rows) == (
        "WEBVTT\nLanguage: en\n\n"
        "00:00:01.000 --> 00:00:03.100\n<v Ann &amp; Bob>Tell me, is it &lt;so&gt; &amp; right?\n\n"
        "00:00:09.000 --> 00:00:10.000\n[laughter]\n\n"
    )


def test_golden_of_srt(store):
    rows = [
        *said("Is it <so> --> right?", 1, "Ann"),
        *said("It is.", 9, "Bob"),
        *said("So", 20, "Bob"),
        sound(360_000, 360_002),
    ]
    assert exported(store, rows, "srt") == (
        "1\n00:00:01,000 --> 00:00:02,500\nAnn: Is it \u2039so\u203a \u2192 right?\n\n"
        "2\n00:00:09,000 --> 00:00:10,000\nBob: It is.\n\n"
        "3\n00:00:20,000 --> 00:00:21,000\nSo\n\n"
        "4\n100:00:00,000 --> 100:00:02,000\n[laughter]\n\n"
    )


@EVERY
def test_every_word_comes_back_in_order_and_lines_are_short(store, name):
    cues = read(exported(store, said(SENTENCES), name))
    assert " ".join(text for *_, text in cues).split() == SENTENCES.split()
    lines = [line for *_, text in cues for line in text.split("\n")]
    assert max(map(len, lines)) <= 42
    assert max(text.count("\n") for *_, text in cues) == 1
    assert max(end - start for start, end, *_ in cues) <= 7000


def test_cues_end_where_sentences_and_clauses_do(store):
    texts = [text.replace("\n", " ") for *_, text in read(exported(store, said(SENTENCES)))]
    assert texts == [
        "Somebody must've stolen the crown jewels.",
        "I would not be surprised if it was you,",
        "because nobody else knows where the key is kept.",
    ]


def test_lines_are_about_as_long_and_break_after_a_comma(store):
    ((*_, text),) = read(exported(store, said("Tell me, is the lord of the universe in his house today?")))
    assert text.split("\n") == ["Tell me, is the lord of the", "universe in his house today?"]


def test_a_second_of_silence_ends_a_cue_and_less_does_not(store):
    texts = [
        text for *_, text in read(exported(store, [word(0, 0.5, "one"), word(1.4, 1.6, "two"), word(2.6, 3, "three")]))
    ]
    assert texts == ["one two", "three"]


def test_a_short_cue_stays_for_a_second_where_there_is_room_and_gives_way_where_there_is_not(store):
    rows = [word(0, 0.2, "Oh."), word(5, 5.2, "Ah."), *said("Well now", 5.7, "Ann")]
    assert [(start, end) for start, end, *_ in read(exported(store, rows))] == [(0, 1000), (5000, 5700), (5700, 6700)]


def test_between_cues_is_a_gap(store):
    cues = read(exported(store, said(SENTENCES)))
    assert [later[0] - earlier[1] for earlier, later in itertools.pairwise(cues)] == [83, 83]
    assert [cue[0] for cue in cues] == [0, 1800, 4500]


def test_words_that_nobody_says_are_told_too_and_none_twice(store):
    rows = said("one two three", 0, "Ann") + said("one two three four")
    cues = read(exported(store, rows))
    assert [(speaker, text) for *_, speaker, text in cues] == [("Ann", "one two three"), (None, "four")]


def test_an_utterance_is_told_by_its_words_where_it_has_any(store):
    rows = [
        utterance(0, 2, "heard WRONG", 0),
        word(0, 1, "heard"),
        word(1, 2, "well"),
        utterance(5, 9, "No words here.", 1),
    ]
    assert [text for *_, text in read(exported(store, rows))] == ["heard well", "No words here."]


def test_a_long_utterance_becomes_cues_within_its_time(store):
    cues = read(exported(store, [utterance(10, 22, SENTENCES)]))
    assert " ".join(text for *_, text in cues).split() == SENTENCES.split()
    assert len(cues) >= 3
    assert cues[0][0] == 10_000
    assert cues[-1][1] == 22_000


def test_chinese_and_japanese_have_no_spaces_and_wide_characters(store):
    text = "それは私が知っている限りでは、まだ誰にも話していないことです。「本当ですか」と彼は聞いた。"
    cues = read(exported(store, [utterance(0, 12, text)]))
    assert "".join(line for *_, said in cues for line in said.split("\n")) == text
    lines = [line for *_, said in cues for line in said.split("\n")]
    assert max(map(len, lines)) <= 21
    assert not [line for line in lines if line.startswith(tuple("、。」ーっ"))]


def test_two_who_speak_at_once_have_cues_at_once_and_one_never_has(store):
    rows = said("one two three four five six", 0, "Ann") + said("yes no yes no", 0.4, "Bob")
    cues = read(exported(store, rows))
    assert [(start, speaker) for start, _, speaker, _ in cues] == [(0, "Ann"), (400, "Bob")]
    assert cues[0][1] > cues[1][0]


def test_sounds_are_told_once_each_and_only_where_they_are_wanted(store):
    rows = [sound(1, 2), sound(2.5, 3), sound(9, 80, "music"), sound(50, 51, "sound"), sound(52, 53, "Speech")]
    text = exported(store, rows)
    assert [(start, end, said) for start, end, _, said in read(text)] == [
        (1000, 3000, "[laughter]"),
        *((start, min(start + 6917, 80_000), "[music]") for start in range(9000, 80_000, 7000)),
    ]
    out = io.BytesIO()
    assert write_stream(make_exporter("webvtt", {"sounds": False}), ExportSource(store), out) == 0
    assert out.getvalue() == b"WEBVTT\n"


def test_a_long_sound_is_told_as_long_as_it_lasts_whatever_rows_it_is_in(store):
    pieces = [sound(n / 2, n / 2 + 0.5, "music") for n in range(40)]
    said_between = said("Well now", 5, "Ann")
    told = read(exported(store, [*pieces, *said_between]))
    other = read(one_video([sound(0, 20, "music"), *said_between]))
    assert told == other
    assert [(start, end) for start, end, speaker, _ in told if not speaker] == [
        (0, 6917),
        (7000, 13_917),
        (14_000, 20_000),
    ]
    assert [start for start, *_ in told] == [0, 5000, 7000, 14_000]


def one_video(rows, **options) -> str:
    out = io.BytesIO()
    write_stream(make_exporter("webvtt", options), ExportSource(Listed(rows)), out)
    return out.getvalue().decode()


def test_the_largest_cues_take_no_time_without_end():
    """Five thousand characters that may each begin a line, in cues of ten lines of 200 columns."""
    text = one_video([utterance(0, 300, "\u5b57" * 5000)], line_chars=200, lines=10, max_s=60)
    cues = read(text)
    assert sum(len(line) for *_, told in cues for line in told.split("\n")) == 5000
    assert max(told.count("\n") for *_, told in cues) == 9


def test_a_short_sound_stays_while_somebody_speaks_and_cuts_nobody_short(store):
    rows = [sound(0, 0.2), *said("Well now", 0.3, "Ann"), sound(1, 1.1, "applause")]
    assert [(start, end) for start, end, *_ in read(exported(store, rows))] == [(0, 1000), (300, 1300), (1000, 2000)]


def test_speakers_are_voices_or_names_or_nothing(store):
    rows = said("Hello you.", 0, "Ann") + said("Again.", 5, "Ann") + said("Hi.", 9, "Bob")
    fill(store, identity(), "heard", rows)
    told = {}
    for how in ("voice", "name", "none"):
        out = io.BytesIO()
        write_stream(make_exporter("webvtt", {"speakers": how}), ExportSource(store), out)
        told[how] = [cue[2:] for cue in read(out.getvalue().decode())]
    assert told["voice"] == [("Ann", "Hello you."), ("Ann", "Again."), ("Bob", "Hi.")]
    assert told["name"] == [("Ann", "Ann: Hello you."), ("Ann", "Again."), ("Bob", "Bob: Hi.")]
    assert told["none"] == [(None, "Hello you."), (None, "Again."), (None, "Hi.")]


def test_the_language_is_that_of_most_of_the_text(store):
    rows = [utterance(0, 2, "hello", 0, language="en"), utterance(3, 9, "hallo", 1, language="de")]
    assert exported(store, rows).startswith("WEBVTT\nLanguage: de\n\n")


def test_a_translation_is_english_and_what_is_no_language_is_not_told(store):
    assert exported(store, [utterance(0, 2, "hi", language="de", translated=True)]).startswith("WEBVTT\nLanguage: en\n")
    fill(store, identity("b"), "heard", [utterance(0, 2, "hi", language="en\n\n00:00.000 --> 00:01.000\nevil")])
    assert "evil" not in exported_of(store, "b")


def exported_of(store, letter: str) -> str:
    out = io.BytesIO()
    write_stream(make_exporter("webvtt"), ExportSource(store, Query(video_ids=(letter * 64,))), out)
    return out.getvalue().decode()


@EVERY
def test_ffmpeg_reads_every_cue(store, name):
    rows = said(SENTENCES, 0, "Ann") + said("It is. <b>No</b> {\\an8}way!", 20, "Bob & Co")
    text = exported(store, rows, name)
    expected = [(start, end - start) for start, end, *_ in read(text)]
    with av.open(io.BytesIO(text.encode()), format=name) as container:
        packets = [packet for packet in container.demux() if packet.size]
    assert [
        (int(packet.pts * packet.time_base * 1000), int(packet.duration * packet.time_base * 1000))
        for packet in packets
    ] == expected


@EVERY
def test_text_of_strangers_stays_text(store, name, data_dir):
    hostile = (data_dir / "badmedia" / "selfmade" / "text" / "labels_xss.txt").read_text(encoding="utf-8").splitlines()
    texts = [*hostile, *HOSTILE, *UNICODE, HUGE, "00:01.000 --> 00:02.000", "NOTE", "WEBVTT", "1", "&lt;b>", "a\n\nb"]
    rows = [word(2 * n, 2 * n + 1, text, n) for n, text in enumerate(texts) if text.strip()]
    text = exported(store, rows, name)
    cues = read(text)
    assert len(cues) == len(rows)
    assert text.count("-->") == len(rows)
    tidy = [" ".join(re.sub("[\x00-\x08\x0e-\x1b\x7f]", "", row.text).split()) for row in rows]
    if name == "srt":
        tidy = [said.replace("-->", "\u2192").translate(str.maketrans("<>{}", "\u2039\u203a()")) for said in tidy]
        assert not re.search("<[^>]*>", text.replace("-->", ""))
    else:
        assert set(re.findall("<[^>]*>", text)) == set()
    assert [" ".join(said.split()) for *_, said in cues] == tidy


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).filter(lambda text: text.strip())
WORDS = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(0, 9000), TEXTS, st.sampled_from([None, "Ann", "B -->\n<b>", "&"])),
    min_size=1,
    max_size=30,
)
OPTIONS = st.fixed_dictionaries(
    {
        "line_chars": st.integers(8, 50),
        "lines": st.integers(1, 3),
        "max_s": st.floats(2, 9),
        "min_s": st.floats(0.1, 2),
        "gap_s": st.floats(0, 0.5),
        "speakers": st.sampled_from(["name", "none"]),
    }
)


@EVERY
@settings(max_examples=100, deadline=None)
@given(words=WORDS, options=OPTIONS)
def test_whatever_is_said_cues_keep_the_rules(name, words, options):
    rows = [
        spoken(start / 1000, (start + lasts) / 1000, text, label)
        if label
        else word(start / 1000, (start + lasts) / 1000, text)
        for start, lasts, text, label in words
    ]
    out = io.BytesIO()
    write_stream(make_exporter(name, options), ExportSource(Listed(rows)), out)
    told = out.getvalue().decode()
    if not told.strip() or told == "WEBVTT\n":
        assert not [row for row in rows if row.text.strip().isprintable()]
        return
    cues = read(told)
    assert told.count("-->") == len(cues)
    assert [start for start, *_ in cues] == sorted(start for start, *_ in cues)
    assert all(0 < end - start <= round(1000 * options["max_s"]) for start, end, *_ in cues)
    assert all(line.strip() for *_, text in cues for line in text.split("\n"))
    own: dict[str | None, int] = {}
    for start, end, speaker, _ in cues:
        if name == "webvtt" and options["speakers"] == "name":
            assert own.get(speaker, 0) <= start
            own[speaker] = end


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"line_chars": 0}, "line_chars must be a whole number from 1 to 200, got 0"),
        ({"line_chars": 201}, "from 1 to 200"),
        ({"line_chars": float("inf")}, "whole number"),
        ({"lines": 0}, "lines must be a whole number from 1 to 10, got 0"),
        ({"lines": 1.9}, "whole number from 1 to 10, got 1.9"),
        ({"lines": 10**400}, "whole number"),
        ({"lines": True}, "whole number"),
        ({"max_s": 0.5}, "outlasts"),
        ({"max_s": 61}, "from 0.001 to 60"),
        ({"max_s": 10**400}, "from 0.001 to 60"),
        ({"max_s": float("nan")}, "from 0.001 to 60"),
        ({"min_s": "long"}, "min_s must be a number"),
        ({"min_s": 0.0001}, "from 0.001 to 60"),
        ({"gap_s": -1}, "gap_s must be a number from 0 to 10"),
        ({"gap_s": 11}, "from 0 to 10"),
        ({"chars_per_s": 0}, "from 1 to 1000"),
        ({"chars_per_s": 1e-320}, "from 1 to 1000"),
        ({"sounds": "yes"}, "true or false"),
        ({"speakers": "colour"}, "voice, name, none"),
    ],
)
def test_options_that_cannot_be_are_refused(options, told):
    with pytest.raises(ConfigurationError, match=told):
        make_exporter("webvtt", options)


def test_srt_has_no_voices():
    with pytest.raises(ConfigurationError, match="name, none"):
        make_exporter("srt", {"speakers": "voice"})
