"""How far a batch is, counted from its events."""

from __future__ import annotations

from typing import Any

import pytest

from cortexia.cli.tally import Tally


class Scene:
    """A tally with a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.tally = Tally(lambda: self.now)

    def submit(self, *numbers: int, size: int = 1000) -> None:
        for number in numbers:
            told = {"video_id": f"v{number}", "filename": f"{number}.mp4", "size_bytes": size}
            self.tally.take({"event": "job_submitted", "job_id": f"j{number}", **told})

    def start(self, number: int) -> None:
        self.tally.take({"event": "job_started", "job_id": f"j{number}", "video_id": f"v{number}", "worker": "w"})

    def progress(self, number: int, media_s: float, annotator: str = "shots", **more: Any) -> None:
        told = {"annotator": annotator, "media_s": media_s, "duration_s": 100.0, "rows": 7, "status": "running"}
        self.tally.take({"event": "progress", "video_id": f"v{number}", "processing_s": 2.0, **told, **more})

    def end(self, number: int, status: str = "completed") -> None:
        self.tally.take({"event": "job_finished", "job_id": f"j{number}", "video_id": f"v{number}", "status": status})


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_jobs_are_counted_by_state(scene):
    scene.submit(1, 2, 3, 4)
    scene.tally.take({"event": "job_settled", "job_id": "j1"})
    scene.start(2)
    scene.start(3)
    scene.end(3, "completed_with_errors")
    assert dict(scene.tally.counts()) == {
        "stored already": 1,
        "running": 1,
        "completed with errors": 1,
        "waiting": 1,
    }
    assert (scene.tally.ended, scene.tally.total) == (2, 4)


def test_rate_and_time_left_follow_what_was_done(scene):
    scene.submit(1, 2)
    scene.start(1)
    scene.progress(1, 0.0)
    scene.now += 10.0
    scene.progress(1, 50.0)
    assert scene.tally.rate() == pytest.approx(5.0)
    assert scene.tally.left_s() == pytest.approx(30.0), "half a video took 10 s, one and a half are left"
    video = scene.tally.at_work["v1"]
    assert (video.fraction, video.rate(scene.now), video.left_s(scene.now)) == (0.5, 5.0, 10.0)


def test_a_video_is_as_far_as_its_annotators_are(scene):
    scene.submit(1)
    scene.start(1)
    scene.progress(1, 0.0)
    scene.progress(1, 0.0, "loudness")
    scene.progress(1, 100.0, "loudness", status="skipped")
    scene.now += 10.0
    scene.progress(1, 50.0)
    assert scene.tally.at_work["v1"].fraction == 0.75


def test_what_an_earlier_attempt_did_is_not_ours(scene):
    """A video that was gone on with at 80 %."""
    scene.submit(1)
    scene.start(1)
    scene.progress(1, 80.0)
    scene.now += 10.0
    scene.progress(1, 90.0)
    assert scene.tally.rate() == pytest.approx(1.0)
    assert scene.tally.at_work["v1"].left_s(scene.now) == pytest.approx(10.0)


def test_a_job_that_goes_back_waits_and_is_not_an_end(scene):
    scene.submit(1)
    scene.start(1)
    scene.progress(1, 0.0)
    scene.now += 10.0
    scene.end(1, "retrying")
    assert dict(scene.tally.counts()) == {"waiting": 1}
    assert scene.tally.videos_per_minute() is None
    assert scene.tally.at_work == {}


def test_videos_a_minute(scene):
    scene.submit(1, 2, 3)
    for number in (1, 2):
        scene.start(number)
        scene.now += 15.0
        scene.end(number)
    assert scene.tally.videos_per_minute() == pytest.approx(4.0)


def test_nothing_is_claimed_in_the_first_moment(scene):
    assert (scene.tally.rate(), scene.tally.left_s(), scene.tally.videos_per_minute()) == (None, None, None)
    scene.submit(1)
    scene.start(1)
    scene.progress(1, 10.0)
    assert (scene.tally.rate(), scene.tally.left_s()) == (None, None)


def test_a_video_of_unknown_length_has_a_rate_and_no_end(scene):
    scene.submit(1)
    scene.start(1)
    scene.progress(1, 0.0, duration_s=None)
    scene.now += 10.0
    scene.progress(1, 30.0, duration_s=None)
    video = scene.tally.at_work["v1"]
    assert (video.rate(scene.now), video.left_s(scene.now), video.fraction) == (3.0, None, 0.0)
