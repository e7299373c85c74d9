"""The audit log is append-only, and shows where it was tampered with."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from filling import box, claimed, commit, completed, part, remember_side_by_side, spec, submitted
from keeping import blank

from cortexia.provenance import actor
from cortexia.stores.audit import FIRST, verified
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import JobState, RunStatus


@pytest.fixture
def path(tmp_path) -> Path:
    return blank(tmp_path / "store.db")


@pytest.fixture
def store(path):
    with contextlib.closing(SQLiteStorageBackend(path)) as opened:
        yield opened


def run(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def verdict(store):
    return verified(store.upkeep.audit())


def actions(store) -> list[str]:
    return [entry.event.action for entry in store.upkeep.audit()]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "UPDATE audit_log SET seq = seq + 100 WHERE seq = 1",
        "DELETE FROM audit_log WHERE seq = 1",
        "DELETE FROM audit_log",
    ],
)
def test_the_log_takes_no_change(store, path, change):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        run(path, change)
    assert verdict(store).is_whole


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2", 2),
        ("UPDATE audit_log SET details = '{}' WHERE seq = 2", 2),
        ("UPDATE audit_log SET created_at = '2001-01-01 00:00:00' WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 2", 2),
        ("UPDATE audit_log SET hash = printf('%064d', 0) WHERE seq = 2", 2),
    ],
)
def test_one_edited_row_is_detected(store, path, change, broken_at):
    completed(store, spec(), [box(0)])
    assert verdict(store).is_whole
    run(path, "DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete", change)
    assert verdict(store).broken_at == broken_at


def test_an_edit_with_a_hash_of_its_own_breaks_the_next_entry(store, path):
    """Whoever can edit a row can also hash it anew, but not the one that follows it."""
    completed(store, spec(), [box(0)])
    second = list(store.upkeep.audit())[1]
    forged = second.expected_hash().translate(str.maketrans("0123456789abcdef", "fedcba9876543210"))
    run(path, "DROP TRIGGER audit_log_no_update", f"UPDATE audit_log SET hash = '{forged}' WHERE seq = 3")
    assert verdict(store).broken_at == 3


def test_a_log_that_was_cut_off_is_told_by_a_head_noted_before(store, path):
    completed(store, spec(), [box(0)])
    head = verdict(store).head
    run(path, "DROP TRIGGER audit_log_no_delete", "DELETE FROM audit_log WHERE seq = 3")
    assert verdict(store).is_whole, "nothing in what is left tells of it"
    assert not verified(store.upkeep.audit(), head).is_whole


def test_what_becomes_of_a_job_is_in_the_log(store):
    completed(store, spec(), [box(0)])
    cancelled = submitted(store, spec("b"), letter="b")
    store.cancel_job(cancelled)
    store.cancel_job(cancelled)
    store.revive_job(cancelled)
    entries = list(store.upkeep.audit())
    assert [entry.event.action for entry in entries] == [
        *("store.migrated", "job.submitted", "job.ended", "job.submitted", "job.cancel_asked", "job.ended"),
        "job.revived",
    ]
    assert entries[2].event.details == {"status": "completed", "reason": None, "attempt": 1}
    assert {entry.actor for entry in entries} == {actor()}
    assert entries[0].prev_hash == FIRST


def test_a_window_never_waits_for_the_log(store, path):
    """Entries come after the transaction of a window: while the log is held, the window is committed all the same."""
    claim = claimed(store, spec())
    before = actions(store)
    with store.transaction(claim) as transaction:
        transaction.finish_job(JobState.COMPLETED)
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT COUNT(*) FROM audit_log").fetchone() == (len(before),)
    assert actions(store) == [*before, "job.ended"]


def test_windows_leave_no_entries(store):
    claim = claimed(store, spec())
    before = actions(store)
    commit(store, claim, part(spec(), 0, [box(0)]))
    commit(store, claim, part(spec(), 1, [box(40)], status=RunStatus.COMPLETED))
    assert actions(store) == before


def test_writers_side_by_side_make_one_chain(store):
    remember_side_by_side(store, 20)
    assert verdict(store).is_whole
    assert verdict(store).entries == 61


def test_who_and_when_are_kept(store, path):
    completed(store, spec(), [box(0)])
    with contextlib.closing(sqlite3.connect(path)) as db:
        for table in ("videos", "jobs", "runs"):
            row = db.execute(f"SELECT created_by, updated_by, created_at, updated_at FROM {table}").fetchone()
            assert row[:2] == (actor(), actor()), table
            assert None not in row, table
