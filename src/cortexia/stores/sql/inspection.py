"""Is what is stored what was committed? Read-only, streamed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, ForeignKeyConstraint, Table, Text, and_, func, or_, select, type_coerce

from cortexia.errors import ValidationError
from cortexia.stores.sql.digest import rows_digest
from cortexia.stores.sql.rows import CONTENT
from cortexia.stores.sql.schema import annotation_rows, blobs, jobs, metadata, runs, videos, windows
from cortexia.stores.upkeep import BlobRecord, DamagedWindow, Orphan, RunTally
from cortexia.types import canonical_json

_PAGE_ROWS = 2000
_ORPHANS_TOLD = 100
_DATA = CONTENT.index("data")


_UNGUARDED = "the audit log takes changes: its triggers are missing or switched off"
# indexes that a crash left unfinished, and rules that hold for new rows only
_HALF_MADE = """
SELECT 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index
  JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
UNION ALL SELECT 'constraint ' || conname || ' was never checked' FROM pg_constraint
 WHERE NOT convalidated AND connamespace = current_schema()::regnamespace ORDER BY 1
"""
_GUARDS = {
    "sqlite": "SELECT count(*) = 2 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'",
    "postgresql": "SELECT count(*) = 1 FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass"
    " AND NOT tgisinternal AND tgenabled IN ('O', 'A')",
}


def integrity(connection: Connection) -> Iterator[str]:
    """What SQLite finds in its own pages; PostgreSQL checks pages as it reads them. Then what rules there are."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(100)"):
            if line != "ok":
                yield f"{line}: restore a backup"
    else:
        yield from (str(line) for (line,) in connection.exec_driver_sql(_HALF_MADE))
    if not connection.exec_driver_sql(_GUARDS[dialect]).scalar_one():
        yield _UNGUARDED


def orphans(connection: Connection) -> Iterator[Orphan]:
    """Rows of every table that name a row which is not there; at most 100 for each reference."""
    for table in metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            yield from _orphans_of(connection, table, constraint)


def _orphans_of(connection: Connection, table: Table, constraint: ForeignKeyConstraint) -> Iterator[Orphan]:
    parent = constraint.referred_table.alias("parent")
    pairs = [(element.parent, parent.c[element.column.name]) for element in constraint.elements]
    joined = table.outerjoin(parent, and_(*(child == named for child, named in pairs)))
    is_orphan = and_(*(child.is_not(None) for child, _ in pairs), pairs[0][1].is_(None))
    keys, children = list(table.primary_key.columns), [child for child, _ in pairs]
    columns = [column.label(f"c{at}") for at, column in enumerate([*keys, *children])]
    statement = select(*columns).select_from(joined).where(is_orphan).limit(_ORPHANS_TOLD)
    for row in connection.execute(statement):
        key, missing = row[: len(keys)], row[len(keys) :]
        name = constraint.referred_table.name
        yield Orphan(table.name, _joined(key), name, _joined(missing))


def _joined(values: Sequence[Any]) -> str:
    return "/".join(map(str, values))


def tallies(connection: Connection, video_id: str) -> Iterator[RunTally]:
    """Every run of a video, in order of run id."""
    stored = (
        select(
            windows.c.run_id,
            func.count().label("stored_windows"),
            func.max(windows.c.ordinal).label("last_ordinal"),
            func.sum(windows.c.row_count).label("window_rows"),
            func.max(windows.c.final_until_us).label("coverage_us"),
        )
        .group_by(windows.c.run_id)
        .subquery()
    )
    counted = (
        select(func.count()).where(annotation_rows.c.run_id == runs.c.run_id).correlate(runs).scalar_subquery()
    ).label("rows")
    statement = (
        select(runs, stored, counted)
        .select_from(runs.outerjoin(stored, stored.c.run_id == runs.c.run_id))
        .where(runs.c.video_id == video_id)
        .order_by(runs.c.run_id)
    )
    for row in connection.execute(statement):
        found = row._mapping
        yield RunTally(
            run_id=found[runs.c.run_id],
            annotator=row.annotator,
            status=row.status,
            annotation_count=row.annotation_count,
            windows=row.windows,
            stored_windows=row.stored_windows or 0,
            last_ordinal=row.last_ordinal,
            window_rows=int(row.window_rows or 0),
            rows=found["rows"],
            final_until_us=row.final_until_us,
            coverage_us=row.coverage_us,
        )


def damaged_windows(connection: Connection, video_id: str) -> Iterator[DamagedWindow]:
    """Windows of a video whose rows do not give the digest that was taken when they were committed."""
    committed = select(windows.c.run_id, windows.c.ordinal, windows.c.rows_sha256)
    committed = committed.join(runs, runs.c.run_id == windows.c.run_id).where(runs.c.video_id == video_id)
    digests = {(row.run_id, row.ordinal): row.rows_sha256 for row in connection.execute(committed)}
    for run_id in sorted({run_id for run_id, _ in digests}):
        found = dict(_digests(connection, run_id))
        due = {ordinal: digest for (owner, ordinal), digest in digests.items() if owner == run_id}
        for ordinal, digest in sorted(due.items()):
            if found.pop(ordinal, _EMPTY) != digest:
                yield DamagedWindow(run_id, ordinal, "its rows are not those that were committed")


_EMPTY = rows_digest([], CONTENT)


def _digests(connection: Connection, run_id: str) -> Iterator[tuple[int, str]]:
    columns = [
        type_coerce(annotation_rows.c[name], Text) if name == "data" else annotation_rows.c[name] for name in CONTENT
    ]
    statement = (
        select(*columns, annotation_rows.c.window_ordinal)
        .where(annotation_rows.c.run_id == run_id)
        .order_by(annotation_rows.c.window_ordinal, annotation_rows.c.seq)
    )
    rows = connection.execute(statement.execution_options(yield_per=_PAGE_ROWS))
    for ordinal, group in itertools.groupby(rows, key=lambda row: int(row.window_ordinal)):
        try:
            yield ordinal, rows_digest([_as_written(row) for row in group], CONTENT)
        except (TypeError, ValueError, ValidationError):
            # a value of another type than its column: nothing that was ever written
            yield ordinal, "unreadable"


def _as_written(row: Any) -> Sequence[Any]:
    data = row[_DATA]
    # a driver that parses JSON gives a value; its canonical text is what was digested
    return row if isinstance(data, str) else (*row[:_DATA], canonical_json(data), *row[_DATA + 1 :])


def blob_records(connection: Connection) -> Iterator[BlobRecord]:
    statement = select(blobs.c.sha256, blobs.c.suffix, blobs.c.size_bytes).order_by(blobs.c.sha256)
    for row in connection.execute(statement.execution_options(yield_per=_PAGE_ROWS)):
        yield BlobRecord(row.sha256, row.suffix, row.size_bytes)


def named_blobs(connection: Connection) -> Iterator[tuple[str, str]]:
    """Pictures of key pictures: the rows that a commit takes only when their files are there."""
    columns = (annotation_rows.c.annotation_id, annotation_rows.c.data)
    statement = select(*columns).where(annotation_rows.c.annotation_type == "key_picture")
    for row in connection.execute(statement.execution_options(yield_per=_PAGE_ROWS)):
        for name in ("picture", "thumbnail"):
            if isinstance(row.data.get(name), str):
                yield row.data[name], row.annotation_id


def wrong_states(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Videos whose state is not that of the job that moved last; a job that is at work goes before all others."""
    latest = (
        select(jobs.c.video_id, func.max(jobs.c.seq).label("seq"), func.count().label("jobs"))
        .group_by(jobs.c.video_id)
        .subquery()
    )
    statement = (
        select(videos.c.video_id, videos.c.processing_status, jobs.c.status)
        .select_from(videos.join(latest, latest.c.video_id == videos.c.video_id).join(jobs, jobs.c.seq == latest.c.seq))
        # of several jobs, the one that moved last need not be the one submitted last
        .where(videos.c.processing_status != jobs.c.status, or_(latest.c.jobs == 1, jobs.c.status == "running"))
        .order_by(videos.c.video_id)
    )
    for row in connection.execute(statement):
        yield row.video_id, row.processing_status, row.status
