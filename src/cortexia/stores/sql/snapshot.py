"""Copies of an SQLite database while others read and write it, and what a copy holds."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from cortexia.errors import StoreError
from cortexia.files import translate_os_error
from cortexia.stores.sql.columns import MOMENT
from cortexia.stores.sql.schema import annotation_rows, audit_log, blobs
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


def sqlite_facts(path: Path) -> Snapshot:
    """What the SQLite database at ``path`` holds."""
    engine = create_engine(f"sqlite+pysqlite:///{path}")
    try:
        with _translated(path), engine.connect() as connection:
            return snapshot_facts(connection)
    finally:
        engine.dispose()


def snapshot_facts(connection: Connection) -> Snapshot:
    """What the database holds, as of the connection's own moment."""
    records = connection.execute(select(blobs.c.sha256, blobs.c.suffix, blobs.c.size_bytes).order_by(blobs.c.sha256))
    last = select(audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    return Snapshot(
        kind=connection.dialect.name,
        revision=str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()),
        annotations=connection.execute(select(func.count()).select_from(annotation_rows)).scalar_one(),
        made_at=connection.execute(select(literal_column("CURRENT_TIMESTAMP", MOMENT))).scalar_one(),
        audit_head=connection.execute(last).scalar_one_or_none(),
        blobs=tuple(BlobRecord(*row) for row in records),
    )


def database_bytes(connection: Connection, location: str) -> int:
    """Size of the database in bytes."""
    if connection.dialect.name == "sqlite":
        return Path(location).stat().st_size
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise StoreError(f"{path}: {error}; nothing was changed") from error
