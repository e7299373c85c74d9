"""Taking a database from one revision of the schema to another, all of it in one transaction (G12)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect

from cortexia.errors import NoStoreError, SchemaError, UnknownNameError
from cortexia.stores.audit import AuditEvent
from cortexia.stores.sql import audit, migrations
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.locks import Lock, hold
from cortexia.stores.sql.migrations import Revision
from cortexia.stores.sql.schema import audit_log
from cortexia.stores.sql.snapshot import sqlite_snapshot
from cortexia.stores.upkeep import last_part


class SqlRevisions:
    """See ``stores.upkeep.Revisions``. ``create``: an empty database is filled, and not refused."""

    def __init__(self, door: Door, create: bool = True) -> None:
        self._door = door
        self._create = create
        self.location = door.location

    def close(self) -> None:
        self._door.engine.dispose()

    def current(self) -> str | None:
        with self._door.read() as connection:
            return migrations.revision(connection)

    def known(self) -> Sequence[Revision]:
        return migrations.known()

    def written_out(self, target: str = "head") -> str:
        target = self._name_of(target)
        found = self.current()
        if found is not None:
            migrations.require_known(found, self.location)
        return migrations.written_out(self._door.engine.dialect.name, found, target)

    def go_to(self, target: str = "head") -> Path | None:
        """Up or down to ``target``; the copy of an SQLite file that was made before, ``None`` where nothing was to do.

        Raises ``SchemaError`` for a database of another program or of a newer cortexia.
        """
        target = self._name_of(target)
        if self.current() == target:
            return None
        with self._door.write() as connection:
            # one process at a time: the others wait, and find it done
            hold(connection, Lock.MIGRATION)
            found = migrations.revision(connection)
            if found == target:
                return None
            copy = None
            if found is None:
                self._require_own(connection)
            else:
                migrations.require_known(found, self.location)
                copy = self._copy(found)
            self._move(connection, found, target)
            return copy

    def _require_own(self, connection: Connection) -> None:
        if migrations.is_foreign(connection):
            raise SchemaError(f"{self.location} is a database of another program; name another one for cortexia")
        if not self._create:
            raise NoStoreError(f"there is no store at {self.location}; 'cortexia annotate VIDEO --store URL' makes it")

    def _move(self, connection: Connection, found: str | None, target: str) -> None:
        names = [None, *(revision.name for revision in migrations.known())]
        if names.index(target) > names.index(found):
            migrations.upgrade(connection, target)
        else:
            migrations.downgrade(connection, target)
        if inspect(connection).has_table(audit_log.name):
            event = AuditEvent("store.migrated", last_part(self.location), {"from": found, "to": target})
            audit.append(connection, [event])

    def _copy(self, found: str) -> Path | None:
        if self._door.engine.dialect.name != "sqlite":
            return None
        path = Path(self.location)
        copy = path.with_name(f"{path.name}.{found}.bak")
        # an older copy of this revision gives way only when the new one is whole
        made = path.with_name(f".{copy.name}.part")
        made.unlink(missing_ok=True)
        sqlite_snapshot(path, made)
        made.replace(copy)
        return copy

    def _name_of(self, target: str) -> str:
        if target == "head":
            return migrations.HEAD
        known = [revision.name for revision in migrations.known()]
        if target not in known:
            raise UnknownNameError("revision", target, known)
        return target
