"""The page of a video in which somebody speaks: lanes, transcript, and what the index says of it."""

from __future__ import annotations

import pytest
from reading import Page, faults
from stocking import span, stored

from cortexia.app import Request
from cortexia.report.axis import Axis
from cortexia.report.gather import Facts, gather
from cortexia.report.index_page import video_line
from cortexia.report.lane import Lane
from cortexia.report.sound_lanes import EVENTS_SHOWN, SPEAKERS_SHOWN, sound_lanes
from cortexia.report.style import speaker_shades
from cortexia.report.video_page import video_page
from cortexia.types import (
    Annotation,
    SoundEvent,
    SpeakerTurn,
    Speech,
    SpokenWord,
    StoredRow,
    Utterance,
    Word,
)

SAID = ("Wo", "ist", "Zoë?", "Hier.")


def stock(app, identity) -> None:
    """Two speakers share an utterance; the last word is not sure; laughter."""
    store = app.store()
    times = [span(500 * n, 500 * n + 400) for n in range(4)]
    stored(store, identity, "speech", [Speech(span=span(0, 2000), label="speech", confidence=0.9)])
    words = [
        Word(span=at, text=text, utterance=0, confidence=0.9 - 0.2 * n)
        for n, (at, text) in enumerate(zip(times, SAID, strict=True))
    ]
    text = Utterance(span=span(0, 2000), text=" ".join(SAID), number=0, language="de", confidence=0.8)
    heard = stored(store, identity, "transcription", [text, *words])
    turns = [
        SpeakerTurn(span=span(0, 1450), label="Anna", speaker_id="s1"),
        SpeakerTurn(span=span(1400, 1900), label="Speaker B", speaker_id="s2", is_overlap=True),
    ]
    who = stored(store, identity, "speakers", turns)
    voiced = [
        SpokenWord(span=word.span, text=word.text, utterance=0, label=turn.label, speaker_id=turn.speaker_id)
        for word, turn in zip(words, (turns[0],) * 3 + (turns[1],), strict=True)
    ]
    stored(store, identity, "speaker_words", voiced, upstream=(heard.run_key, who.run_key))
    sounds = [
        SoundEvent(span=span(2500, 3500), label="laughter", confidence=0.75),
        SoundEvent(span=span(4000, 4500), label="applause"),
    ]
    stored(store, identity, "sounds", sounds)


@pytest.fixture
def spoken(full):
    (record,) = full.store().videos()
    stock(full, record.identity)
    return full.report_data(record.identity.video_id)


@pytest.fixture
def page(spoken) -> Page:
    made = Page(video_page(spoken))
    assert faults(made) == []
    return made


def titles(page: Page) -> list[str]:
    return [text for text in page.texts if ", 0:0" in text]


def test_there_is_a_lane_for_each_thing_that_is_heard(page):
    heads = " ".join(page.texts)
    for said in (
        *("Speech 2.00 s, 33% of the time", "Anna 1.45 s, 1 turn", "Speaker B 0.50 s, 1 turn"),
        *("laughter 1 time, 1.00 s, up to 0.75", "applause 1 time, 0.50 s"),
    ):
        assert said in heads
    assert {
        "Anna, 0:00.00 \u2013 0:01.45",
        "Speaker B, while others speak, 0:01.40 \u2013 0:01.90",
        "laughter 0.75, 0:02.50 \u2013 0:03.50",
    } <= set(titles(page))
    assert "speaker_words" not in [text.split(":")[0] for text in page.texts if text.startswith("speaker_words: ")]


def test_speakers_have_colours_of_their_own(page):
    assert {tag["class"] for tag in page.with_class("key")} >= {"key c0", "key c1"}
    assert [tag for tag in page.all("rect") if tag["class"] == "c1"]


def test_the_level_is_a_shape_over_the_stretches_with_sound(page):
    (wave,) = page.with_class("wave")
    assert wave["d"].startswith("M0.0 ")
    assert page.with_class("active")
    assert any(text.endswith("dBFS") and "of the time; loudest" in text for text in page.texts)


def test_the_transcript_says_who_says_what_when_and_what_is_not_sure(page):
    at = page.texts.index("0:00.00", page.texts.index("What is heard"))
    assert page.texts[at - 1] == "2 lines, 2 speakers, de"
    assert page.texts[at : at + 6] == ["0:00.00", "Anna", "Wo ist Zoë?", "0:01.50", "Speaker B", "Hier."]
    assert [tag["title"] for tag in page.all("i") if "title" in tag] == ["confidence 0.30"]


def test_of_a_page_on_which_all_is_heard_nothing_is_said_to_be_missing(page):
    for head in ("Speech. ", "Transcript. ", "Speakers. ", "Other sounds. "):
        assert head not in page.text


def test_figures_of_speech_are_at_the_top_and_in_the_index(spoken, page):
    assert "2.00 s of speech 2 speakers" in page.text
    line = video_line(spoken, gather(spoken), with_strip=False)
    assert (line.speech_told, line.speakers_told, line.top_sounds) == ("2.00 s", "2", ("laughter", "applause"))


def test_in_the_index_silence_is_a_figure_and_what_nobody_heard_is_a_dash(full):
    (record,) = full.store().videos()
    data = full.report_data(record.identity.video_id)
    line = video_line(data, gather(data), with_strip=False)
    assert (line.speech_told, line.speakers_told, line.top_sounds) == ("\u2013", "\u2013", ())
    stored(full.store(), record.identity, "speakers", [])
    again = full.report_data(record.identity.video_id)
    assert video_line(again, gather(again), with_strip=False).speakers_told == "0"


def test_the_index_page_has_them(spoken, full, tmp_path):
    full.batch_report(tmp_path / "out")
    text = Page((tmp_path / "out" / "index.html").read_bytes()).text
    assert "2.00 s of speech" in text
    assert "heard: laughter , applause" in text


def crowd(amount: int) -> dict[str, Lane]:
    facts = Facts(end=amount * 1_000_000)
    data = [
        SpeakerTurn(span=span(n * 1000, n * 1000 + 900), label=f"Who {n}", speaker_id=f"{n}") for n in range(amount)
    ]
    sounds = [SoundEvent(span=span(n * 1000, n * 1000 + 500), label=f"what {n}") for n in range(amount)]
    for row in (*data, *sounds):
        facts.heard.take(_stored(row))
    return {lane.name: lane for lane in sound_lanes(facts, Axis(facts.end), speaker_shades(facts.heard))}


def _stored(row: Annotation) -> StoredRow:
    return StoredRow("", row, "v", "u", "r", "a", row.span.start.pts * 1000, row.span.end.pts * 1000, 0, 0)


def test_many_speakers_and_sounds_are_brought_together():
    lanes = crowd(40)
    assert len(lanes) == SPEAKERS_SHOWN + EVENTS_SHOWN + 2
    assert lanes["Other speakers"].note == "28 more, 25.20 s"
    assert lanes["Other sounds"].note == "30 more, 15.00 s"
    assert "Other speakers" not in crowd(SPEAKERS_SHOWN)
    assert "Other sounds" not in crowd(EVENTS_SHOWN)


def test_digital_silence_is_called_so(annotated, clips, data_dir):
    path = data_dir / "videos" / "mdn" / "flower.mp4"
    app = annotated(path, request=Request(("shots", "loudness")))
    page = Page(video_page(app.report_data(next(iter(app.store().videos())).identity.video_id)))
    assert "0 intervals, 0% of the time; digital silence" in page.texts


def test_the_same_store_gives_the_same_bytes(spoken):
    assert video_page(spoken) == video_page(spoken)
