"""What only the store that is a folder has: names of files, and an index that may go at any time."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3

import pytest
from filing import drop_index, eventful, everything, export, files_of, reopened
from filling import box, claimed, commit, completed, identity, part, spec, submitted

from cortexia.errors import StoreError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export
from cortexia.exporters.json import JsonExporter
from cortexia.stores.files.backend import FileStorageBackend
from cortexia.types import JobState, QuarantinedAnnotation, Query, RunStatus

A = identity("a").video_id


@pytest.fixture
def store(files_store):
    return files_store


# -- layout


def test_files_have_the_names_that_people_know(store, base):
    for annotator in ("shots", "loudness", "mine"):
        completed(store, spec(annotator=annotator), [box(0)])
    job_id = next(store.jobs()).job_id
    names = {str(path.relative_to(base)) for path in base.rglob("*.json")}
    video = {"job_metadata", "scene_detection", "audio_processing", "mine", "record/video", "record/runs"}
    video |= {f"windows/{number:06}" for number in (1, 2, 3)}
    jobs = {f"jobs/{job.job_id}/job.json" for job in store.jobs()}
    assert names == {f"{A}/{name}.json" for name in video} | jobs | {"store.json", "batch_summary.json"}
    assert json.loads((base / "jobs" / job_id / "job.json").read_bytes())["content"]["status"] == "completed"
    assert (base / "blobs").parent == base


def test_named_files_are_those_of_the_json_export(store, base, tmp_path):
    completed(store, spec(annotator="shots"), [box(0), box(40)])
    completed(store, spec(annotator="mine"), [])
    write_export(JsonExporter(), ExportSource(store), tmp_path / "out")
    for name in ("scene_detection", "mine"):
        assert (base / A / f"{name}.json").read_bytes() == (tmp_path / "out" / A / f"{name}.json").read_bytes()
    told = json.loads((base / A / "job_metadata.json").read_bytes())
    assert [job["status"] for job in told.pop("jobs")] == ["completed", "completed"]
    assert told == json.loads((tmp_path / "out" / A / "job_metadata.json").read_bytes())


def test_the_summary_comes_when_nothing_waits_any_more(store, base):
    completed(store, spec(), [box(0)])
    summary = base / "batch_summary.json"
    summary.unlink()
    waiting = submitted(store, spec("b"), letter="b")
    completed(store, spec("c"), [box(0)], letter="c")
    assert not summary.exists()
    store.cancel_job(waiting)
    told = json.loads(summary.read_bytes())
    assert (told["job_count"], told["jobs_by_status"]) == (3, {"cancelled": 1, "completed": 2})
    assert [job["runs"][0]["annotations"] for job in told["jobs"]] == [1, 0, 1]


# -- the index is never the truth


def test_without_the_index_everything_is_said_again(store, base):
    eventful(store)
    before, files = everything(store), files_of(base)
    store.close()
    drop_index(base)
    after = reopened(base)
    assert after == before
    assert files_of(base) == files, "reading writes nothing"
    assert [run.status for run in before[2]].count("superseded") == 1
    assert {run.reason for run in before[2]} >= {"poison"}


def test_an_index_that_goes_while_the_store_is_open_is_built_anew(store, base):
    completed(store, spec(), [box(0), box(40)])
    before = export(store)
    drop_index(base)
    assert export(store) == before
    completed(store, spec(annotator="other"), [box(0)])
    assert store.count(Query()) == 3


@pytest.mark.parametrize("moment", range(0, 42, 7))
def test_an_index_that_lags_behind_catches_up(store, base, tmp_path, moment, monkeypatch):
    """As a death between a file and the index leaves it: the index of an earlier moment beside the files of now."""
    copies = iter(range(1000))
    change = FileStorageBackend._change

    @contextlib.contextmanager
    def copying(self, video_id):
        if next(copies) == moment:
            with sqlite3.connect(base / ".index.db") as db, sqlite3.connect(tmp_path / "earlier.db") as copy:
                db.backup(copy)
        with change(self, video_id) as made:
            yield made

    monkeypatch.setattr(FileStorageBackend, "_change", copying)
    eventful(store)
    before, files = everything(store), files_of(base)
    store.close()
    drop_index(base)
    shutil.copy(tmp_path / "earlier.db", base / ".index.db")
    assert reopened(base) == before
    assert files_of(base) == files


@pytest.mark.parametrize("harm", ["text", "empty", "torn", "revision", "format"])
def test_an_index_that_cannot_be_used_is_built_anew(store, base, harm):
    completed(store, spec(), [box(40 * i) for i in range(300)])
    before = export(store)
    store.close()
    index = base / ".index.db"
    if harm in ("revision", "format"):
        revision = "UPDATE alembic_version SET version_num='0001'"
        with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as db:
            db.execute(revision if harm == "revision" else "PRAGMA user_version=99")
    else:
        data = index.read_bytes()
        index.write_bytes({"text": b"no database " * 500, "empty": b"", "torn": data[: len(data) // 2]}[harm])
    with contextlib.closing(FileStorageBackend(base)) as opened, contextlib.suppress(StoreError):
        export(opened)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert export(opened) == before


def test_a_damaged_page_of_the_index_is_told_and_mended_by_the_next_who_opens(store, base):
    completed(store, spec(), [box(40 * i) for i in range(400)])
    before = export(store)
    store.close()
    with contextlib.closing(sqlite3.connect(base / ".index.db")) as db:
        # what comes after the roots of the tables are their rows
        first = db.execute("SELECT MAX(rootpage) FROM sqlite_master").fetchone()[0]
    data = bytearray((base / ".index.db").read_bytes())
    for page in range(4096 * first, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    (base / ".index.db").write_bytes(data)
    with pytest.raises(StoreError, match="only an index"), contextlib.closing(FileStorageBackend(base)) as opened:
        export(opened)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert export(opened) == before


def test_a_folder_that_was_deleted_takes_its_video_with_it(store, base):
    completed(store, spec(), [box(0)])
    completed(store, spec("b"), [box(0)], letter="b")
    store.close()
    shutil.rmtree(base / A)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert [row.video_id[0] for row in opened.find(Query())] == ["b"]
        assert opened.video(A) is None
        completed(opened, spec(annotator="another"), [box(0)])
        assert opened.count(Query()) == 2
        jobs = [job.job_id for job in opened.jobs()]
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert [job.job_id for job in opened.jobs()] == jobs


def test_the_batch_that_a_job_went_over_to_is_in_its_file(store, base):
    """The index alone would lose it."""
    job_id = submitted(store, spec())
    assert store.submit_job(identity(), [spec().run_id], {}, batch_id="one") == job_id
    store.close()
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as again:
        assert [(batch.batch_id, dict(batch.counts)) for batch in again.batches()] == [("one", {"queued": 1})]


def test_what_was_put_aside_has_a_file_of_its_own_and_survives_the_index(store, base):
    item = QuarantinedAnnotation(0, 7, "detection", "mask", "too small", {"label": "cat"})
    claim = claimed(store, spec())
    commit(
        store, claim, part(spec(), 0, [box(0)], quarantined=(item,), quarantined_count=3, status=RunStatus.COMPLETED)
    )
    store.release(claim, JobState.COMPLETED, None, None)
    named = json.loads((base / identity().video_id / "quarantined_annotations.json").read_bytes())
    assert named["quarantined"] == {"boxes": 3}
    assert [(row["annotator"], row["reason"]) for row in named["annotations"]] == [("boxes", "mask")]
    store.close()
    (base / ".index.db").unlink()
    with contextlib.closing(FileStorageBackend(base)) as again:
        assert list(again.quarantined(spec().run_id)) == [item]
        assert again.run(spec().run_id).quarantined_count == 3


def test_where_nothing_was_put_aside_there_is_no_file(store, base):
    completed(store, spec(), [box(0)])
    assert not (base / identity().video_id / "quarantined_annotations.json").exists()
