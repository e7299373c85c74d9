"""The one way to the database: short transactions, and errors translated once."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy import exc as sql_errors

from cortexia.errors import (
    CortexiaError,
    DataInconsistencyError,
    DiskFullError,
    ReadOnlyError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
    ValidationError,
)

WRITES = "cortexia_writes"
_FULL_BELOW_BYTES = 256 * 1024


class Collision(StoreBusyError):
    """Two transactions were in each other's way, and this one was taken back whole: it may be repeated."""


class ConnectionLost(StoreUnreachableError):
    """The database went away, and nothing of this transaction was stored: it may be repeated."""


class Door:
    """Opens transactions on ``engine``, an SQLite database. ``location`` names it in messages."""

    driver_errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)

    def __init__(self, engine: Engine, location: str) -> None:
        self.engine = engine
        self.location = location

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Nothing is written."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As ``read``, with one state of the database for all that is asked in the block."""
        with self.read() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first moment. An exception rolls back all of it."""
        with self._translated(), self.engine.connect().execution_options(**{WRITES: True}) as connection:
            transaction = connection.begin()
            try:
                yield connection
                self._commit(connection, transaction)
            except BaseException:
                # a full disk makes SQLite roll back on its own: the first error is the one to tell
                with contextlib.suppress(sql_errors.SQLAlchemyError, *self.driver_errors):
                    transaction.rollback()
                raise

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        transaction.commit()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sql_errors.TimeoutError as error:
            raise StoreBusyError(f"{self.location}: all connections are in use; try again") from error
        except sql_errors.StatementError as error:
            raise self._translate(error.orig or error) from error
        except self.driver_errors as error:
            raise self._translate(error) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise ValidationError(f"a value does not fit into {self.location}: {error}") from error

    def _translate(self, error: BaseException) -> CortexiaError:
        if isinstance(error, OverflowError | UnicodeEncodeError):
            return ValidationError(f"a value does not fit into {self.location}: {error}")
        return self._translate_driver(error)

    def _translate_driver(self, error: BaseException) -> CortexiaError:
        if isinstance(error, sqlite3.IntegrityError):
            return DataInconsistencyError(f"{self.location} refused a row that breaks its rules: {error}")
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        kind, hint = _SQLITE_ERRORS.get(primary, (StoreError, "nothing was changed"))
        if primary == sqlite3.SQLITE_IOERR and _is_full(self.location):
            kind, hint = DiskFullError, _FULL_HINT
        return kind(f"{self.location}: {error}; {hint}")


_FULL_HINT = "nothing of this step was stored; free some space there and run again"
_READ_ONLY_HINT = "it cannot be written; choose a file in a folder that you may write to"
_DAMAGED_HINT = "the file is damaged or no cortexia database; nothing was changed, restore it from a backup"
_BUSY_HINT = "another process holds the lock; try again"
_SQLITE_ERRORS: dict[int | None, tuple[type[CortexiaError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreBusyError, _BUSY_HINT),
    sqlite3.SQLITE_LOCKED: (StoreBusyError, _BUSY_HINT),
    sqlite3.SQLITE_FULL: (DiskFullError, _FULL_HINT),
    sqlite3.SQLITE_READONLY: (ReadOnlyError, _READ_ONLY_HINT),
    sqlite3.SQLITE_PERM: (ReadOnlyError, _READ_ONLY_HINT),
    sqlite3.SQLITE_CANTOPEN: (ReadOnlyError, _READ_ONLY_HINT),
    sqlite3.SQLITE_CORRUPT: (StoreError, _DAMAGED_HINT),
    sqlite3.SQLITE_NOTADB: (StoreError, _DAMAGED_HINT),
}


def _is_full(location: str) -> bool:
    try:
        return shutil.disk_usage(Path(location).parent).free < _FULL_BELOW_BYTES
    except OSError:
        return False
