"""What only SQLite has: files, locks, pragmas, revisions, users' own SQL."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from filling import box, claimed, commit, completed, identity, part, spec, submitted
from sqlalchemy.dialects import sqlite

import cortexia
from cortexia.errors import (
    ConfigurationError,
    DataInconsistencyError,
    ResourceError,
    SchemaError,
    StoreBusyError,
    StoreError,
    ValidationError,
)
from cortexia.stores import open_store
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.sql import annotations, migrations, runs
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import KeyPicture, Query


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    opened = SQLiteStorageBackend(path)
    yield opened
    opened.close()


@contextlib.contextmanager
def raw(path: Path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys=ON")
        yield db


def test_commits_are_durable(store):
    with store._door.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def way(store, statement) -> str:
    """How SQLite would go about it."""
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with store._door.read() as connection:
        return " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))


def test_what_is_completed_is_asked_by_video(store):
    """By the index of the states each of these questions would read every completed run there is."""
    steps = way(store, runs._COMPLETED.params(asked=["a", "b"]))
    assert "ix_runs_video_id" in steps
    assert "ix_runs_status" not in steps


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(video_ids=("a",), types=("detection",), min_confidence=0.5), "ix_annotations_video_id"),
        (Query(video_ids=("a", "b"), types=("detection",), min_confidence=0.5, end_s=9.0), "ix_annotations_video_id"),
        (Query(run_ids=("a",), types=("detection",), min_confidence=0.5), "sqlite_autoindex_annotations_2 (run_id=?"),
        (Query(types=("detection",), min_confidence=0.5), "ix_annotations_annotation_type"),
    ],
)
def test_rows_are_looked_for_by_what_is_most_telling(store, query, index):
    """By the index of the types a question about one video would read every detection there is."""
    steps = way(store, annotations._select().where(*annotations._conditions(query)))
    assert f"annotations USING INDEX {index}" in steps


def test_nothing_is_ever_ignored_or_replaced():
    root = Path(cortexia.__file__).parent
    for file in root.rglob("*.py"):
        text = file.read_text(encoding="utf-8").upper()
        assert "OR IGNORE" not in text, file
        assert "OR REPLACE" not in text, file


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE annotations SET confidence = 1.5",
        "UPDATE annotations SET confidence = -0.1",
        "UPDATE annotations SET start_us = -1",
        "UPDATE annotations SET end_us = start_us - 1",
        "UPDATE annotations SET video_id = 'nobody'",
        "UPDATE annotations SET run_id = 'nobody'",
        "UPDATE jobs SET status = 'finished'",
        "UPDATE jobs SET video_id = 'nobody'",
        "UPDATE runs SET status = 'finished'",
        "UPDATE videos SET duration = 0",
        "DELETE FROM videos",
        "DELETE FROM runs",
    ],
)
def test_rows_that_break_a_rule_are_refused(store, path, change):
    completed(store, spec(), [box(0)])
    with raw(path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(change)


def test_a_row_that_changes_on_its_way_is_noticed(store, path):
    """Negative control of the read-back: a trigger that alters what was written."""
    claim = claimed(store, spec())
    with raw(path) as db:
        db.execute(
            "CREATE TRIGGER vandal AFTER INSERT ON annotations BEGIN"
            " UPDATE annotations SET confidence = 0.1 WHERE annotation_id = NEW.annotation_id; END"
        )
    with pytest.raises(DataInconsistencyError, match="read-back"):
        commit(store, claim, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 0


def test_rows_that_vanish_are_noticed(store, path):
    claim = claimed(store, spec())
    with raw(path) as db:
        db.execute(
            "CREATE TRIGGER thief AFTER INSERT ON annotations BEGIN"
            " DELETE FROM annotations WHERE annotation_id = NEW.annotation_id; END"
        )
    with pytest.raises(DataInconsistencyError, match="read-back"):
        commit(store, claim, part(spec(), 0, [box(0)]))


def test_a_picture_must_be_in_the_blob_store(store):
    claim = claimed(store, spec())
    digest = store.blobs.put(b"picture", ".jpg")
    span = box(0).span
    fields = {"span": span, "thumbnail": digest, "width": 1, "height": 1, "quality": 1.0}
    with pytest.raises(DataInconsistencyError, match="missing"):
        commit(store, claim, part(spec(), 0, [KeyPicture(picture="0" * 64, **fields)]))
    commit(store, claim, part(spec(), 0, [KeyPicture(picture=digest, **fields)]))


# -- locks


def test_a_held_lock_is_waited_for_and_then_named(path, monkeypatch):
    from cortexia.stores.sql import sqlite

    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 200)
    store = SQLiteStorageBackend(path)
    with raw(path) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError, match="another process holds the lock"):
            store.save_video(identity())
        db.execute("ROLLBACK")
    store.save_video(identity())
    store.close()


def test_two_processes_write_side_by_side(store, path):
    """Plain BEGIN would fail at once where both read first and then write."""
    code = (
        "import sys; from cortexia.stores import open_store; from cortexia.types import VideoIdentity\n"
        "store = open_store(sys.argv[1])\n"
        "for n in range(40):\n"
        "    name = f'{sys.argv[2]}{n}'.rjust(64, '0')\n"
        "    store.save_video(VideoIdentity(name, '/x', 'x', 1))\n"
        "store.close()\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    assert len(list(store.videos())) == 80


# -- places


def test_network_file_systems_are_refused(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(ConfigurationError, match="network file system"):
        SQLiteStorageBackend(tmp_path / "s.db", mounts=mounts)
    mounts.write_text(f"/dev/sda {tmp_path} ext4 rw 0 0\n")
    SQLiteStorageBackend(tmp_path / "s.db", mounts=mounts).close()


def test_what_is_no_database_is_named_and_left_alone(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("this is a text, and no database at all " * 40)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no cortexia database"):
        SQLiteStorageBackend(path)
    assert path.read_bytes() == before


def test_a_damaged_page_is_named_and_nothing_is_deleted(store, path):
    completed(store, spec(), [box(40 * i) for i in range(400)])
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(4096 * 4, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(StoreError, match="restore it from a backup"):
        read_everything(path)
    assert path.stat().st_size == len(data)


def read_everything(path: Path) -> None:
    with contextlib.closing(SQLiteStorageBackend(path)) as opened:
        list(opened.find(Query()))


def test_a_missing_store_is_not_made_where_it_was_not_asked_for(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        SQLiteStorageBackend(tmp_path / "none.db", create=False)
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_store(str(tmp_path / "none.db"), create=False)


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(ResourceError, match="/proc/none"):
        SQLiteStorageBackend("/proc/none/store.db")


# -- revisions


def test_a_database_goes_down_and_up_again_with_its_data(store, path):
    completed(store, spec(), [box(0), box(40)])
    before = [row.annotation_id for row in store.find(Query())]
    store.close()
    with contextlib.closing(SQLiteStorageBackend(path)) as opened:
        with opened._door.write() as connection:
            migrations.downgrade(connection, "0001")
        with opened._door.read() as connection:
            assert migrations.revision(connection) == "0001"
    reopened = SQLiteStorageBackend(path)
    assert [row.annotation_id for row in reopened.find(Query())] == before
    assert path.with_name(f"{path.name}.0001.bak").exists(), "a copy is kept before an upgrade"
    with reopened._door.write() as connection:
        migrations.downgrade(connection, "base")
    reopened.close()
    with contextlib.closing(SQLiteStorageBackend(path)) as again:
        assert again.count(Query()) == 0, "what was taken back to nothing is filled again"


def test_a_database_of_the_future_is_refused(store, path):
    store.close()
    with raw(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer cortexia"):
        SQLiteStorageBackend(path)


def test_a_database_of_another_program_is_refused(path):
    with raw(path) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(SchemaError, match="another program"):
        SQLiteStorageBackend(path)


# -- blobs


def test_blobs_are_found_by_content(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    digest = blobs.put(b"data", ".jpg")
    assert blobs.put(b"data", ".png") == digest
    assert blobs.get(digest) == b"data"
    assert digest in blobs
    assert "0" * 64 not in blobs
    assert blobs.path(digest).suffix == ".jpg"
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1


def test_damage_and_absence_of_blobs_are_errors(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    digest = blobs.put(b"data")
    blobs.path(digest).write_bytes(b"DATA")
    with pytest.raises(DataInconsistencyError, match="damaged"):
        blobs.get(digest)
    blobs.put(b"data")
    assert blobs.get(digest) == b"data", "putting it again mends it"
    with pytest.raises(DataInconsistencyError, match="missing"):
        blobs.get("0" * 64)
    with pytest.raises(ValidationError):
        blobs.path("../etc/passwd")
    with pytest.raises(ValidationError):
        blobs.put(b"x", "/../x")


def test_a_job_that_is_not_there_is_an_error(store):
    with pytest.raises(StoreError, match="there is no job"):
        store.abandon("nothing", "w", "it died")


def test_reading_does_not_keep_others_from_writing(store):
    submitted(store, spec())
    rows = store.videos()
    next(rows)
    store.save_video(identity("b"))
    rows.close()
