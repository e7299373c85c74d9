"""The annotation database on a PostgreSQL server, for workers on many machines (G4)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from cortexia.config import data_folder
from cortexia.errors import ConfigurationError, MissingDependencyError
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import Claim, Reach, Transaction, Window
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql.backend import SqlStorageBackend
from cortexia.stores.sql.copying import for_jsonb
from cortexia.stores.sql.door import WRITES, Collision, Door
from cortexia.stores.sql.places import PostgresPlace
from cortexia.stores.sql.repeating import repeated
from cortexia.stores.sql.revisions import SqlRevisions
from cortexia.types import JobState, canonical_json

POOL_SIZE = 10
POOL_TIMEOUT_S = 30.0
_DRIVER = "postgresql+psycopg"
_CONNECTION = {
    "application_name": "cortexia",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SESSION = (
    "SET timezone TO 'UTC';"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
# a process that stands still in the middle of a commit must not keep its locks for ever
_TRANSACTION = "SET LOCAL lock_timeout TO '30s'; SET LOCAL idle_in_transaction_session_timeout TO '60s'"


class PostgreSQLStorageBackend(SqlStorageBackend):
    """Opens the database that ``url`` names (``postgresql://user@host:port/database``, with any parameter of libpq),
    fills it where it is empty (unless ``create`` is false) and brings it to the newest revision. Blobs lie in the
    folder that the parameter ``blobs`` names, else in one of the user's own.

    Raises ``MissingDependencyError`` without psycopg, ``ConfigurationError`` for a URL that is none,
    ``StoreUnreachableError`` where nobody answers, ``SchemaError`` for a database of a newer cortexia or of another
    program, ``StoreError`` where the server refuses.
    """

    reach = Reach.NETWORK

    def __init__(self, url: str, create: bool = True, rules: Rules | None = None) -> None:
        address, blobs = _parse(url)
        self._create = create
        super().__init__(_door(address), FolderBlobStore(blobs), rules)
        self.address = url
        try:
            self.migrate()
        except BaseException:
            self.close()
            raise

    def migrate(self) -> None:
        """Bring the database to the newest revision. One process at a time: the others wait, and find it done."""
        SqlRevisions(self._door, self._create).go_to("head")

    @classmethod
    def revisions(cls, url: str) -> SqlRevisions:
        """The revisions of the database at ``url``, which stays at its own until it is told otherwise."""
        address, _ = _parse(url)
        return SqlRevisions(_door(address), create=False)

    @classmethod
    def place(cls, url: str) -> PostgresPlace:
        """Where a backup is restored."""
        address, blobs = _parse(url)
        return PostgresPlace(_door(address), blobs)

    def claim(
        self, worker: str, lease_s: float, job_id: str | None = None, among: Collection[str] | None = None
    ) -> Claim | None:
        try:
            return super().claim(worker, lease_s, job_id, among)
        except Collision:
            # another worker was faster each time: there is nothing to be had now
            return None

    @contextlib.contextmanager
    def transaction(self, claim: Claim) -> Iterator[Transaction]:
        steps = _Steps()
        yield steps
        self._remember(self._carry_out(claim, steps))

    @repeated
    def _carry_out(self, claim: Claim, steps: _Steps) -> list[AuditEvent]:
        with self._fenced(claim) as (transaction, events):
            for step in steps.collected:
                step(transaction)
        return events


def blob_folder(url: str) -> Path:
    """Where the blobs of the database at ``url`` lie. Raises ``ConfigurationError`` for a URL that is none."""
    return _parse(url)[1]


class _Steps:
    """Collects what a transaction is to do, so that all of it can be repeated."""

    def __init__(self) -> None:
        self.collected: list[Callable[[Transaction], None]] = []

    def save_window(self, window: Window) -> None:
        self.collected.append(lambda transaction: transaction.save_window(window))

    def finish_job(self, status: JobState, reason: str | None = None, message: str | None = None) -> None:
        self.collected.append(lambda transaction: transaction.finish_job(status, reason, message))


def _parse(url: str) -> tuple[URL, Path]:
    """The address for the driver, and the folder of the blobs."""
    try:
        address = make_url(url).set(drivername=_DRIVER)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "the address of the store is no URL such as postgresql://user@host:5432/database"
        ) from error
    blobs = address.query.get("blobs")
    if isinstance(blobs, tuple) or blobs == "":
        raise ConfigurationError("the address of the store must name one folder in its parameter 'blobs'")
    address = address.difference_update_query(["blobs"])
    if blobs is not None:
        return address, Path(blobs).expanduser().absolute()
    host = address.host or address.query.get("host") or "local"
    name = "_".join(str(part) for part in (host, address.port, address.database or address.username) if part)
    return address, data_folder() / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.blobs"


def _door(address: URL) -> Door:
    try:
        from cortexia.stores.sql.postgresql_door import PostgresDoor
    except ImportError as error:
        raise MissingDependencyError("psycopg", "postgresql") from error
    shown = address.set(drivername="postgresql").difference_update_query(["password"])
    return PostgresDoor(_engine(address), shown.render_as_string(hide_password=True))


def _engine(address: URL) -> Engine:
    given = {name: value for name, value in _CONNECTION.items() if name not in address.query}
    engine = create_engine(
        address,
        connect_args=given,
        json_serializer=_document,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        # a connection that died while it lay in the pool is replaced, and nobody notices
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _document(value: Any) -> str:
    return for_jsonb(canonical_json(value))


def _on_connect(connection: Any, record: Any) -> None:
    connection.autocommit = True
    connection.execute(_SESSION)
    connection.autocommit = False


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql(_TRANSACTION)
