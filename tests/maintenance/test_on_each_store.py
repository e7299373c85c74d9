"""What is done to a store as a whole is done alike on each kind of store."""

from __future__ import annotations

import gzip
import json
import tarfile
import time

import pytest
from filling import box, claimed, completed, spec, submitted
from keeping import EMPTY_PLACES, OTHER, PLACES, VIDEO, canonical, fill, opened, picture

from cortexia.errors import ConfigurationError, DataInconsistencyError
from cortexia.maintenance.backup import SNAPSHOTS, backup
from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.checksum import video_checksum
from cortexia.maintenance.restore import restore
from cortexia.maintenance.retention import SweepRules, archive, sweep
from cortexia.maintenance.statistics import Many, statistics
from cortexia.provenance import actor
from cortexia.stores import open_store
from cortexia.stores.audit import AuditEvent, verified
from cortexia.types import JobState, Query

AT_ONCE = SweepRules(0.0, 0.0, 0.0)


@pytest.fixture(params=sorted(PLACES))
def kind(request) -> str:
    return request.param


@pytest.fixture
def location(kind, tmp_path) -> str:
    return PLACES[kind](tmp_path)


@pytest.fixture
def store(location):
    with opened(location) as made:
        fill(made)
        yield made


def is_sound(store) -> bool:
    return check(store, CheckOptions()).is_clean


def actions(store) -> list[str]:
    return [entry.event.action for entry in store.upkeep.audit()]


# -- soundness and numbers


def test_a_sound_store_is_clean(store):
    report = check(store, CheckOptions(checksums=True))
    assert report.problems == ()
    assert [video.rows for video in report.checksums] == [23, 1]


def test_a_blob_that_is_missing_is_found(store):
    record = next(iter(store.upkeep.blob_records()))
    store.blobs.path(record.sha256).unlink()
    assert [(one.kind, one.subject) for one in check(store, CheckOptions()).problems] == [
        ("blob_missing", record.sha256)
    ]


def test_numbers(store):
    completed(store, spec(annotator="boxes", options={"n": 1}), [box(0)])
    store.release(claimed(store, spec("c"), letter="c"), JobState.FAILED, "rejected", "broken")
    found = statistics(store, Many("object_detection", 0, 0.5))
    assert (found.counts.videos, found.counts.blobs) == (3, 3)
    assert found.counts.rows == {"key_picture": 3, "object_detection": 2}
    assert found.counts.runs["boxes"] == {"completed": 2, "superseded": 1, "pending": 1}
    assert found.counts.jobs == {"completed": 4, "failed": 1}
    assert found.counts.store_bytes > 1000
    assert [job.error_message for job in found.failures] == ["broken"]
    assert {one.name: (one.runs, one.mean_annotations) for one in found.pipelines} == {
        "boxes": (3, pytest.approx(22 / 3)),
        "frames": (1, 3.0),
    }
    assert found.full == {VIDEO: 1, OTHER: 1}


def test_equal_videos_have_equal_checksums_on_every_store(tmp_path):
    found = set()
    for kind, place in PLACES.items():
        (tmp_path / kind).mkdir()
        with opened(place(tmp_path / kind)) as store:
            fill(store)
            completed(store, spec(annotator="boxes", options={"n": 1e16}), [box(0, confidence=0.1 + 0.2)])
            found.add((video_checksum(store, VIDEO), video_checksum(store, OTHER)))
    assert len(found) == 1


def test_a_checksum_tells_what_one_store_has_more(store, location):
    before = video_checksum(store, VIDEO)
    completed(store, spec(annotator="more"), [box(0)])
    assert video_checksum(store, VIDEO) != before


# -- deleted videos


def test_a_deleted_video_is_left_out_and_comes_back(store, location):
    before = canonical(store)
    store.upkeep.delete_video(VIDEO)
    with opened(location) as another:
        assert [record.identity.video_id for record in another.videos()] == [OTHER]
        assert {row.video_id for row in another.find(Query())} == {OTHER}
        assert [record.identity.video_id for record in another.upkeep.deleted_videos()] == [VIDEO]
    store.upkeep.restore_video(VIDEO)
    assert canonical(store) == before
    assert actions(store)[-2:] == ["video.deleted", "video.restored"]


def test_jobs_of_a_deleted_video_are_cancelled(store):
    waiting = submitted(store, spec(options={"x": 1}))
    store.upkeep.delete_video(VIDEO)
    assert store.job(waiting).status is JobState.CANCELLED


# -- the audit log


def test_what_becomes_of_a_job_is_in_the_log(store, location):
    job_id = submitted(store, spec("c"), letter="c")
    store.cancel_job(job_id)
    with opened(location) as another:
        entries = list(another.upkeep.audit())
    assert [entry.event.action for entry in entries[-3:]] == ["job.submitted", "job.cancel_asked", "job.ended"]
    assert entries[-1].event.subject == job_id
    assert {entry.actor for entry in entries} == {actor()}
    assert verified(iter(entries)).is_whole
    assert [entry.seq for entry in store.upkeep.audit(after=3)] == list(range(4, len(entries) + 1))


def test_a_job_that_ends_with_its_last_window_is_in_the_log(store):
    claim = claimed(store, spec("c"), letter="c")
    before = actions(store)
    with store.transaction(claim) as transaction:
        transaction.finish_job(JobState.COMPLETED)
    assert actions(store) == [*before, "job.ended"]


def test_several_writers_make_one_chain(store, location):
    with opened(location) as another:
        for number in range(3):
            for writer in (store, another):
                writer.upkeep.remember(AuditEvent("test.written", str(number), {"ünï": [1, 0.5, None]}))
    assert verified(store.upkeep.audit()).is_whole
    assert actions(store).count("test.written") == 6


# -- putting away


def superseded(store) -> None:
    """The boxes of the first video, found again with other options, twice; and a picture that goes with one."""
    completed(store, spec(annotator="boxes", options={"n": 1}), [box(0), picture(store, 400)])
    completed(store, spec(annotator="boxes", options={"n": 2}), [box(0)])


def test_superseded_runs_move_into_a_file(store, location, tmp_path):
    superseded(store)
    before = canonical(store)
    assert len(archive(store, None, 60.0).runs) == 0, "young ones stay"
    assert len(archive(store, None, 0.0).runs) == 2
    done = archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    assert (len(done.runs), done.rows, done.is_applied) == (2, 22, True)
    assert canonical(store) == before
    assert is_sound(store)
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "old.jsonl.gz").read_bytes()).splitlines()]
    assert sum("annotation" in line for line in lines) == 22
    with opened(location) as another:
        assert len(list(another.runs(VIDEO, current_only=False))) == 2
        assert canonical(another) == before
        assert is_sound(another)


def test_an_archived_run_can_be_done_again(store, tmp_path):
    superseded(store)
    archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    again = spec(annotator="boxes", options={"n": 1})
    completed(store, again, [box(0), box(40)])
    assert [row.start_us for row in store.emitted(again.run_id, 0, None)] == [0, 40_000]
    assert is_sound(store)


def test_blobs_go_when_no_row_needs_them(store, tmp_path):
    superseded(store)
    store.blobs.put(b"nobody's", ".jpg")
    time.sleep(0.02)
    assert sweep(store, AT_ONCE).blobs == 1
    archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    assert sweep(store, AT_ONCE).blobs == 2
    assert sweep(store, AT_ONCE, apply=True).blobs == 2
    assert sweep(store, AT_ONCE, apply=True).blobs == 0
    assert is_sound(store)


def test_ended_jobs_that_left_nothing_go(store, location):
    empty = submitted(store, spec("c"), letter="c")
    store.cancel_job(empty)
    waiting = submitted(store, spec("d"), letter="d")
    assert sweep(store, SweepRules()).jobs == 0, "young ones stay"
    assert sweep(store, AT_ONCE, apply=True).jobs == 1
    with opened(location) as another:
        assert another.job(empty) is None
        assert another.job(waiting).status is JobState.QUEUED
        assert len(list(another.jobs(VIDEO))) == 2, "rows name them"
        assert is_sound(another)


def test_deleted_videos_go_for_good(store, location):
    superseded(store)
    store.upkeep.delete_video(VIDEO)
    assert sweep(store, SweepRules(), apply=True).videos == ()
    time.sleep(0.02)
    done = sweep(store, AT_ONCE, apply=True)
    assert (done.videos, done.blobs) == ((VIDEO,), 4)
    with opened(location) as another:
        assert [run.spec.video_id for run in another.runs(current_only=False)] == [OTHER]
        assert list(another.upkeep.deleted_videos()) == []
        assert is_sound(another)
        completed(another, spec(annotator="boxes"), [box(0), box(40)])
        assert another.count(Query(video_ids=(VIDEO,))) == 2, "given again, it begins anew"


# -- copies


def test_a_backup_comes_back_equal(store, kind, tmp_path):
    superseded(store)
    before, sums = canonical(store), [video_checksum(store, video) for video in (VIDEO, OTHER)]
    entries = len(actions(store))
    made = backup(store, tmp_path / "b.tar")
    assert (made.annotations, made.blobs) == (27, 4)
    with tarfile.open(tmp_path / "b.tar") as archive_file:
        assert archive_file.getnames()[0] == SNAPSHOTS[kind]
    (tmp_path / "new").mkdir()
    place = EMPTY_PLACES[kind](tmp_path / "new")
    done = restore(tmp_path / "b.tar", place, verify=True)
    assert (done.annotations, done.checked.is_clean) == (27, True)
    with opened(place) as another:
        assert canonical(another) == before
        assert [video_checksum(another, video) for video in (VIDEO, OTHER)] == sums
        assert verified(another.upkeep.audit()).is_whole
        assert actions(another)[entries:] == ["store.restored"]
        completed(another, spec("e"), [box(0)], letter="e")
        assert is_sound(another)
    assert actions(store)[-1] == "store.backed_up"


def test_an_altered_backup_leaves_nothing(store, kind, tmp_path):
    backup(store, tmp_path / "b.tar")
    data = bytearray((tmp_path / "b.tar").read_bytes())
    data[600] ^= 1
    (tmp_path / "b.tar").write_bytes(data)
    (tmp_path / "new").mkdir()
    place = EMPTY_PLACES[kind](tmp_path / "new")
    with pytest.raises(DataInconsistencyError, match="no whole backup"):
        restore(tmp_path / "b.tar", place)
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == []
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_store(place, create=False)


def test_a_place_that_is_not_empty_is_refused(store, location, tmp_path):
    backup(store, tmp_path / "b.tar")
    before = canonical(store)
    with pytest.raises(ConfigurationError, match="empty"):
        restore(tmp_path / "b.tar", location)
    assert canonical(store) == before


def test_a_store_that_was_wrong_is_not_kept(store, kind, tmp_path):
    """``verify`` looks at what the digests of the backup cannot tell."""
    store.upkeep.set_run_count(spec(annotator="frames").run_id, 99)
    if kind == "files":
        pytest.skip("the index is no part of a backup: the damage is not in it")
    backup(store, tmp_path / "b.tar")
    (tmp_path / "new").mkdir()
    place = EMPTY_PLACES[kind](tmp_path / "new")
    with pytest.raises(DataInconsistencyError, match="1 problems"):
        restore(tmp_path / "b.tar", place, verify=True)
    restore(tmp_path / "b.tar", place, verify=False)


@pytest.mark.parametrize("other", sorted(PLACES))
def test_a_backup_of_another_kind_is_refused(store, kind, other, tmp_path):
    if other == kind:
        pytest.skip("its own kind")
    backup(store, tmp_path / "b.tar")
    (tmp_path / "new").mkdir()
    with pytest.raises(ConfigurationError, match=f"of kind '{kind}'"):
        restore(tmp_path / "b.tar", EMPTY_PLACES[other](tmp_path / "new"))
