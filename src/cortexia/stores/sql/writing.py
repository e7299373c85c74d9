"""Annotation rows into the database in bulk, and out again for comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from cortexia.stores.sql import copying
from cortexia.stores.sql.rows import COLUMNS, CONTENT, ORIGIN, Row
from cortexia.stores.sql.schema import annotation_rows

_READ_STEP = 1000
_MARKS = ", ".join("?" * len(COLUMNS))
_INSERT = f"INSERT INTO annotations ({', '.join(COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608 - constants  # nosec B608
_READ_RUN = f"SELECT {', '.join(COLUMNS)} FROM annotations WHERE run_id = ? ORDER BY window_ordinal, seq"  # noqa: S608 - constants  # nosec B608
# where all rows of a window come from is the same, and compared by the database: a fifth of what is read would be that.
# The sign keeps it from going by an index of it, and so past every row of the run.
_OF_ORIGIN = " AND ".join(f"+{name} = ?" for name in ORIGIN)
_READ_BACK = f"SELECT {', '.join(CONTENT)} FROM annotations WHERE seq > ? AND {_OF_ORIGIN} ORDER BY seq"  # noqa: S608 - constants  # nosec B608


def insert_rows(connection: Connection, rows: list[Row]) -> Iterator[list[Row]]:
    """Insert ``rows`` (of one window of one run, at least one) on the first step; then what the database now has of
    that window, in the same order and form, some rows at a time."""
    if connection.dialect.name == "postgresql":
        return copying.insert_rows(connection, rows)
    return _insert_rows(connection, rows)


def _insert_rows(connection: Connection, rows: list[Row]) -> Iterator[list[Row]]:
    # nobody else writes while this transaction does: what is above the last row is ours
    before = connection.execute(select(func.coalesce(func.max(annotation_rows.c.seq), 0))).scalar_one()
    connection.exec_driver_sql(_INSERT, rows)
    origin = rows[0][len(CONTENT) :]
    cursor: Any = connection.exec_driver_sql(_READ_BACK, (before, *origin)).cursor
    while chunk := cursor.fetchmany(_READ_STEP):
        yield [row + origin for row in chunk]


def read_rows(connection: Connection, run_id: str) -> Iterator[Row]:
    """Rows of a run by window and in the order in which they were made, streamed, in the form that ``insert_rows``
    takes: the same on every database."""
    if connection.dialect.name == "postgresql":
        return copying.read_rows(connection, run_id)
    return _read_rows(connection, run_id)


def _read_rows(connection: Connection, run_id: str) -> Iterator[Row]:
    cursor: Any = connection.exec_driver_sql(_READ_RUN, (run_id,)).cursor
    while chunk := cursor.fetchmany(_READ_STEP):
        yield from chunk
