"""The annotation database in one SQLite file, for the processes of one machine (G4)."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from cortexia.errors import ConfigurationError, SchemaError, StoreError
from cortexia.files import (
    PROC_MOUNTS,
    filesystem_type,
    is_network_filesystem,
    make_folder,
    translate_os_error,
)
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import migrations
from cortexia.stores.sql.backend import SqlStorageBackend
from cortexia.stores.sql.door import WRITES, Door
from cortexia.types import canonical_json

BUSY_TIMEOUT_MS = 5000
POOL_SIZE = 10


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
        engine = _engine(path)
        blobs = FolderBlobStore(path.with_name(f"{path.name.removesuffix('.db')}.blobs"))
        super().__init__(Door(engine, str(path)), blobs, rules)
        try:
            self.migrate()
        except BaseException:
            self.close()
            raise

    def migrate(self) -> None:
        """Bring the database to the newest revision; a copy of an older one is kept beside it first."""
        with self._door.read() as connection:
            if migrations.revision(connection) == migrations.HEAD:
                return
        with self._door.write() as connection:
            # another process may have been faster while this one waited for the lock
            revision = migrations.revision(connection)
            if revision == migrations.HEAD:
                return
            if revision is None and migrations.is_foreign(connection):
                raise SchemaError(f"{self.location} is a database of another program; name another file")
            if revision is not None:
                migrations.require_known(revision, self.location)
                self._copy(self.path.with_name(f"{self.path.name}.{revision}.bak"))
            migrations.upgrade(connection)

    def _copy(self, target: Path) -> None:
        """A sound copy by SQLite's backup API, which reads what is committed."""
        with (
            translate_os_error(target),
            contextlib.closing(sqlite3.connect(self.path)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)


def _refuse_network(path: Path, mounts: Path) -> None:
    kind = filesystem_type(path, mounts)
    if is_network_filesystem(kind):
        raise ConfigurationError(
            f"{path} lies on a network file system ({kind}), where SQLite cannot keep its promises; "
            "choose a local folder"
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
    ):
        connection.execute(f"PRAGMA {pragma}")


def on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
