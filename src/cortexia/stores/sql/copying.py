"""Annotation rows into PostgreSQL by COPY, and out again for comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from cortexia.stores.sql.rows import COLUMNS, Row, encode

_READ_STEP = 1000
_DATA = COLUMNS.index("data")
_RUN, _WINDOW = COLUMNS.index("run_id"), COLUMNS.index("window_ordinal")
_SPELLED = {"data": "data::text", "created_at": "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"}
_COPY = f"COPY annotations ({', '.join(COLUMNS)}) FROM STDIN"
_NEXT = "SELECT nextval(pg_get_serial_sequence('annotations', 'seq'))"
_ROWS = f"SELECT {', '.join(_SPELLED.get(name, name) for name in COLUMNS)} FROM annotations"  # noqa: S608 - constants  # nosec B608
_READ_BACK = f"{_ROWS} WHERE seq > %s AND run_id = %s AND window_ordinal = %s ORDER BY seq"
_READ_RUN = f"{_ROWS} WHERE run_id = %s ORDER BY window_ordinal, seq"
_EXPONENT = re.compile(r"\d[eE][+-]?\d")
_STRING_OR_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?[eE][+-]?\d+')


def insert_rows(connection: Connection, rows: list[Row]) -> Iterator[list[Row]]:
    """See ``writing.insert_rows``."""
    with _driver(connection).cursor(binary=True) as cursor:
        # others write at the same time: theirs may lie above this number too, ours surely do
        before = cursor.execute(_NEXT).fetchone()[0]
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row((*row[:_DATA], for_jsonb(row[_DATA]), *row[_DATA + 1 :]))
        cursor.execute(_READ_BACK, (before, rows[0][_RUN], rows[0][_WINDOW]))
        while chunk := cursor.fetchmany(_READ_STEP):
            yield list(map(_row, chunk))


def read_rows(connection: Connection, run_id: str) -> Iterator[Row]:
    """See ``writing.read_rows``."""
    with _driver(connection).cursor(name="rows_of_a_run", binary=True) as cursor:
        cursor.itersize = _READ_STEP
        yield from map(_row, cursor.execute(_READ_RUN, (run_id,)))


def _row(row: Row) -> Row:
    return (*row[:_DATA], _canonical(row[_DATA]), *row[_DATA + 1 :])


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def for_jsonb(text: str) -> str:
    """The same JSON, with numbers that JSONB keeps: it would make the integer 10000000000000000 of 1e+16."""
    if _EXPONENT.search(text) is None:
        return text
    return _STRING_OR_EXPONENT.sub(_without_exponent, text)


def _without_exponent(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith('"'):
        return token
    plain = format(Decimal(token), "f")
    return plain if "." in plain else f"{plain}.0"


def _canonical(text: str) -> str:
    return text if text == "{}" else encode(json.loads(text))
