"""Nothing goes that is needed, nothing goes without ``apply``, and what goes is told."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from filling import box, claimed, commit, completed, identity, part, spec, submitted
from keeping import VIDEO, blank, canonical, filled, opened, picture, row_count, vandalised

from cortexia.errors import ConfigurationError
from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.retention import DAY_S, SweepRules, archive, sweep
from cortexia.stores.base import StorageBackend
from cortexia.types import JobState, RunStatus

AT_ONCE = SweepRules(0.0, 0.0, 0.0)


@pytest.fixture
def path(tmp_path) -> Path:
    return filled(tmp_path / "store.db")


@pytest.fixture
def store(path):
    with opened(path) as made:
        yield made


def superseded(store: StorageBackend) -> None:
    """The boxes of the first video, found again with another option, twice."""
    for number in (1, 2):
        completed(store, spec(annotator="boxes", options={"n": number}), [box(0)])


def aged(path: Path, days: float) -> None:
    """As if it had all happened so many days ago."""
    vandalised(
        path,
        *(
            f"UPDATE {table} SET {column} = datetime({column}, '-{days} days') WHERE {column} IS NOT NULL"
            for table, column in (("runs", "updated_at"), ("jobs", "completed_at"))
        ),
    )


def is_sound(store: StorageBackend) -> bool:
    return check(store, CheckOptions()).is_clean


# -- archive


def test_without_apply_nothing_changes(store, path, tmp_path):
    superseded(store)
    before = (row_count(path, "annotations"), row_count(path, "audit_log"))
    done = archive(store, tmp_path / "old.jsonl.gz", 0.0)
    assert (len(done.runs), done.rows, done.is_applied) == (2, 21, False)
    assert (row_count(path, "annotations"), row_count(path, "audit_log")) == before
    assert not (tmp_path / "old.jsonl.gz").exists()


def test_superseded_runs_move_into_a_file(store, path, tmp_path):
    superseded(store)
    before = canonical(store)
    done = archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    assert done.is_applied
    assert canonical(store) == before, "what is current stays"
    assert (row_count(path, "annotations"), row_count(path, "runs")) == (5, 3)
    assert is_sound(store)
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "old.jsonl.gz").read_bytes()).splitlines()]
    assert sum("run" in line for line in lines) == 2
    assert sum("annotation" in line for line in lines) == 21
    assert next(iter(store.runs(VIDEO))).run_id == spec(annotator="boxes", options={"n": 2}).run_id


def test_young_ones_stay(store, path, tmp_path):
    superseded(store)
    assert archive(store, None, DAY_S).runs == ()
    aged(path, 2)
    assert len(archive(store, None, DAY_S).runs) == 2


def test_a_run_in_the_middle_of_a_chain_may_go_first(store, path, tmp_path):
    superseded(store)
    middle = spec(annotator="boxes", options={"n": 1}).run_id
    vandalised(path, f"UPDATE runs SET updated_at = '2001-01-01 00:00:00' WHERE run_id = '{middle}'")
    done = archive(store, tmp_path / "old.jsonl.gz", DAY_S, apply=True)
    assert [run.run_id for run in done.runs] == [middle]
    assert is_sound(store)
    assert len(archive(store, None, 0.0).runs) == 1


def test_what_a_current_run_was_made_from_stays(store):
    first = spec(annotator="boxes")
    completed(store, spec(annotator="summary", upstream=(first.run_key,)), [])
    superseded(store)
    ids = {run.run_id for run in archive(store, None, 0.0).runs}
    assert ids == {spec(annotator="boxes", options={"n": 1}).run_id}


def test_a_run_of_an_unfinished_job_stays(store):
    superseded(store)
    store.submit_job(identity(), [spec(annotator="boxes", options={"n": 1}).run_id], {})
    assert {run.run_id for run in archive(store, None, 0.0).runs} == {spec(annotator="boxes").run_id}


def test_a_run_that_became_current_meanwhile_stays(store):
    superseded(store)
    first = spec(annotator="boxes")
    old = [run.run_id for run in archive(store, None, 0.0).runs]
    store.register_runs([first], {})
    before = canonical(store)
    store.upkeep.remove_runs(old)
    assert canonical(store) == before
    assert store.run(first.run_id).status is RunStatus.COMPLETED


def test_an_archive_replaces_nothing(store, tmp_path):
    superseded(store)
    (tmp_path / "there").write_text("x")
    with pytest.raises(ConfigurationError, match="replaces nothing"):
        archive(store, tmp_path / "there", 0.0, apply=True)
    with pytest.raises(ConfigurationError, match="name the file"):
        archive(store, None, 0.0, apply=True)


# -- gc


def orphan(store: StorageBackend, content: bytes, age_s: float) -> str:
    digest = store.blobs.put(content, ".jpg")
    moment = time.time() - age_s
    os.utime(store.blobs.path(digest), (moment, moment))
    return digest


def test_only_old_blobs_that_no_row_needs_go(store):
    old, fresh = orphan(store, b"old", 2 * DAY_S), orphan(store, b"fresh", 10)
    named = [record.sha256 for record in store.upkeep.blob_records()]
    for digest in named:
        os.utime(store.blobs.path(digest), (0, 0))
    shown = sweep(store, SweepRules())
    assert (shown.blobs, shown.blob_bytes, shown.is_applied) == (1, 3, False)
    assert old in store.blobs
    assert sweep(store, SweepRules(), apply=True).blobs == 1
    assert old not in store.blobs
    assert fresh in store.blobs
    assert all(digest in store.blobs for digest in named)
    assert is_sound(store)


def test_a_blob_that_is_put_again_counts_as_new(store):
    """It lay there for long, and a worker has just found it again: its row comes with the next commit."""
    digest = orphan(store, b"again", 2 * DAY_S)
    store.blobs.put(b"again", ".jpg")
    assert sweep(store, SweepRules(), apply=True).blobs == 0
    assert digest in store.blobs


def test_without_the_renewal_it_would_go(store, monkeypatch):
    """Negative control."""
    monkeypatch.setattr("cortexia.stores.blobs.os.utime", lambda path: None)
    moment = time.time() - 2 * DAY_S
    path = store.blobs.path(store.blobs.put(b"again", ".jpg"))
    monkeypatch.undo()
    os.utime(path, (moment, moment))
    monkeypatch.setattr("cortexia.stores.blobs.os.utime", lambda path: None)
    store.blobs.put(b"again", ".jpg")
    monkeypatch.undo()
    assert sweep(store, SweepRules(), apply=True).blobs == 1


def test_a_row_that_is_committed_while_blobs_are_swept_keeps_its_blob(store, monkeypatch):
    """Between the long look over all rows and the removal a worker commits a row that names an old blob."""
    claim = claimed(store, spec("c"), letter="c")
    found = picture(store, 400, b"late")
    os.utime(store.blobs.path(found.picture), (0, 0))
    upkeep = type(store.upkeep)
    look = upkeep.unused_blobs

    def look_and_commit(self, grace_s):
        result = list(look(self, grace_s))
        commit(store, claim, part(spec("c"), 0, [found]))
        return iter(result)

    monkeypatch.setattr(upkeep, "unused_blobs", look_and_commit)
    sweep(store, AT_ONCE, apply=True)
    assert found.picture in store.blobs
    assert is_sound(store)


def test_a_blob_goes_with_the_runs_that_needed_it(store, tmp_path):
    completed(store, spec(annotator="frames", options={"n": 1}), [picture(store, 0)])
    assert sweep(store, AT_ONCE).blobs == 0
    archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    assert sweep(store, AT_ONCE, apply=True).blobs == 2
    assert is_sound(store)


def test_ended_jobs_that_left_something_stay(store, path):
    empty = submitted(store, spec("c"), letter="c")
    store.cancel_job(empty)
    waiting = submitted(store, spec("d"), letter="d")
    aged(path, 100)
    done = sweep(store, SweepRules(), apply=True)
    assert (done.jobs, done.rows["jobs"]) == (1, 1)
    assert store.job(empty) is None
    assert store.job(waiting).status is JobState.QUEUED
    assert len(list(store.jobs(VIDEO))) == 2, "rows name them"
    assert is_sound(store)


def test_videos_deleted_long_ago_go_for_good(store, path):
    superseded(store)
    store.upkeep.delete_video(VIDEO)
    assert sweep(store, SweepRules(), apply=True).videos == ()
    vandalised(path, f"UPDATE videos SET deleted_at = datetime('now', '-31 days') WHERE video_id = '{VIDEO}'")
    done = sweep(store, SweepRules(grace_s=0.0), apply=True)
    assert done.videos == (VIDEO,)
    assert done.blobs == 3
    for table in ("annotations", "runs", "jobs", "videos", "windows"):
        with sqlite3.connect(path) as db:
            assert db.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (1,), table
    assert is_sound(store)


def test_a_deleted_video_at_work_stays(store, path):
    claimed(store, spec(options={"n": 9}))
    store.upkeep.delete_video(VIDEO)
    sweep(store, AT_ONCE, apply=True)
    assert [record.identity.video_id for record in store.upkeep.deleted_videos()] == [VIDEO]


def test_what_went_is_in_the_log(store, tmp_path):
    superseded(store)
    archive(store, tmp_path / "old.jsonl.gz", 0.0, apply=True)
    orphan(store, b"old", 2 * DAY_S)
    sweep(store, SweepRules(), apply=True)
    sweep(store, SweepRules(), apply=True)
    actions = [entry.event.action for entry in store.upkeep.audit()]
    assert actions[-2:] == ["store.archived", "store.swept"], "what did nothing is not told"


def test_an_age_below_nought_is_refused():
    with pytest.raises(ConfigurationError, match="negative"):
        SweepRules(grace_s=-1.0)


def test_an_empty_store_has_nothing_to_put_away(tmp_path):
    with opened(blank(tmp_path / "blank.db")) as store:
        assert archive(store, None, 0.0).runs == ()
        assert sweep(store, AT_ONCE, apply=True).rows == {}
