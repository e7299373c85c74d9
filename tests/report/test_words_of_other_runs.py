"""The report of a store in which words of speakers are older than the speakers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from stocking import opened_app, span, stored

from cortexia.report.base import video_data
from cortexia.report.gather import gather
from cortexia.types import MediaInfo, SpeakerTurn, SpokenWord, Utterance, Verdict, VerdictStatus, VideoIdentity, Word

IDENTITY = VideoIdentity("a" * 64, "/videos/a.mp4", "a.mp4", 1000)
MEDIA = MediaInfo("mov", 1000, 1.0, Fraction(0), None, None, Verdict(VerdictStatus.OK), {})
SECOND = span(0, 1000)


@pytest.fixture
def store(tmp_path):
    with opened_app(tmp_path / "s.db") as app:
        app.store().save_video(
            IDENTITY, MediaInfo("mov", 1000, 1.0, Fraction(0), None, None, Verdict(VerdictStatus.OK), {})
        )
        yield app.store()


def turns(name: str) -> list[SpeakerTurn]:
    return [SpeakerTurn(span=SECOND, label=name, speaker_id=name)]


def names(store) -> tuple[list[str], list[str | None]]:
    heard = gather(video_data(store, IDENTITY.video_id)).heard
    return [speaker.name for speaker in heard.speakers.values()], [line.speaker for line in heard.lines()]


def test_a_name_that_the_speaker_no_longer_has_is_not_shown(store):
    text = [Utterance(span=SECOND, text="Hello", number=0), Word(span=SECOND, text="Hello", utterance=0)]
    heard = stored(store, IDENTITY, "transcription", text)
    speakers = stored(store, IDENTITY, "speakers", turns("Speaker A"))
    said = SpokenWord(span=SECOND, text="Hello", utterance=0, label="Speaker A", speaker_id="Speaker A")
    stored(store, IDENTITY, "speaker_words", [said], upstream=(heard.run_key, speakers.run_key))
    assert names(store) == (["Speaker A"], ["Speaker A"])
    stored(store, IDENTITY, "speakers", turns("Anna"), options={"enrolled": "anna"})
    assert names(store) == (["Anna"], ["Anna"])
