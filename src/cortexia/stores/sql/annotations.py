"""Reading annotations: a ``Query`` compiled to SQL, rows streamed in a stable order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from cortexia.stores.sql.columns import unindexed
from cortexia.stores.sql.rows import COLUMNS, row_to_stored
from cortexia.stores.sql.runs import NOT_CURRENT, of_kept_videos
from cortexia.stores.sql.schema import annotation_rows, runs, videos
from cortexia.types import ANNOTATION_TYPES, MICROSECONDS, Query, StoredRow

_PAGE_ROWS = 500
_ORDER = (
    annotation_rows.c.video_id,
    annotation_rows.c.start_us,
    annotation_rows.c.type,
    annotation_rows.c.annotation_id,
)


def find(connection: Connection, query: Query) -> Iterator[StoredRow]:
    statement = _select().where(*_conditions(query)).order_by(*_ORDER).limit(query.limit)
    yield from _stream(connection, statement)


def count(connection: Connection, query: Query) -> int:
    """How many rows ``find`` would give."""
    joined = annotation_rows.join(runs, runs.c.run_id == annotation_rows.c.run_id)
    statement = select(func.count()).select_from(joined).where(*_conditions(query))
    total: int = connection.execute(statement).scalar_one()
    return total if query.limit is None else min(total, query.limit)


def emitted(connection: Connection, run_id: str, start: int, end: int | None) -> Iterator[StoredRow]:
    """Rows of one run, whatever its status, in the order in which they were made."""
    statement = _select().where(annotation_rows.c.run_id == run_id, annotation_rows.c.emitted_at >= start)
    if end is not None:
        statement = statement.where(annotation_rows.c.emitted_at < end)
    yield from _stream(connection, statement.order_by(annotation_rows.c.emitted_at, annotation_rows.c.seq))


def _select() -> Select[Any]:
    columns = [annotation_rows.c[name] for name in COLUMNS]
    joined = annotation_rows.join(runs, runs.c.run_id == annotation_rows.c.run_id)
    joined = joined.join(videos, videos.c.video_id == annotation_rows.c.video_id)
    return select(*columns, runs.c.annotator, videos.c.file_path).select_from(joined)


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[StoredRow]:
    for row in connection.execution_options(yield_per=_PAGE_ROWS).execute(statement):
        yield row_to_stored(row)


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [runs.c.status.not_in(NOT_CURRENT), of_kept_videos()]
    kind_of: ColumnElement[Any] = annotation_rows.c.annotation_type
    confidence: ColumnElement[Any] = annotation_rows.c.confidence
    if query.video_ids or query.run_ids:
        kind_of, confidence = unindexed(kind_of), unindexed(confidence)
    # the index is on the long name; two short ones may share it
    stored = [kind.stored_type for name, kind in ANNOTATION_TYPES.items() if name in query.types]
    for column, values in (
        (kind_of, stored),
        (annotation_rows.c.type, query.types),
        (annotation_rows.c.video_id, query.video_ids),
        (annotation_rows.c.run_id, query.run_ids),
        (runs.c.annotator, query.annotators),
        (annotation_rows.c.label, query.labels),
    ):
        if values:
            conditions.append(column.in_(values))
    if query.min_confidence is not None:
        conditions.append(confidence >= query.min_confidence)
    return conditions + _overlaps(query)


def _overlaps(query: Query) -> list[ColumnElement[bool]]:
    """Half-open spans that overlap ``[start_s, end_s)``; an instant overlaps where it lies inside."""
    conditions: list[ColumnElement[bool]] = []
    if query.end_s is not None:
        conditions.append(annotation_rows.c.start_us < round(query.end_s * MICROSECONDS))
    if query.start_s is not None:
        start_us = round(query.start_s * MICROSECONDS)
        conditions.append(or_(annotation_rows.c.end_us > start_us, annotation_rows.c.start_us >= start_us))
    return conditions
