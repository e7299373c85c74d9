"""Damaged files are refused, named and left as they are (R-19)."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from filling import box, completed, spec
from keeping import blank

from cortexia.errors import StoreError
from cortexia.stores.sql import wal
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import Query

PAGE = 4096


@pytest.fixture
def path(tmp_path) -> Path:
    made = blank(tmp_path / "store.db")
    with contextlib.closing(SQLiteStorageBackend(made)) as store:
        completed(store, spec(), [box(40 * i) for i in range(400)])
    return made


def read_everything(path: Path) -> int:
    with contextlib.closing(SQLiteStorageBackend(path)) as opened:
        problems = list(opened.upkeep.integrity())
        assert not problems, problems
        return len(list(opened.find(Query())))


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}


def refuses(path: Path) -> None:
    before = files(path)
    with pytest.raises(StoreError, match=r"restore"):
        SQLiteStorageBackend(path)
    assert {name: files(path)[name] for name in before} == before, "nothing may be changed or deleted"


def test_a_whole_database_is_taken(path):
    """The control of all others here."""
    assert read_everything(path) == 400


@pytest.mark.parametrize("kept", [1, 5000, -PAGE])
def test_a_truncated_database_is_refused(path, kept):
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    refuses(path)


def test_an_empty_file_beside_blobs_is_refused(path):
    (path.with_name("store.blobs") / "ab").mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="cut off"):
        SQLiteStorageBackend(path)
    assert path.stat().st_size == 0


@pytest.mark.parametrize("page", [0, 1])
def test_a_damaged_page_that_is_needed_at_once_is_refused(path, page):
    data = bytearray(path.read_bytes())
    data[page * PAGE : (page + 1) * PAGE] = b"\xff" * PAGE
    path.write_bytes(data)
    refuses(path)


def test_any_damaged_page_is_found_by_a_check_or_a_read(path):
    """What is not needed at once shows when it is read, or in ``db check``; never as an answer that is wrong."""
    whole = path.read_bytes()
    missed = []
    for page in range(1, len(whole) // PAGE, 9):
        data = bytearray(whole)
        data[page * PAGE : page * PAGE + 512] = b"\xff" * 512
        path.write_bytes(data)
        try:
            read_everything(path)
        except (StoreError, AssertionError):
            continue
        finally:
            assert path.stat().st_size == len(whole)
        missed.append(page)
    assert missed == []


# -- the write-ahead log

_WRITE = """
import os, sys
sys.path.insert(0, sys.argv[2])
from filling import box, completed, spec
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
store = SQLiteStorageBackend(sys.argv[1])
for number in range(4):
    completed(store, spec(options={"n": number}), [box(40 * at) for at in range(50)])
os._exit(0)  # as a crash leaves it: the log is not merged
"""


@pytest.fixture
def crashed(path) -> Path:
    """A database whose last commits are in its log only."""
    subprocess.run([sys.executable, "-c", _WRITE, str(path), str(Path(__file__).parent)], check=True, timeout=60)
    assert log_of(path).stat().st_size > 20 * PAGE
    return path


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_a_log_that_a_crash_left_is_taken(crashed):
    with contextlib.closing(SQLiteStorageBackend(crashed)) as store:
        assert len(list(store.runs(current_only=False))) == 5


@pytest.mark.parametrize("at", [0, 20, 32 + 8, 32 + 24 + 100, 32 + 10 * (PAGE + 24) + 2000])
def test_a_damaged_log_is_refused(crashed, at):
    """Without the look at the log, SQLite would open the database without the commits in it (the next test)."""
    data = bytearray(log_of(crashed).read_bytes())
    data[at : at + 8] = bytes(byte ^ 0x5A for byte in data[at : at + 8])
    log_of(crashed).write_bytes(data)
    refuses(crashed)


def test_sqlite_itself_would_drop_the_commits(crashed, monkeypatch):
    """Negative control."""
    from cortexia.stores.sql import sqlite

    data = bytearray(log_of(crashed).read_bytes())
    data[32 + 24 + 100] ^= 1
    log_of(crashed).write_bytes(data)
    monkeypatch.setattr(sqlite, "require_whole_log", lambda path: None)
    with contextlib.closing(SQLiteStorageBackend(crashed)) as store:
        assert len(list(store.runs(current_only=False))) < 5


def test_a_last_transaction_that_a_crash_tore_is_no_damage(crashed):
    """Nobody was told that it is stored."""
    data = log_of(crashed).read_bytes()
    log_of(crashed).write_bytes(data[:-100])
    with contextlib.closing(SQLiteStorageBackend(crashed)) as store:
        assert len(list(store.runs(current_only=False))) == 5
        assert not list(store.upkeep.integrity())


def test_a_log_in_use_is_taken(path):
    """Others write while it is looked at, again and again; frames of an earlier round are left behind in it."""
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        for number in range(6):
            completed(store, spec(options={"n": number}), [box(40 * at) for at in range(40)])
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA wal_checkpoint(RESTART)")
            SQLiteStorageBackend(path).close()


def test_the_sums_are_those_of_the_format(crashed):
    """Frame by frame as the format describes them, beside all frames at once."""
    log = log_of(crashed).read_bytes()
    sums = wal._sums(log[:24], "<")
    frame = PAGE + 24
    count = (len(log) - 32) // frame
    for number in range(3):
        start = 32 + number * frame
        sums = _summed(log[start : start + 8] + log[start + 24 : start + frame], sums)
        assert sums == tuple(int.from_bytes(log[start + at : start + at + 4], "big") for at in (16, 20))
    assert wal.damaged_frame(log) is None
    assert wal._frames_with(log, PAGE, log[16:24]) <= count


def _summed(data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for at in range(0, len(data), 8):
        first = (first + int.from_bytes(data[at : at + 4], "little") + second) % 2**32
        second = (second + int.from_bytes(data[at + 4 : at + 8], "little") + first) % 2**32
    return first, second


def test_the_copy_beside_a_damaged_one_opens(crashed, tmp_path):
    """What the message asks for works: keep the files, put a sound one in their place."""
    copy = tmp_path / "copy.db"
    with contextlib.closing(SQLiteStorageBackend(crashed)) as store:
        store.upkeep.snapshot(copy, lambda *told: None)
    shutil.rmtree(tmp_path / "store.blobs", ignore_errors=True)
    assert read_everything(copy) > 0
