"""What is special about looking after a database on a server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import filling
import postgres
import pytest
from filling import box, claimed, commit, completed, part, remember_side_by_side, spec
from keeping import OTHER, VIDEO, canonical, fill, opened, picture

from cortexia.errors import ConfigurationError, StoreError
from cortexia.maintenance.backup import backup
from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.checksum import video_checksum
from cortexia.maintenance.restore import restore
from cortexia.maintenance.retention import SweepRules, sweep
from cortexia.stores.audit import verified
from cortexia.stores.sql import locks, postgresql_copy

AT_ONCE = SweepRules(0.0, 0.0, 0.0)


@pytest.fixture
def url(tmp_path) -> str:
    return postgres.fresh_url(tmp_path)


@pytest.fixture
def store(url):
    with opened(url) as made:
        fill(made)
        yield made


def vandalised(url: str, statement: str) -> None:
    """Foreign keys and triggers sleep, as after a foolish hand or a broken disk."""
    postgres.execute(url, f"SET session_replication_role = replica; {statement}")


DAMAGE = [
    ("DELETE FROM annotations WHERE seq = (SELECT min(seq) FROM annotations)", ["count", "window"]),
    ("UPDATE annotations SET confidence = 0.5", ["window", "window", "window"]),
    ("UPDATE annotations SET data = '{\"z\":1}' WHERE label = 'cat' AND video_id LIKE 'b%'", ["window"]),
    ("UPDATE annotations SET video_id = 'nobody' WHERE video_id LIKE 'b%'", ["orphan"]),
    ("DELETE FROM pipelines WHERE name = 'frames'", ["orphan", "orphan", "orphan", "orphan"]),
    ("UPDATE runs SET annotation_count = 99 WHERE annotator = 'frames'", ["count"]),
    ("UPDATE runs SET windows = 2 WHERE annotator = 'frames'", ["coverage"]),
    ("UPDATE videos SET processing_status = 'running' WHERE filename = 'b.mp4'", ["state"]),
    ("DELETE FROM blobs", ["blob_record", "blob_record", "blob_record"]),
    ("UPDATE audit_log SET actor = 'x' WHERE seq = 2", ["audit"]),
    ("ALTER TABLE audit_log DISABLE TRIGGER ALL", ["integrity"]),
]


@pytest.mark.parametrize(("statement", "expected"), DAMAGE)
def test_damage_is_found_by_its_name(store, url, statement, expected):
    vandalised(url, statement)
    assert sorted(problem.kind for problem in check(store, CheckOptions()).problems) == expected


@pytest.mark.parametrize("statement", [DAMAGE[5][0], DAMAGE[7][0], DAMAGE[8][0]])
def test_what_loses_nothing_is_mended(store, url, statement):
    vandalised(url, statement)
    assert check(store, CheckOptions(repair=True)).is_clean
    assert check(store, CheckOptions()).problems == ()


# -- blobs that go, and blobs that are about to be named


def test_a_row_that_is_committed_while_blobs_are_swept_keeps_its_blob(store, url):
    """Another worker's commit holds an old picture when the sweep begins, and ends after it has looked at all rows."""
    assert _swept_beside_a_commit(store, url)
    assert check(store, CheckOptions()).is_clean


def test_without_the_lock_it_would_lose_it(store, url, monkeypatch):
    """Negative control."""
    for module in ("upkeep", "windows"):
        monkeypatch.setattr(f"cortexia.stores.sql.{module}.hold", lambda *told, **more: None)
    assert not _swept_beside_a_commit(store, url)
    assert {problem.kind for problem in check(store, CheckOptions()).problems} == {"blob_missing"}


def _swept_beside_a_commit(store, url: str) -> bool:
    """Whether the blob of the row is still there."""
    claim = claimed(store, spec("c"), letter="c")
    found = picture(store, 400, b"late")
    os.utime(store.blobs.path(found.picture), (0, 0))
    window = part(spec("c"), 0, [found])
    is_written, may_end = threading.Event(), threading.Event()

    def slow_commit() -> None:
        with opened(url) as another, another._fenced(claim) as (transaction, _):
            commit_in(transaction, claim, window)
            is_written.set()
            may_end.wait(20)

    worker = threading.Thread(target=slow_commit)
    worker.start()
    assert is_written.wait(20)
    threading.Timer(1.5, may_end.set).start()
    sweep(store, AT_ONCE, apply=True)
    worker.join()
    return found.picture in store.blobs


def commit_in(transaction, claim, window) -> None:
    from cortexia.stores.base import Window

    transaction.save_window(Window(claim.job.video_id, (window,)))


# -- the log beside windows


def test_a_log_that_is_held_keeps_no_window_back(store, url):
    """Somebody who appends to the log does not make commits of rows wait."""
    claim = claimed(store, spec("c"), letter="c")
    with store._door.write() as connection:
        locks.hold(connection, locks.Lock.AUDIT)
        commit(store, claim, part(spec("c"), 0, [box(0)]))
        assert store.run(spec("c").run_id).windows == 1


def test_threads_that_append_make_one_chain(store):
    remember_side_by_side(store, 10)
    assert verified(store.upkeep.audit()).is_whole


# -- copies


def test_a_backup_is_taken_while_others_write(store, url, tmp_path):
    writer = subprocess.Popen([sys.executable, filling.__file__, url], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"1\n"
        made = backup(store, tmp_path / "load.tar")
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    (tmp_path / "new").mkdir()
    place = postgres.empty_url(tmp_path / "new")
    assert restore(tmp_path / "load.tar", place, verify=True).annotations == made.annotations
    with opened(place) as another:
        assert sum(run.annotation_count for run in another.runs(current_only=False)) == made.annotations
        assert video_checksum(another, VIDEO) == video_checksum(store, VIDEO)
        assert video_checksum(another, OTHER) == video_checksum(store, OTHER)


def test_without_the_programs_the_error_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setattr(postgresql_copy, "_places", lambda name: iter(()))
    with pytest.raises(ConfigurationError, match=r"pg_dump \d+ or newer .*postgresql-client-\d+"):
        backup(store, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*.tar"))


def test_an_older_program_is_not_taken(store, monkeypatch, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for path, version in ((old, 9), (new, 99)):
        path.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.1'\n")
        path.chmod(0o755)
    monkeypatch.setattr(postgresql_copy, "_places", lambda name: iter((old, new)))
    assert postgresql_copy._program("pg_dump", 16) == new


def test_a_dump_that_fails_is_told_with_its_words(store, tmp_path):
    store._door.engine.dispose()
    with pytest.raises(StoreError, match="pg_restore failed: "):
        postgresql_copy.restore_dump(store._door, tmp_path / "none")


def test_the_password_is_in_no_argument():
    from psycopg.conninfo import conninfo_to_dict
    from sqlalchemy import create_engine

    engine = create_engine(r"postgresql+psycopg://user:s3c%3Aret%5C@db.example/na%27me?sslmode=require")
    with postgresql_copy._address(engine) as address:
        assert "s3c" not in address
        told = conninfo_to_dict(address)
        assert Path(told["passfile"]).read_text() == "*:*:*:*:s3c\\:ret\\\\\n"
        assert Path(told["passfile"]).stat().st_mode & 0o077 == 0
    assert (told["host"], told["dbname"], told["sslmode"]) == ("db.example", "na'me", "require")
    assert not Path(told["passfile"]).exists()


def test_a_restored_database_of_another_program_stays_as_it_is(store, tmp_path):
    backup(store, tmp_path / "b.tar")
    place = postgres.empty_url(tmp_path)
    postgres.execute(place, "CREATE TABLE theirs (x int)")
    with pytest.raises(ConfigurationError, match="has tables"):
        restore(tmp_path / "b.tar", place)
    assert postgres.execute(place, "SELECT count(*) FROM theirs") == [(0,)]


def test_the_export_outlives_backup_and_restore_of_odd_values(store, tmp_path):
    completed(store, spec("d", options={"n": 1e16, "z": -0.0}), [box(0, "ünï\u2028 '\"")], letter="d")
    before = canonical(store)
    backup(store, tmp_path / "b.tar")
    (tmp_path / "new").mkdir()
    place = postgres.empty_url(tmp_path / "new")
    restore(tmp_path / "b.tar", place, verify=True)
    with opened(place) as another:
        assert canonical(another) == before
