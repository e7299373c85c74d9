"""The disposable index: an SQLite file with the schema of the SQL stores, built from the JSON files."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    QueuePool,
    Table,
    Text,
    create_engine,
    event,
    false,
)

from cortexia.errors import CortexiaError, StoreError
from cortexia.files import translate_os_error
from cortexia.stores.files.folder import StoreFolder, held
from cortexia.stores.sql import migrations, sqlite
from cortexia.stores.sql.door import Door
from cortexia.telemetry import get_logger
from cortexia.types import canonical_json

FORMAT = 1
"""Of the index: another one is built anew. The revision of the schema counts beside it."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_log = get_logger("cortexia.stores")

own = MetaData()
indexed_videos = Table(
    "indexed_videos",
    own,
    Column("video_id", Text, primary_key=True),
    # which versions of the files the rows of this video come from
    Column("video_mark", Text, nullable=False),
    Column("runs_mark", Text, nullable=False),
    Column("window_mark", Text, nullable=False),
    Column("windows", Integer, nullable=False),
    # a job of it has ended, and the named files were not written since
    Column("is_due", Boolean, nullable=False, server_default=false()),
    Column("written", Text),
)
indexed_jobs = Table(
    "indexed_jobs",
    own,
    Column("job_id", Text, primary_key=True),
    Column("video_id", Text, nullable=False, index=True),
    Column("mark", Text, nullable=False),
)


class IndexDoor(Door):
    """The way to the index of ``folder``; builds it where it is missing, damaged or of another revision, also when it
    goes away while this process lives."""

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self._inode = 0
        super().__init__(_engine(folder.index), str(folder.index))
        self.open()

    def open(self) -> None:
        """Make sure of a sound index, and of connections to that one."""
        with held(self._folder.path):
            if not self._is_sound():
                self._build()
        self.engine.dispose()
        self._inode = self._folder.index.stat().st_ino

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        self.follow()
        with super().read() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        self.follow()
        with super().write() as connection:
            yield connection

    def follow(self) -> int:
        """See that connections lead to the index that is there now; tells which one that is."""
        try:
            is_same = self._folder.index.stat().st_ino == self._inode
        except FileNotFoundError:
            is_same = False
        if not is_same:
            self.open()
        return self._inode

    def _translate(self, error: BaseException) -> CortexiaError:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGED:
            with contextlib.suppress(OSError):
                _damage_mark(self._folder.index).touch()
            return StoreError(
                f"{self.location}: {error}; it is only an index, and nothing is lost:"
                " run the same again, and it is built anew from the JSON files"
            )
        return super()._translate(error)

    def _is_sound(self) -> bool:
        path = self._folder.index
        if not path.is_file() or _damage_mark(path).exists():
            return False
        try:
            with contextlib.closing(sqlite3.connect(_uri(path), uri=True)) as db:
                revision: object = db.execute("SELECT version_num FROM alembic_version").fetchone()
                own_format: object = db.execute("PRAGMA user_version").fetchone()
                return (revision, own_format) == ((migrations.HEAD,), (FORMAT,))
        except sqlite3.DatabaseError as error:
            _log.warning("index_unusable", path=str(path), error=str(error))
            return False

    def _build(self) -> None:
        """An empty index in the place of what is there. Files that belong to the old one go first: SQLite would take
        its log for that of the new one."""
        path = self._folder.index
        made = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
        with self._translated(), translate_os_error(path):
            try:
                _create(made)
                for old in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
                    old.unlink(missing_ok=True)
                made.replace(path)
                _damage_mark(path).unlink(missing_ok=True)
            finally:
                made.unlink(missing_ok=True)


def _create(path: Path) -> None:
    engine = create_engine(f"sqlite+pysqlite:///{path}")
    try:
        with engine.begin() as connection:
            migrations.upgrade(connection)
            own.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {FORMAT}")
    finally:
        engine.dispose()


def _damage_mark(index: Path) -> Path:
    return index.with_name(f"{index.name}.damaged")


def _uri(path: Path) -> str:
    # rw: a connection never makes the file, so that nobody meets one without tables
    return f"file:{quote(str(path))}?mode=rw"


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(_uri(path), uri=True, timeout=sqlite.BUSY_TIMEOUT_MS / 1000, check_same_thread=False)

    engine = create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=sqlite.POOL_SIZE,
        json_serializer=canonical_json,
    )
    event.listen(engine, "connect", sqlite.on_connect)
    # what a power cut takes from the index is in the JSON files, which are synced
    event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA synchronous=NORMAL"))
    event.listen(engine, "begin", sqlite.on_begin)
    return engine
