"""Copies of an SQLite database while others read and write it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from cortexia.errors import StoreError
from cortexia.files import translate_os_error
from cortexia.stores.upkeep import BlobRecord, Report, Snapshot, say_nothing

_STEP_PAGES = 2048


def sqlite_snapshot(source: Path, target: Path, report: Report = say_nothing) -> None:
    """What is committed now, copied by SQLite's backup API into one sound file at ``target``.

    The copy reads inside one transaction: without it, each commit of another process would start it again.
    """
    with (
        translate_os_error(target),
        _translated(source),
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, isolation_level=None)) as opened,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        opened.execute("BEGIN")
        opened.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        opened.backup(copy, pages=_STEP_PAGES, progress=lambda _, left, total: report("pages", total - left, total))
        # the log of the copy would be a second file
        copy.execute("PRAGMA journal_mode=DELETE")


def require_sound(path: Path) -> None:
    """Raise ``StoreError`` for a file that is no sound SQLite database."""
    with _translated(path), contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as opened:
        found = [row[0] for row in opened.execute("PRAGMA integrity_check(1)")]
        found += [f"{row[0]} names a row that is missing" for row in opened.execute("PRAGMA foreign_key_check")][:1]
    if found != ["ok"]:
        raise StoreError(f"{path} is damaged: {found[-1]}; use another backup")


def snapshot_facts(path: Path) -> Snapshot:
    """What the snapshot at ``path`` holds."""
    with _translated(path), contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as opened:
        blobs = opened.execute("SELECT sha256, suffix, size_bytes FROM blobs ORDER BY sha256").fetchall()
        last = opened.execute("SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1").fetchone()
        return Snapshot(
            kind="sqlite",
            revision=opened.execute("SELECT version_num FROM alembic_version").fetchone()[0],
            annotations=opened.execute("SELECT COUNT(*) FROM annotations").fetchone()[0],
            made_at=opened.execute("SELECT CURRENT_TIMESTAMP").fetchone()[0],
            audit_head=None if last is None else last[0],
            blobs=tuple(BlobRecord(*row) for row in blobs),
        )


def sqlite_bytes(connection: Connection, location: str) -> int:
    """Size of the database in bytes."""
    if connection.dialect.name == "sqlite":
        return Path(location).stat().st_size
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}; nothing was changed") from error
