"""PostgreSQL's transactions: what its errors mean, and what became of a COMMIT whose answer was lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import ClassVar

import psycopg
from sqlalchemy import Connection, RootTransaction
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
from cortexia.stores.sql.door import Collision, ConnectionLost, Door

RESOLVE_S = 10.0
_POLL_S = 0.1
_XID = "SELECT CAST(pg_current_xact_id_if_assigned() AS text)"
_STATUS = "SELECT pg_xact_status(CAST(CAST(%s AS text) AS xid8))"


class PostgresDoor(Door):
    """Opens transactions on a PostgreSQL database."""

    driver_errors: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with self._translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ")

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        """Commit. Where the connection breaks before the answer came, ask the server what became of it (R-15).

        Raises ``ConnectionLost`` where nothing was stored, ``StoreUnreachableError`` where that cannot be learned.
        """
        xid = connection.exec_driver_sql(_XID).scalar_one()
        try:
            transaction.commit()
        except sql_errors.DBAPIError as error:
            if xid is None or not isinstance(self._translate(error.orig or error), ConnectionLost):
                raise
            if not self._was_committed(xid):
                raise ConnectionLost(f"{self.location}: the connection broke, and nothing was stored") from error

    def _was_committed(self, xid: str) -> bool:
        until = time.monotonic() + RESOLVE_S
        while time.monotonic() < until:
            status = self._status(xid)
            if status in ("committed", "aborted"):
                return status == "committed"
            # the server may not have seen yet that the connection is gone
            time.sleep(_POLL_S)
        raise StoreUnreachableError(
            f"{self.location}: the connection broke during a commit, and the server does not answer: whether that step "
            "was stored is not known; run again, what is there is found"
        )

    def _status(self, xid: str) -> str | None:
        try:
            with self.engine.connect() as connection:
                status: str | None = connection.exec_driver_sql(_STATUS, (xid,)).scalar_one()
                return status
        except (sql_errors.SQLAlchemyError, psycopg.Error):
            return None

    def _translate_driver(self, error: BaseException) -> CortexiaError:
        state = getattr(error, "sqlstate", None)
        kind, hint = _meaning(state)
        if state == "23505" and _is_a_race(error):
            kind, hint = Collision, "another process did the same at the same time; try again"
        elif state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            kind, hint = _meaning(_refusal(str(error)) or "08")
        return kind(f"{self.location}: {' '.join(str(error).split())}; {hint}")


def _is_a_race(error: BaseException) -> bool:
    """Whether a row that was not there a moment ago, or a lease that was free, was taken by another."""
    diagnostics = getattr(error, "diag", None)
    table, constraint = getattr(diagnostics, "table_name", None), getattr(diagnostics, "constraint_name", None)
    return constraint == "uq_jobs_live_lease" or table in ("videos", "pipelines", "runs", "blobs")


def _refusal(message: str) -> str | None:
    """SQLSTATE of what a server said instead of letting us in: the driver passes on the words alone."""
    return next((state for words, state in _REFUSALS if words in message), None)


def _meaning(state: str | None) -> tuple[type[CortexiaError], str]:
    for length in (5, 2):
        if state is not None and state[:length] in _STATES:
            return _STATES[state[:length]]
    return StoreError, "nothing was changed"


_REFUSALS = (
    ("too many", "53300"),
    ("connection slots", "53300"),
    ("authentication failed", "28000"),
    ("no password supplied", "28000"),
    ("no pg_hba.conf entry", "28000"),
    ('role "', "28000"),
    ('database "', "3D000"),
)
_LOST_HINT = "the server does not answer; see that it runs and that the address is right, then try again"
_COLLISION_HINT = "two transactions were in each other's way; try again"
_BUSY_HINT = "the server is busy; try again"
_RIGHTS_HINT = "this user may not write there; ask for the rights, or name another database"
_LOGIN_HINT = "the server does not let this user in; check name and password"
# by SQLSTATE, or by its class: the first two characters
_STATES: dict[str, tuple[type[CortexiaError], str]] = {
    "40001": (Collision, _COLLISION_HINT),
    "40P01": (Collision, _COLLISION_HINT),
    "23": (DataInconsistencyError, "a row breaks the rules of the database; nothing of this step was stored"),
    "22": (ValidationError, "a value does not fit into the database"),
    "08": (ConnectionLost, _LOST_HINT),
    "57P01": (ConnectionLost, _LOST_HINT),
    "57P02": (ConnectionLost, _LOST_HINT),
    "57P03": (ConnectionLost, _LOST_HINT),
    "57P05": (ConnectionLost, "this process stood still for too long in the middle of a step"),
    "25P03": (ConnectionLost, "this process stood still for too long in the middle of a step"),
    "55P03": (StoreBusyError, "another process holds the lock; try again"),
    "57014": (StoreBusyError, _BUSY_HINT),
    "53": (StoreBusyError, _BUSY_HINT),
    "53100": (DiskFullError, "nothing of this step was stored; free some space on the server and run again"),
    "25006": (ReadOnlyError, "the database takes no writes; name the primary server"),
    "42501": (ReadOnlyError, _RIGHTS_HINT),
    "28": (StoreError, _LOGIN_HINT),
    "3D": (StoreError, "there is no such database; make it with createdb"),
}
