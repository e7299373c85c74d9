"""``stores.transfer.Transfer`` over SQL."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from cortexia.errors import DataInconsistencyError, StoreError
from cortexia.stores.base import BlobStore
from cortexia.stores.sql import schema
from cortexia.stores.sql.columns import next_job
from cortexia.stores.sql.digest import rows_digest
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.rows import COLUMNS, CONTENT, Row
from cortexia.stores.sql.writing import insert_rows, read_rows
from cortexia.stores.transfer import Values, VideoHead, WindowRows
from cortexia.types import KeyPicture

_TABLES = (schema.pipelines, schema.videos, schema.runs, schema.jobs, schema.job_runs)
_SHARED = schema.pipelines
"""Rows that belong to no one video: they are there already, or not."""
_TYPE, _DATA, _WINDOW = (COLUMNS.index(name) for name in ("type", "data", "window_ordinal"))


class SqlTransfer:
    def __init__(self, door: Door, blobs: BlobStore) -> None:
        self._door = door
        self._blobs = blobs

    def video_ids(self) -> list[str]:
        with self._door.read() as connection:
            ids = select(schema.videos.c.video_id).order_by(schema.videos.c.video_id)
            return list(connection.execute(ids).scalars())

    def holds(self, video_id: str) -> bool:
        with self._door.read() as connection:
            own = select(schema.videos.c.video_id).where(schema.videos.c.video_id == video_id)
            return connection.execute(own).one_or_none() is not None

    @contextlib.contextmanager
    def reading(self, video_id: str, as_it_is: bool = False) -> Iterator[tuple[VideoHead, Iterator[WindowRows]]]:
        with self._door.read() as connection:
            head = _head(connection, video_id)
            windows = _windows(connection, head)
            yield head, windows if as_it_is else map(_checked, windows)

    def write(self, head: VideoHead, windows: Iterable[WindowRows], blobs: BlobStore) -> None:
        with self._door.write() as connection:
            write_head(connection, head)
            for window in windows:
                for row in window.blobs:
                    copy_blob(blobs, self._blobs, row)
                write_window(connection, window)


# -- out


def _head(connection: Connection, video_id: str) -> VideoHead:
    runs = _rows_of(connection, schema.runs, schema.runs.c.video_id == video_id)
    jobs = _rows_of(connection, schema.jobs, schema.jobs.c.video_id == video_id, schema.jobs.c.seq)
    own_jobs = select(schema.jobs.c.job_id).where(schema.jobs.c.video_id == video_id)
    of_runs = select(schema.runs.c.pipeline_id).where(schema.runs.c.video_id == video_id)
    tables = {
        "pipelines": _rows_of(connection, schema.pipelines, schema.pipelines.c.pipeline_id.in_(of_runs)),
        "videos": _rows_of(connection, schema.videos, schema.videos.c.video_id == video_id),
        "runs": tuple(reversed(_oldest_first(runs))),
        "jobs": jobs,
        "job_runs": _rows_of(connection, schema.job_runs, schema.job_runs.c.job_id.in_(own_jobs)),
    }
    if not tables["videos"]:
        raise StoreError(f"there is no video {video_id}")
    return VideoHead(video_id, tables)


def _rows_of(connection: Connection, table: Table, condition: Any, order: Any = None) -> tuple[Values, ...]:
    statement = select(table).where(condition).order_by(*(table.primary_key if order is None else (order,)))
    return tuple(row._asdict() for row in connection.execute(statement))


def _oldest_first(runs: Iterable[Values]) -> list[Values]:
    """Runs that were superseded before those that superseded them."""
    by_id = {run["run_id"]: run for run in runs}

    def followers(run: Values) -> int:
        count = 0
        while run["superseded_by"] is not None:
            run, count = by_id[run["superseded_by"]], count + 1
        return count

    return sorted(by_id.values(), key=lambda run: (-followers(run), run["run_id"]))


def _windows(connection: Connection, head: VideoHead) -> Iterator[WindowRows]:
    for run in reversed(head.tables["runs"]):
        own = schema.windows.c.run_id == run["run_id"]
        aside = _quarantined(connection, run["run_id"])
        rows = groupby(read_rows(connection, run["run_id"]), key=itemgetter(_WINDOW))
        found = next(rows, None)
        for window in _rows_of(connection, schema.windows, own, schema.windows.c.ordinal):
            ordinal, here = window["ordinal"], []
            if found is not None and found[0] == ordinal:
                here, found = list(found[1]), next(rows, None)
            yield WindowRows(window, here, _blobs_of(connection, here), tuple(aside.get(ordinal, ())))


def _quarantined(connection: Connection, run_id: str) -> dict[int, list[Values]]:
    """Rows by window; there are not many of one run."""
    found: dict[int, list[Values]] = {}
    own = schema.quarantined_annotations.c.run_id == run_id
    for row in _rows_of(connection, schema.quarantined_annotations, own):
        found.setdefault(row["window_ordinal"], []).append(row)
    return found


def _checked(window: WindowRows) -> WindowRows:
    mark, rows = window.window, window.rows
    if len(rows) != mark["row_count"] or rows_digest(rows, CONTENT) != mark["rows_sha256"]:
        raise DataInconsistencyError(
            f"window {mark['ordinal']} of run {mark['run_id']} is damaged: its rows are not those that were committed;"
            " 'cortexia db check' tells more"
        )
    return window


def _blobs_of(connection: Connection, rows: list[Row]) -> tuple[Values, ...]:
    pictures = [json.loads(row[_DATA]) for row in rows if row[_TYPE] == KeyPicture.type]
    if not pictures:
        return ()
    digests = {data[name] for data in pictures for name in ("picture", "thumbnail")}
    return _rows_of(connection, schema.blobs, schema.blobs.c.sha256.in_(sorted(digests)))


# -- in


def write_head(connection: Connection, head: VideoHead) -> None:
    """Insert everything of a video but its windows."""
    for table in _TABLES:
        for values in head.tables[table.name]:
            if table is _SHARED and _is_there(connection, table, values):
                continue
            told: dict[str, Any] = dict(values)
            if table is schema.jobs and _is_taken(connection, values["seq"]):
                told["seq"] = next_job()
            connection.execute(insert(table).values(**told))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_GO_ON_ABOVE)


# numbers of jobs are their place in the queue, and come along
_GO_ON_ABOVE = (
    "SELECT setval(name, greatest((SELECT max(seq) FROM jobs), nextval(name)))"
    " FROM (SELECT pg_get_serial_sequence('jobs', 'seq') AS name) AS sequence"
)


def _is_taken(connection: Connection, seq: int) -> bool:
    return connection.execute(select(schema.jobs.c.seq).where(schema.jobs.c.seq == seq)).one_or_none() is not None


def _is_there(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    own = (column == values[column.name] for column in table.primary_key)
    return connection.execute(select(*table.primary_key).where(*own)).one_or_none() is not None


def write_window(connection: Connection, window: WindowRows) -> None:
    """Insert a window with its rows, read back and compared."""
    for values in window.blobs:
        if not _is_there(connection, schema.blobs, values):
            connection.execute(insert(schema.blobs).values(**values))
    connection.execute(insert(schema.windows), window.window)
    if window.quarantined:
        connection.execute(insert(schema.quarantined_annotations), list(window.quarantined))
    if not window.rows:
        return
    read = [row for chunk in insert_rows(connection, window.rows) for row in chunk]
    if read != window.rows:
        raise DataInconsistencyError(
            f"window {window.window['ordinal']} of run {window.window['run_id']} reads back otherwise than it was"
            " written; nothing of its video was stored"
        )


def copy_blob(source: BlobStore, target: BlobStore, values: Values) -> None:
    if values["sha256"] not in target:
        target.put(source.get(values["sha256"]), values["suffix"])
