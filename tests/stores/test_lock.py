"""Another process holds the lock: wait, then say so, and leave no half transaction (R-17)."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filling import box, claimed, commit, part, spec

from cortexia.errors import StoreBusyError
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import Query

_HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""


@contextlib.contextmanager
def held(path: Path, seconds: float):
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(path), str(seconds)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        yield holder
    finally:
        holder.wait(30)
        holder.stdout.close()


@pytest.fixture
def store(tmp_path):
    with contextlib.closing(SQLiteStorageBackend(tmp_path / "store.db")) as opened:
        yield opened


def test_a_lock_that_is_let_go_is_waited_for(store):
    claim = claimed(store, spec())
    with held(store.path, 1.5):
        started = time.monotonic()
        commit(store, claim, part(spec(), 0, [box(0)]))
        assert time.monotonic() - started > 1.0
    assert store.count(Query()) == 1


def test_a_lock_held_for_ten_seconds_ends_in_a_clear_error(store):
    claim = claimed(store, spec())
    with held(store.path, 10.0) as holder:
        started = time.monotonic()
        with pytest.raises(StoreBusyError, match="another process holds the lock; try again"):
            commit(store, claim, part(spec(), 0, [box(0), box(40)]))
        assert 4.5 < time.monotonic() - started < 9.5
        assert store.count(Query()) == 0, "reading goes on, and nothing of it is there"
        holder.wait(30)
        commit(store, claim, part(spec(), 0, [box(0), box(40)]))
    assert store.count(Query()) == 2
    assert store.run(spec().run_id).windows == 1
    assert not list(store.upkeep.integrity())
