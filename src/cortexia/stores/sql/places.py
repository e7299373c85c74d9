"""Where a database is made from a snapshot: a file that is not there yet, or an empty database of a server."""

from __future__ import annotations

from pathlib import Path

from cortexia.errors import ConfigurationError
from cortexia.files import make_folder, sync_folder, temporary_beside, translate_os_error
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.sql import migrations
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.postgresql_copy import restore_dump


class SQLitePlace:
    """See ``stores.upkeep.Place``."""

    kind = "sqlite"

    def __init__(self, target: Path, blobs: Path) -> None:
        for path in (target, target.with_name(f"{target.name}-wal")):
            if path.exists():
                raise ConfigurationError(f"{path} exists; restore into an empty place, and move it by hand then")
        self.location = str(target)
        self.blobs = FolderBlobStore(blobs)
        self._target = target

    def part(self) -> Path:
        make_folder(self._target.parent)
        with translate_os_error(self._target):
            return temporary_beside(self._target, ".restored")

    def settle(self, part: Path) -> None:
        with translate_os_error(self._target):
            part.replace(self._target)
            sync_folder(self._target.parent)

    def clear(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._target.with_name(f"{self._target.name}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        pass


class PostgresPlace:
    """See ``stores.upkeep.Place``."""

    kind = "postgresql"

    def __init__(self, door: Door, blobs: Path) -> None:
        self._door = door
        self.location = door.location
        self.blobs = FolderBlobStore(blobs)
        with door.read() as connection:
            if migrations.revision(connection) is not None or migrations.is_foreign(connection):
                raise ConfigurationError(f"{self.location} has tables; restore into an empty database (createdb)")

    def part(self) -> Path:
        make_folder(self.blobs.base.parent)
        with translate_os_error(self.blobs.base):
            return temporary_beside(self.blobs.base, ".restored")

    def settle(self, part: Path) -> None:
        restore_dump(self._door, part)
        part.unlink()

    def clear(self) -> None:
        with self._door.write() as connection:
            if migrations.revision(connection) is not None:
                migrations.downgrade(connection, "base")
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")

    def close(self) -> None:
        self._door.engine.dispose()
