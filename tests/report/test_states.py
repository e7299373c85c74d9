"""Videos that are not as one would wish: each page says what is there, and why the rest is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from reading import Page, faults
from stocking import stored

from cortexia import registry
from cortexia.app import Request
from cortexia.report.account import SECTIONS
from cortexia.report.video_page import video_page
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, tone
from cortexia.types import MediaInfo, RunStatus, TimeRange, Verdict, VerdictStatus, VideoIdentity


def page_of(app, video_id: str | None = None) -> Page:
    page = Page(video_page(app.report_data(video_id or next(iter(app.store().videos())).identity.video_id)))
    assert faults(page) == []
    return page


def test_a_rejected_video_says_why(annotated, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 5000)
    page = page_of(annotated(tmp_path / "broken.mp4"))
    assert "rejected" in page.texts
    assert "not_media" in page.texts
    assert "Not looked yet" in page.text or "has not run" in page.text


def test_a_video_nobody_has_looked_at(tmp_path, annotated):
    app = annotated()
    identity = VideoIdentity("a" * 64, "/videos/a.mp4", "a.mp4", 10)
    app.store().save_video(identity)
    page = page_of(app, identity.video_id)
    assert "not read yet" in page.texts
    assert "Not looked yet: annotator shots has not run on this video." in page.text
    assert page.text.count("has not run on this video") >= 8


def test_sound_only(annotated, clips):
    path = clips("sound.m4a", VideoSpec(shots=(), sound=SoundSpec(events=(tone(0.5, 1.0),), duration_s=2.0)))[0]
    page = page_of(annotated(path))
    assert "audio_only" in page.texts
    assert "Loudness" in page.texts
    assert not page.with_class("cards")


def test_no_sound(annotated, clips):
    path = clips("silent.mp4", VideoSpec(shots=(ShotSpec(1.0),)))[0]
    page = page_of(annotated(path, request=Request(("shots", "loudness", "shot_summary", "speech"))))
    assert "Sound none" in page.text
    assert "Speech. Nothing to measure for speech: the video has no sound." in page.text
    assert "Transcript. Not looked yet: annotator transcription has not run on this video." in page.text
    assert not page.with_class("wave")
    assert "Loudness" not in page.texts
    assert "no sound in this span (1 row)" in page.text
    assert "not measured Sound (loudness) the video has no sound" in page.text
    assert "Nothing to measure for loudness: the video has no sound." in page.text
    assert "None found: loudness" not in page.text


def test_looked_and_found_none_is_not_the_same_as_not_looked(annotated, clips):
    path = clips("silent.mp4", VideoSpec(shots=(ShotSpec(1.0),)))[0]
    app = annotated(path)
    before = page_of(app).text
    stored(app.store(), next(iter(app.store().videos())).identity, "objects", [])
    after = page_of(app).text
    assert "Not looked yet: annotator objects" in before
    assert "None found: annotator objects" not in before
    assert "None found: objects looked at the video." in after
    assert "Not looked yet: annotator objects" not in after


@pytest.mark.parametrize(
    ("annotator", "head"),
    [
        *(("tracks", "Tracks"), ("people", "People"), ("face_groups", "Faces"), ("captions", "Captions")),
        *(("tags", "Tags"), ("speech", "Speech"), ("transcription", "Transcript"), ("speakers", "Speakers")),
        ("sounds", "Other sounds"),
    ],
)
def test_nobody_there_and_nothing_said_are_told_from_not_looked(annotated, clips, annotator, head):
    app = annotated(clips("silent.mp4", VideoSpec(shots=(ShotSpec(1.0),)))[0], request=Request(("shots",)))
    before = page_of(app).text
    stored(app.store(), next(iter(app.store().videos())).identity, annotator, [])
    after = page_of(app).text
    assert f"{head}. Not looked yet: annotator {annotator} has not run on this video." in before
    assert f"{head}. None found: {annotator} looked at the video." in after


def test_every_annotator_that_a_page_shows_is_asked_for():
    """The others: captions of regions and vectors, which no page shows, what others are made of, and whose words they
    are, which stands beside the words."""
    assert set(registry.names("annotators")) - set(SECTIONS) <= {
        *("appearance", "embeddings", "shot_embeddings", "text_embeddings", "voices"),
        *("regions", "shot_summary", "speaker_words"),
    }


def test_a_failed_run_says_its_reason(annotated, clips):
    path = clips("silent.mp4", VideoSpec(shots=(ShotSpec(1.0),)))[0]
    app = annotated(path)
    identity = next(iter(app.store().videos())).identity
    stored(app.store(), identity, "objects", [], RunStatus.FAILED, reason="annotator", message="no luck")
    stored(app.store(), identity, "motion", [], RunStatus.SKIPPED, reason="upstream")
    text = page_of(app).text
    assert "failed Objects (objects) annotator: no luck" in text
    assert "Nothing to show: motion skipped (upstream)" in text


def test_a_damaged_video_counts_its_corrupt_frames(annotated):
    app = annotated()
    identity = VideoIdentity("b" * 64, "/videos/b.mp4", "b.mp4", 10)
    verdict = Verdict(
        VerdictStatus.PARTIAL,
        "corrupt_frames",
        "3 of 90 pictures are corrupt",
        frames_decoded=90,
        frames_corrupt=3,
        error_count=2,
        first_error="h264: error while decoding",
        last_good_s=3.6,
    )
    app.store().save_video(identity, MediaInfo("mov", 10, 4.0, Fraction(0), None, None, verdict))
    text = page_of(app, identity.video_id).text
    for said in ("partial", "corrupt_frames", "Frames decoded 90", "Corrupt frames 3", "Errors 2", "0:03.600"):
        assert said in text


def test_another_range_is_said(annotated, clip):
    app = annotated(clip, request=Request(("shots",), time_range=TimeRange(1.0, 3.0)))
    assert "from 0:01.00 to 0:03.00" in page_of(app).text
