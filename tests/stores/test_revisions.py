"""Schema revisions keep the data, whatever happens on the way (G12)."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from filling import box, claimed, commit, completed, part, spec

from cortexia.errors import UnknownNameError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores.sql import migrations
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import JobState, Query

EARLIER = ("0001", "0002", "0003")


@pytest.fixture
def path(tmp_path) -> Path:
    """A database with rows of two videos, a superseded run, a failed job and one at work."""
    made = tmp_path / "store.db"
    with contextlib.closing(SQLiteStorageBackend(made)) as store:
        completed(store, spec(), [box(40 * i) for i in range(30)])
        completed(store, spec(options={"x": 1}), [box(0, "dog"), box(40, "cat", 0.25)])
        store.release(claimed(store, spec("b"), letter="b"), JobState.FAILED, "rejected", "broken")
        commit(store, claimed(store, spec("c"), letter="c"), part(spec("c"), 0, [box(0)]))
    return made


def canonical(path: Path) -> str:
    """SHA-256 of the canonical export; the database comes to the newest revision."""
    out = io.BytesIO()
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        JsonlExporter().write(ExportSource(store), out)
    assert out.getvalue()
    return hashlib.sha256(out.getvalue()).hexdigest()


def go_to(path: Path, target: str) -> None:
    with contextlib.closing(SQLiteStorageBackend.revisions(str(path))) as revisions:
        revisions.go_to(target)
        assert revisions.current() == target


def revision_of(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def shape_of(path: Path) -> set[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return set(db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


@pytest.mark.parametrize("target", EARLIER)
def test_down_and_up_again_keeps_the_export(path, target):
    before, shape = canonical(path), shape_of(path)
    go_to(path, target)
    assert shape_of(path) < shape
    assert canonical(path) == before
    assert shape_of(path) == shape
    assert revision_of(path) == migrations.HEAD


def test_the_newest_revision_is_what_the_code_describes(path):
    """Tables made by the revisions have the columns, indexes and constraints of ``schema``."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from cortexia.stores.sql.schema import metadata

    with contextlib.closing(SQLiteStorageBackend(path)) as store, store._door.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_of_sqlite})
        assert compare_metadata(context, metadata) == []


def _is_of_sqlite(item, name, kind, reflected, other) -> bool:
    return name not in ("ix_annotations_data", "ix_annotations_bbox")  # of PostgreSQL alone


# -- databases that earlier versions wrote

_OLD_ROWS = (
    "INSERT INTO videos (video_id, filename, file_path, size_bytes, media, anchors) VALUES"
    " ('{v}', 'old.mp4', '/old.mp4', 7, '{{\"origin\":\"0/1\"}}', '[]')",
    "INSERT INTO pipelines (pipeline_id, name, version) VALUES ('boxes@1', 'boxes', '1')",
    "INSERT INTO jobs (job_id, seq, video_path, video_id, status, config{more}) VALUES"
    " ('j', 1, '/old.mp4', '{v}', 'completed', '{{}}'{values})",
    "INSERT INTO runs (run_id, run_key, video_id, annotator, version, pipeline_id, options, options_digest, range_key,"
    " upstream, status, provenance, annotation_count, windows) VALUES"
    " ('r', 'k', '{v}', 'boxes', '1', 'boxes@1', '{{}}', 'd', ':', '[]', 'completed', '{{}}', 1, 1)",
    "INSERT INTO job_runs (job_id, run_id, ordinal) VALUES ('j', 'r', 0)",
    "INSERT INTO windows (run_id, ordinal, job_id, position, row_count, rows_sha256) VALUES ('r', 0, 'j', 1, 1, 'x')",
    "INSERT INTO annotations (annotation_id, job_id, pipeline_id, annotation_type, timestamp_seconds, data, created_at,"
    " video_id, confidence, end_seconds, start_us, end_us, start_pts, end_pts, time_base, label, run_id, type, ordinal,"
    " emitted_at, window_ordinal) VALUES ('id', 'j', 'boxes@1', 'caption', 1.0, '{{\"text\":\"old\"}}',"
    " '2025-01-01 00:00:00', '{v}', 0.5, 2.0, 1000000, 2000000, 1000, 2000, '1/1000', 'x', 'r', 'caption', 0, 0, 0)",
)


@pytest.mark.parametrize("written_by", EARLIER)
def test_a_database_of_an_earlier_revision_is_read(tmp_path, written_by):
    path = tmp_path / "old.db"
    SQLiteStorageBackend(path).close()
    go_to(path, written_by)
    # columns that only this revision had, where it had any
    more, values = (", batch_id, suspects", ", 'batch', '{}'") if written_by == "0003" else ("", "")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys=ON")
        for statement in _OLD_ROWS:
            db.execute(statement.format(v="f" * 64, more=more, values=values))
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        (row,) = store.find(Query())
        (job,) = store.jobs()
        assert (row.annotation.text, row.annotation_id, row.start_us) == ("old", "id", 1_000_000)
        assert (job.status, job.suspects, job.cancel_requested) == (JobState.COMPLETED, {}, False)
        assert job.batch_id == ("batch" if written_by == "0003" else None)
        assert [entry.event.details for entry in store.upkeep.audit()] == [{"from": written_by, "to": migrations.HEAD}]
        completed(store, spec(), [box(0)])
    copy = path.with_name(f"old.db.{written_by}.bak")
    assert revision_of(copy) == written_by, "a copy is kept before an upgrade"


# -- looking before doing


def test_a_dry_run_prints_what_would_run_and_runs_nothing(path):
    go_to(path, "0002")
    data = path.read_bytes()
    with contextlib.closing(SQLiteStorageBackend.revisions(str(path))) as revisions:
        up, down = revisions.written_out("head"), revisions.written_out("0001")
        assert revisions.written_out("0002") == ""
    assert "CREATE TABLE audit_log" in up
    assert "ALTER TABLE jobs ADD COLUMN batch_id" in up
    assert "DROP VIEW job_pipeline_status" in down
    assert path.read_bytes() == data


def test_the_printed_statements_are_those_that_would_run(path, tmp_path):
    """Run by hand, they end at the same tables."""
    shape = shape_of(path)
    go_to(path, "0002")
    with contextlib.closing(SQLiteStorageBackend.revisions(str(path))) as revisions:
        script = revisions.written_out("head")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    assert (revision_of(path), shape_of(path)) == (migrations.HEAD, shape)


def test_a_revision_that_is_not_known_is_named(path):
    with (
        contextlib.closing(SQLiteStorageBackend.revisions(str(path))) as revisions,
        pytest.raises(UnknownNameError, match="0004"),
    ):
        revisions.go_to("0099")


# -- killed on the way

_MIGRATE = """
import os, signal, sys
from sqlalchemy import Engine, event
from cortexia.stores.sql import sqlite

seen = 0

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *rest):
    global seen
    if statement.startswith(("PRAGMA", "SELECT")):
        return
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1

if sys.argv[3] == "broken":
    # the negative control: every statement is a transaction of its own
    def begin(connection):
        pass
    sqlite.on_begin = begin

revisions = sqlite.SQLiteStorageBackend.revisions(sys.argv[1])
revisions.go_to(sys.argv[4])
"""


def killed_at(path: Path, statement: int, target: str, build: str = "sound") -> bool:
    """Whether the migration was killed, and not over before."""
    arguments = [sys.executable, "-c", _MIGRATE, str(path), str(statement), build, target]
    done = subprocess.run(arguments, timeout=60, capture_output=True, text=True)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def kill_and_look(path: Path, statement: int, start: str, target: str, before: str) -> bool:
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal", "-shm"):
        copy.with_name(f"copy.db{suffix}").unlink(missing_ok=True)
    copy.write_bytes(path.read_bytes())
    was_killed = killed_at(copy, statement, target)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert revision_of(copy) == (start if was_killed else target)
    assert canonical(copy) == before, f"killed at statement {statement}"
    return was_killed


@pytest.mark.parametrize(("start", "target"), [("0003", "0004"), ("0004", "0003")])
def test_killed_at_a_few_statements_it_is_at_the_old_revision(path, start, target):
    before = canonical(path)
    go_to(path, start) if start != migrations.HEAD else None
    assert [kill_and_look(path, at, start, target, before) for at in (0, 6)] == [True, True]


@pytest.mark.long
@pytest.mark.parametrize(("start", "target"), [("0001", "0005"), ("0005", "0001")])
def test_killed_at_any_statement_it_is_at_the_old_revision(path, start, target):
    before = canonical(path)
    go_to(path, start) if start != migrations.HEAD else None
    at = 0
    while kill_and_look(path, at, start, target, before):
        at += 1
    assert at > 15


def test_without_one_transaction_the_kill_would_show(path):
    """Negative control: the same kill leaves half a revision where each statement is committed by itself."""
    go_to(path, "0003")
    shape = shape_of(path)
    assert killed_at(path, 11, "0004", build="broken")
    assert revision_of(path) == "0003"
    assert shape_of(path) != shape


def test_other_processes_meet_one_upgrade(path):
    """Two that open an old database at once: one migrates, the other waits and finds it done."""
    go_to(path, "0001")
    code = "import sys; from cortexia.stores import open_store; open_store(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)], env=os.environ) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        assert sum(entry.event.action == "store.migrated" for entry in store.upkeep.audit()) == 1
