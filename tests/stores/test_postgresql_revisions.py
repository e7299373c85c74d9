"""Revisions on a real server: they keep the data, whatever happens on the way (G12, R-30), and the log its entries."""

from __future__ import annotations

import contextlib
import hashlib
import io
import subprocess
import sys

import postgres
import pytest
from filling import box, claimed, commit, completed, part, spec

from cortexia.errors import NoStoreError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores.audit import verified
from cortexia.stores.sql import migrations
from cortexia.stores.sql.postgresql import PostgreSQLStorageBackend
from cortexia.types import JobState

EARLIER = ("0001", "0002", "0003")
_SHAPE = """
SELECT 'column', table_name, column_name, data_type, coalesce(collation_name, '') FROM information_schema.columns
 WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', c.relname, t.tgname, t.tgenabled::text, '' FROM pg_trigger t JOIN pg_class c
   ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT 'function', '', proname, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@pytest.fixture
def url(tmp_path) -> str:
    """A database with rows of three videos, a superseded run, a failed job and one at work."""
    made = postgres.fresh_url(tmp_path)
    with contextlib.closing(PostgreSQLStorageBackend(made)) as store:
        completed(store, spec(), [box(40 * i) for i in range(30)])
        completed(store, spec(options={"x": 1}), [box(0, "dog"), box(40, "cat", 0.25)])
        store.release(claimed(store, spec("b"), letter="b"), JobState.FAILED, "rejected", "broken")
        commit(store, claimed(store, spec("c"), letter="c"), part(spec("c"), 0, [box(0)]))
    return made


def canonical(url: str) -> str:
    """SHA-256 of the canonical export; the database comes to the newest revision."""
    out = io.BytesIO()
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        JsonlExporter().write(ExportSource(store), out)
    assert out.getvalue()
    return hashlib.sha256(out.getvalue()).hexdigest()


def shape_of(url: str) -> set[tuple]:
    return set(postgres.execute(url, _SHAPE))


def revision_of(url: str) -> str:
    return postgres.execute(url, "SELECT version_num FROM alembic_version")[0][0]


def go_to(url: str, target: str) -> None:
    with contextlib.closing(PostgreSQLStorageBackend.revisions(url)) as revisions:
        assert revisions.go_to(target) is None, "no copy is made on a server"
        assert revisions.current() == target


@pytest.mark.parametrize("target", EARLIER)
def test_down_and_up_again_keeps_the_export(url, target):
    before, shape = canonical(url), shape_of(url)
    go_to(url, target)
    assert shape_of(url) < shape
    assert canonical(url) == before
    assert shape_of(url) == shape
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        assert [entry.event.details for entry in store.upkeep.audit()] == [{"from": target, "to": migrations.HEAD}]


def test_the_printed_statements_are_those_that_would_run(url):
    shape = shape_of(url)
    go_to(url, "0001")
    with contextlib.closing(PostgreSQLStorageBackend.revisions(url)) as revisions:
        script = revisions.written_out("head")
    assert revision_of(url) == "0001", "a dry run runs nothing"
    postgres.execute(url, script)
    assert (revision_of(url), shape_of(url)) == (migrations.HEAD, shape)


def test_an_empty_database_can_be_written_out_too(tmp_path, url):
    empty = postgres.empty_url(tmp_path)
    with contextlib.closing(PostgreSQLStorageBackend.revisions(empty)) as revisions:
        script = revisions.written_out("head")
        with pytest.raises(NoStoreError):
            revisions.go_to("head")
    postgres.execute(empty, script)
    assert shape_of(empty) == shape_of(url)


# -- killed on the way

_MIGRATE = """
import os, signal, sys
from sqlalchemy import Engine, event
from cortexia.stores.sql import postgresql

seen = 0

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *rest):
    global seen
    if statement.lstrip().startswith(("SELECT", "SHOW", "SET")):
        return
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1

if sys.argv[3] == "broken":
    # the negative control: every statement is a transaction of its own
    whole = postgresql._engine
    def in_pieces(address):
        engine = whole(address)
        @event.listens_for(engine, "connect")
        def at_once(connection, record):
            connection.autocommit = True
        return engine
    postgresql._engine = in_pieces

postgresql.PostgreSQLStorageBackend.revisions(sys.argv[1]).go_to(sys.argv[4])
"""


def killed_at(url: str, statement: int, target: str, build: str = "sound") -> bool:
    """Whether the migration was killed, and not over before."""
    arguments = [sys.executable, "-c", _MIGRATE, url, str(statement), build, target]
    done = subprocess.run(arguments, timeout=60, capture_output=True, text=True)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


@pytest.mark.parametrize(("start", "target"), [("0003", "0004"), ("0004", "0003")])
def test_killed_at_a_few_statements_it_is_at_the_old_revision(url, start, target):
    before = canonical(url)
    go_to(url, start) if start != migrations.HEAD else None
    shape = shape_of(url)
    for at in (0, 7):
        assert killed_at(url, at, target)
        assert (revision_of(url), shape_of(url)) == (start, shape), f"killed at statement {at}"
    assert canonical(url) == before


@pytest.mark.long
@pytest.mark.parametrize(("start", "target"), [("0001", "0005"), ("0005", "0001")])
def test_killed_at_any_statement_it_is_at_the_old_revision(url, start, target):
    before = canonical(url)
    go_to(url, start) if start != migrations.HEAD else None
    shape, at = shape_of(url), 0
    while killed_at(url, at, target):
        assert (revision_of(url), shape_of(url)) == (start, shape), f"killed at statement {at}"
        at += 1
    assert at > 15
    assert revision_of(url) == target
    assert canonical(url) == before


def test_without_one_transaction_the_kill_would_show(url):
    """Negative control."""
    go_to(url, "0003")
    shape = shape_of(url)
    assert killed_at(url, 7, "0004", build="broken")
    assert revision_of(url) == "0003"
    assert shape_of(url) != shape


def test_other_processes_meet_one_upgrade(url):
    go_to(url, "0001")
    code = "import sys; from cortexia.stores import open_store; open_store(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        assert [entry.event.action for entry in store.upkeep.audit()] == ["store.migrated"]


# -- the log


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log WHERE seq = 1",
        "TRUNCATE audit_log",
    ],
)
def test_the_log_takes_no_change(url, change):
    import psycopg

    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        postgres.execute(url, change)
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        assert verified(store.upkeep.audit()).is_whole


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2", 2),
        ("UPDATE audit_log SET details = '{}' WHERE seq = 2", 2),
        ("UPDATE audit_log SET created_at = '2001-01-01' WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 2", 2),
    ],
)
def test_one_edited_row_is_detected(url, change, broken_at):
    """Whoever owns the table can switch the trigger off, and is told by the chain."""
    postgres.execute(url, f"ALTER TABLE audit_log DISABLE TRIGGER ALL; {change}")
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        assert verified(store.upkeep.audit()).broken_at == broken_at


def test_who_and_when_are_kept(url):
    for table in ("videos", "jobs", "runs"):
        statement = f"SELECT count(*) FROM {table} WHERE created_by ~ '.@.' AND updated_by ~ '.@.'"
        at_all = f"SELECT count(*) FROM {table}"
        assert postgres.execute(url, statement) == postgres.execute(url, at_all), table


def test_current_annotations_leave_out_what_a_query_leaves_out(url):
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store:
        store.upkeep.delete_video("c" * 64)
    assert postgres.execute(url, "SELECT count(*) FROM annotations") == [(33,)]
    found = postgres.execute(url, "SELECT DISTINCT video_id, annotator, run_id FROM current_annotations")
    assert found == [("a" * 64, "boxes", spec(options={"x": 1}).run_id)]
