"""The annotation database in one SQLite file, for the processes of one machine (G4)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from cortexia.errors import ConfigurationError, StoreError
from cortexia.files import (
    PROC_MOUNTS,
    filesystem_type,
    is_network_filesystem,
    make_folder,
)
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql.backend import SqlStorageBackend
from cortexia.stores.sql.door import WRITES, Door
from cortexia.stores.sql.places import SQLitePlace
from cortexia.stores.sql.revisions import SqlRevisions
from cortexia.stores.sql.wal import require_whole_log
from cortexia.types import canonical_json

BUSY_TIMEOUT_MS = 5000
POOL_SIZE = 10
_HEADER_BYTES = 100


class SQLiteStorageBackend(SqlStorageBackend):
    """Opens ``location``, creates it where it is missing (unless ``create`` is false) and brings it to the newest
    revision. Blobs lie beside it, in ``<name>.blobs``.

    Raises ``ConfigurationError`` on a network file system, ``SchemaError`` for a database of a newer cortexia or of
    another program, ``StoreError`` for a missing or damaged file, ``ReadOnlyError`` where it cannot be written.
    """

    def __init__(
        self, location: str | Path, create: bool = True, rules: Rules | None = None, mounts: Path = PROC_MOUNTS
    ) -> None:
        path = Path(location).expanduser().absolute()
        _refuse_network(path, mounts)
        if create:
            make_folder(path.parent)
        elif not path.is_file():
            raise StoreError(f"there is no store at {path}; annotate a video first, or name another with --store")
        self.path = path
        _refuse_stump(path)
        require_whole_log(path)
        engine = _engine(path)
        super().__init__(Door(engine, str(path)), FolderBlobStore(blobs_folder(path)), rules)
        try:
            self.migrate()
        except BaseException:
            self.close()
            raise

    def migrate(self) -> None:
        """Bring the database to the newest revision; a copy of an older one is kept beside it first."""
        SqlRevisions(self._door).go_to("head")

    @classmethod
    def revisions(cls, location: str) -> SqlRevisions:
        """The revisions of the database at ``location``, which stays at its own until it is told otherwise."""
        path = Path(location).expanduser().absolute()
        if not path.is_file():
            raise StoreError(f"there is no store at {path}; name another with --store")
        _refuse_network(path, PROC_MOUNTS)
        _refuse_stump(path)
        require_whole_log(path)
        return SqlRevisions(Door(_engine(path), str(path)))

    @classmethod
    def place(cls, location: str) -> SQLitePlace:
        """Where a backup is restored."""
        path = Path(location).expanduser().absolute()
        return SQLitePlace(path, blobs_folder(path))


def blobs_folder(path: Path) -> Path:
    """Where the blobs of the database at ``path`` lie."""
    return path.with_name(f"{path.name.removesuffix('.db')}.blobs")


def _refuse_network(path: Path, mounts: Path) -> None:
    kind = filesystem_type(path, mounts)
    if is_network_filesystem(kind):
        raise ConfigurationError(
            f"{path} lies on a network file system ({kind}), where SQLite cannot keep its promises; "
            "choose a local folder"
        )


def _refuse_stump(path: Path) -> None:
    """SQLite takes a file that was cut off within its header for an empty one, and would begin anew in it."""
    size = path.stat().st_size if path.is_file() else None
    had_content = size == 0 and any(blobs_folder(path).glob("??"))
    if had_content or (size is not None and 0 < size < _HEADER_BYTES):
        raise StoreError(
            f"{path} was cut off ({size} bytes are left); nothing was changed: keep it, and restore a backup with "
            "'cortexia db restore'"
        )


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        json_serializer=canonical_json,
        pool_size=POOL_SIZE,
    )
    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def on_connect(connection: sqlite3.Connection, record: Any) -> None:
    # the driver must not begin transactions of its own: those would take the write lock late, and fail at once
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # a damaged page is noticed when it is read, and not only when its cells are
        "cell_size_check=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
