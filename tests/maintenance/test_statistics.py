"""The numbers are those that plain SQL gives, and the questions of every day have their answers."""

from __future__ import annotations

import pytest
from filling import box, claimed, completed, spec
from keeping import VIDEO, filled, opened, row_count, vandalised

from cortexia.maintenance.statistics import Many, statistics
from cortexia.types import JobState


@pytest.fixture
def store(tmp_path):
    with opened(filled(tmp_path / "store.db")) as made:
        yield made


def test_counts(store, tmp_path):
    completed(store, spec(annotator="boxes", options={"n": 1}), [box(0)])
    counts = statistics(store, Many()).counts
    assert (counts.videos, counts.deleted_videos, counts.blobs) == (2, 0, 3)
    assert counts.rows == {"key_picture": 3, "object_detection": 2}, "current rows only"
    assert counts.runs == {"boxes": {"completed": 2, "superseded": 1}, "frames": {"completed": 1}}
    assert counts.jobs == {"completed": 4}
    assert counts.store_bytes == (tmp_path / "store.db").stat().st_size
    assert row_count(tmp_path / "store.db", "annotations") == 25


def test_failures_of_the_last_day(store, tmp_path):
    for letter in "cd":
        store.release(claimed(store, spec(letter), letter=letter), JobState.FAILED, "rejected", f"broken {letter}")
    vandalised(
        tmp_path / "store.db", "UPDATE jobs SET created_at = datetime('now', '-2 days') WHERE video_path LIKE '%c%'"
    )
    assert [(job.video_path, job.error_message) for job in statistics(store, Many()).failures] == [
        ("/videos/d.mp4", "broken d")
    ]


def test_time_per_pipeline(store, tmp_path):
    vandalised(tmp_path / "store.db", "UPDATE runs SET processing_s = annotation_count")
    found = {one.name: (one.runs, one.mean_s, one.mean_annotations) for one in statistics(store, Many()).pipelines}
    assert found == {"boxes": (2, 10.5, 10.5), "frames": (1, 3.0, 3.0)}


@pytest.mark.parametrize(
    ("more_than", "confidence", "expected"),
    [(10, 0.8, {VIDEO: 20}), (20, 0.8, {}), (0, 0.9, {}), (0, 0.5, {VIDEO: 20, "b" * 64: 1})],
)
def test_videos_with_many_rows_above_a_confidence(store, more_than, confidence, expected):
    many = Many("object_detection", more_than, confidence)
    assert statistics(store, many).full == expected


def test_deleted_videos_do_not_count(store):
    store.upkeep.delete_video(VIDEO)
    found = statistics(store, Many("object_detection", 0, 0.5))
    assert found.full == {"b" * 64: 1}
    assert (found.counts.videos, found.counts.deleted_videos) == (1, 1)
    assert found.counts.rows == {"object_detection": 1}
