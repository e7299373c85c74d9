"""Each kind of damage is found by its name, and mended only where nothing can be lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import completed, spec
from keeping import VIDEO, blank, caption, filled, opened, picture, span, vandalised

from cortexia.maintenance.check import CheckOptions, CheckReport, check
from cortexia.stores.base import StorageBackend
from cortexia.types import Shot


@pytest.fixture
def path(tmp_path) -> Path:
    return filled(tmp_path / "store.db")


def checked(path: Path, **options: bool) -> CheckReport:
    with opened(path) as store:
        return check(store, CheckOptions(**options))


def kinds(path: Path, **options: bool) -> list[str]:
    return sorted({problem.kind for problem in checked(path, **options).problems})


def test_a_sound_store_is_clean(path):
    report = checked(path)
    assert report.problems == ()
    assert (report.videos, report.is_clean) == (2, True)


DAMAGE = [
    ("DELETE FROM annotations WHERE seq = 3", ["count", "window"]),
    ("UPDATE annotations SET confidence = 0.5 WHERE seq = 3", ["window"]),
    ("UPDATE annotations SET data = '{\"z\":1}' WHERE seq = 3", ["window"]),
    ("UPDATE annotations SET label = 7 WHERE seq = 3", ["window"]),
    ("UPDATE windows SET rows_sha256 = 'x' WHERE run_id = (SELECT run_id FROM runs LIMIT 1)", ["window"]),
    ("UPDATE annotations SET video_id = 'nobody' WHERE seq = 3", ["orphan"]),
    ("UPDATE jobs SET video_id = 'nobody' WHERE seq = 1", ["orphan"]),
    ("DELETE FROM pipelines", ["orphan"]),
    ("DELETE FROM job_runs", []),
    ("UPDATE job_runs SET run_id = 'nobody' WHERE job_id = (SELECT job_id FROM jobs WHERE seq = 1)", ["orphan"]),
    ("UPDATE runs SET superseded_by = 'nobody', status = 'superseded' WHERE annotator = 'frames'", ["orphan"]),
    ("UPDATE runs SET annotation_count = 99 WHERE annotator = 'frames'", ["count"]),
    ("UPDATE runs SET windows = 2 WHERE annotator = 'frames'", ["coverage"]),
    ("UPDATE windows SET ordinal = 4 WHERE rowid = 1", ["coverage", "orphan", "window"]),
    ("UPDATE videos SET processing_status = 'running' WHERE filename = 'b.mp4'", ["state"]),
    ("DELETE FROM blobs", ["blob_record"]),
    ("UPDATE blobs SET size_bytes = 1", ["blob_record"]),
]


@pytest.mark.parametrize(("statement", "expected"), DAMAGE)
def test_damage_is_found_by_its_name(path, statement, expected):
    vandalised(path, statement)
    assert kinds(path) == expected


def test_blobs_that_are_missing_or_damaged_are_found(path):
    first, second, third = sorted((path.with_name("store.blobs")).rglob("*.jpg"))
    first.unlink()
    second.write_bytes(b"x" * second.stat().st_size)
    assert kinds(path) == ["blob_damaged", "blob_missing"]
    assert kinds(path, quick=True) == ["blob_missing"], "a quick check reads no blob"
    assert third.exists()


def test_a_tampered_audit_log_is_found(path):
    vandalised(path, "DROP TRIGGER audit_log_no_update", "UPDATE audit_log SET actor = 'x' WHERE seq = 2")
    assert kinds(path) == ["audit", "integrity"]


# -- what was found in the video


def with_rows(tmp_path: Path, make) -> Path:
    path = blank(tmp_path / "rows.db")
    with opened(path) as store:
        make(store)
    return path


def test_frames_without_captions_and_more_captions_than_frames(tmp_path):
    def make(store: StorageBackend) -> None:
        completed(store, spec(annotator="frames"), [picture(store, 0), picture(store, 400)])
        completed(store, spec(annotator="captions"), [caption(0), caption(40), caption(80)])

    messages = [problem.message for problem in checked(with_rows(tmp_path, make)).problems]
    assert messages == ["1 of 2 frames have no caption: 0.400 s", "has 3 captions, and only 2 frames"]


def test_captions_belong_to_frames_by_index_or_by_time(tmp_path):
    def make(store: StorageBackend) -> None:
        completed(store, spec(annotator="frames"), [picture(store, 0), picture(store, 400)])
        completed(store, spec(annotator="captions"), [caption(0), caption(800, frame_index=10)])

    assert checked(with_rows(tmp_path, make)).is_clean


def test_only_the_frames_that_stand_for_a_shot_need_one(tmp_path):
    def make(store: StorageBackend) -> None:
        frames = [picture(store, 0, is_representative=True), picture(store, 400)]
        completed(store, spec(annotator="frames"), frames)
        completed(store, spec(annotator="captions"), [caption(0)])

    assert checked(with_rows(tmp_path, make)).is_clean


@pytest.mark.parametrize(("second", "is_clean"), [(1, True), (2, False), (0, False)])
def test_shots_leave_no_gap_and_do_not_overlap(tmp_path, second, is_clean):
    def make(store: StorageBackend) -> None:
        shots = [Shot(span=span(0), first_frame=0, last_frame=0)]
        shots.append(Shot(span=span(40 * second), first_frame=second, last_frame=second + 1))
        completed(store, spec(annotator="shots"), shots) if second else completed(
            store, spec(annotator="shots"), [shots[0], Shot(span=span(20), first_frame=0, last_frame=3)]
        )

    assert checked(with_rows(tmp_path, make)).is_clean is is_clean


# -- repairs


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET annotation_count = 99 WHERE annotator = 'frames'",
        "UPDATE videos SET processing_status = 'running' WHERE filename = 'b.mp4'",
        "DELETE FROM blobs",
        "UPDATE blobs SET size_bytes = 1",
    ],
)
def test_what_loses_nothing_is_mended(path, statement):
    vandalised(path, statement)
    assert not checked(path).is_clean
    assert checked(path, repair=True).is_clean
    assert checked(path).problems == ()
    with opened(path) as store:
        assert [entry.event.action for entry in store.upkeep.audit()][-1] == "store.repaired"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM annotations WHERE seq = 3",
        "UPDATE annotations SET confidence = 0.5 WHERE seq = 3",
        "UPDATE annotations SET video_id = 'nobody' WHERE seq = 3",
    ],
)
def test_what_would_lose_something_is_left_alone(path, statement):
    vandalised(path, statement)
    before = path.read_bytes()
    assert not checked(path, repair=True).is_clean
    assert path.read_bytes() == before


def test_a_count_is_not_believed_over_damaged_rows(path):
    """The rows are as many as the windows say, and other ones: which number is right is not known."""
    frames = "run_id = (SELECT run_id FROM runs WHERE annotator = 'frames')"
    change = f"UPDATE annotations SET label = 'x' WHERE {frames}"
    vandalised(path, "UPDATE runs SET annotation_count = 99 WHERE annotator = 'frames'", change)
    report = checked(path, repair=True)
    assert [problem.is_mended for problem in report.problems if problem.kind == "count"] == [False]


# -- checksums


def test_a_checksum_tells_videos_apart_and_not_stores(path, tmp_path):
    twin = filled(tmp_path / "twin.db")
    first, second = checked(path, checksums=True).checksums, checked(twin, checksums=True).checksums
    assert first == second
    assert {video.video_id: video.rows for video in first}[VIDEO] == 23
    assert first[0].sha256 != first[1].sha256


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annotations SET confidence = 0.5 WHERE seq = 3",
        "UPDATE annotations SET emitted_at = 7 WHERE seq = 3",
        "UPDATE runs SET status = 'failed' WHERE annotator = 'frames'",
        "UPDATE runs SET position = 7 WHERE annotator = 'frames'",
    ],
)
def test_a_checksum_tells_any_difference(path, statement):
    before = checked(path, checksums=True).checksums
    vandalised(path, statement)
    assert checked(path, checksums=True).checksums != before


def test_a_checksum_covers_runs_that_are_not_current(path):
    before = checked(path, checksums=True).checksums
    with opened(path) as store:
        completed(store, spec(annotator="boxes", options={"x": 1}), [])
    after = checked(path, checksums=True).checksums
    assert (after[0].runs, after[0].rows) == (before[0].runs + 1, before[0].rows)
