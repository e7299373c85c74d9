"""Putting away: what is old enough, and taking it out without leaving a row that names what is gone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, delete, func, literal_column, select, type_coerce, update

from cortexia.stores.sql.columns import MOMENT, MOMENT_FORMAT
from cortexia.stores.sql.schema import (
    annotation_rows,
    blobs,
    job_runs,
    jobs,
    quarantined_annotations,
    runs,
    videos,
    windows,
)
from cortexia.stores.upkeep import OldRun, Removed
from cortexia.types import JobState, RunStatus, canonical_json

_FINAL = tuple(state.value for state in JobState if state.is_final)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_STEP = 500
_NOW = select(literal_column("CURRENT_TIMESTAMP", MOMENT))


def before(connection: Connection, age_s: float) -> str:
    """The moment so many seconds ago by the database's clock, as its rows write times."""
    now = datetime.strptime(connection.execute(_NOW).scalar_one(), MOMENT_FORMAT)
    if connection.dialect.name == "postgresql":
        # its rows have fractions of the second that is over when this one begins
        now += timedelta(seconds=1)
    return (now - timedelta(seconds=age_s)).strftime(MOMENT_FORMAT)


def old_runs(connection: Connection, age_s: float) -> Sequence[OldRun]:
    """Superseded runs that gave way so long ago, that nothing kept was made from, and that no unfinished job names."""
    open_jobs = select(job_runs.c.run_id).join(jobs, jobs.c.job_id == job_runs.c.job_id)
    open_jobs = open_jobs.where(jobs.c.status.not_in(_FINAL))
    gave_way = func.coalesce(runs.c.updated_at, runs.c.completed_at, runs.c.created_at)
    statement = select(runs).where(
        runs.c.status == RunStatus.SUPERSEDED.value,
        gave_way <= before(connection, age_s),
        runs.c.run_id.not_in(open_jobs),
    )
    found = {row.run_key: row for row in connection.execute(statement.order_by(runs.c.video_id, runs.c.run_id))}
    for key in _needed(connection, set(found)):
        del found[key]
    return [
        OldRun(row.run_id, row.video_id, row.annotator, row.annotation_count, row.completed_at)
        for row in found.values()
    ]


def _needed(connection: Connection, candidates: set[str]) -> set[str]:
    """Those of ``candidates`` (run keys) that a run which stays was made from, directly or not."""
    upstream = {row.run_key: row.upstream for row in connection.execute(select(runs.c.run_key, runs.c.upstream))}
    waiting = [key for key in upstream if key not in candidates]
    needed: set[str] = set()
    while waiting:
        for key in upstream.get(waiting.pop(), ()):
            if key in candidates and key not in needed:
                needed.add(key)
                waiting.append(key)
    return needed


def old_jobs(connection: Connection, age_s: float) -> Sequence[str]:
    # a row's job is that of its window
    named = select(windows.c.job_id).distinct()
    statement = select(jobs.c.job_id).where(
        jobs.c.status.in_(_FINAL),
        jobs.c.completed_at <= before(connection, age_s),
        jobs.c.job_id.not_in(named),
    )
    return list(connection.execute(statement.order_by(jobs.c.seq)).scalars())


class Removal:
    """Deletes of one transaction, counted by table. Rows that name others go before those."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[str, int] = {}

    def removed(self) -> Removed:
        return Removed(dict(self._rows))

    def runs(self, run_ids: Collection[str]) -> None:
        """Those that are still superseded: somebody may have asked for one again meanwhile."""
        for asked in _steps(run_ids):
            still = (runs.c.run_id.in_(asked), runs.c.status == RunStatus.SUPERSEDED.value)
            # locked: one that is asked for again at the same time waits, and finds it gone
            found = self._connection.execute(select(runs.c.run_id).where(*still).with_for_update()).all()
            some = [row.run_id for row in found]
            for row in found:
                # a run that gave way to this one has given way to its successor
                successor = self._connection.execute(
                    select(runs.c.superseded_by).where(runs.c.run_id == row.run_id)
                ).scalar_one()
                self._connection.execute(
                    update(runs).where(runs.c.superseded_by == row.run_id).values(superseded_by=successor)
                )
            for table in (annotation_rows, quarantined_annotations, windows, job_runs, runs):
                self._delete(table, table.c.run_id.in_(some))

    def jobs(self, job_ids: Collection[str]) -> None:
        """Those that have still ended, and that no window names."""
        named = select(windows.c.job_id).distinct()
        for asked in _steps(job_ids):
            still = (jobs.c.job_id.in_(asked), jobs.c.status.in_(_FINAL), jobs.c.job_id.not_in(named))
            some = list(self._connection.execute(select(jobs.c.job_id).where(*still)).scalars())
            for table in (job_runs, jobs):
                self._delete(table, table.c.job_id.in_(some))

    def video(self, video_id: str) -> None:
        """All there is of it, if it is still deleted and no worker is at work on it."""
        is_deleted = select(videos.c.video_id).where(videos.c.video_id == video_id, videos.c.deleted_at.is_not(None))
        at_work = select(jobs.c.job_id).where(jobs.c.video_id == video_id, jobs.c.status == JobState.RUNNING.value)
        is_due = self._connection.execute(is_deleted.with_for_update()).first()
        if not is_due or self._connection.execute(at_work).first():
            return
        of_video = select(runs.c.run_id).where(runs.c.video_id == video_id)
        self._delete(annotation_rows, annotation_rows.c.video_id == video_id)
        self._delete(quarantined_annotations, quarantined_annotations.c.video_id == video_id)
        self._delete(windows, windows.c.run_id.in_(of_video))
        self._delete(job_runs, job_runs.c.run_id.in_(of_video))
        self._connection.execute(
            update(runs)
            .where(runs.c.video_id == video_id, runs.c.superseded_by.is_not(None))
            .values(superseded_by=None, status=RunStatus.COMPLETED.value)
        )
        for table in (runs, jobs, videos):
            self._delete(table, table.c.video_id == video_id)

    def _delete(self, table: Table, condition: ColumnElement[bool]) -> None:
        gone = self._connection.execute(delete(table).where(condition)).rowcount
        self._rows[table.name] = self._rows.get(table.name, 0) + gone


def _steps(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _STEP):
        yield ordered[start : start + _STEP]


# -- blobs


def last_row(connection: Connection) -> int:
    """Number of the last row. Under ``Lock.BLOBS``: rows that name blobs and are yet to come get higher ones."""
    return int(connection.execute(select(func.coalesce(func.max(annotation_rows.c.seq), 0))).scalar_one())


def digests_in_rows(connection: Connection, after: int = 0) -> set[bytes]:
    """Every SHA-256 that the data of a row later than ``after`` holds, whatever it means there: what may be needed is
    kept."""
    data = type_coerce(annotation_rows.c.data, Text)
    statement = select(data).where(annotation_rows.c.seq > after)
    found: set[bytes] = set()
    for (text,) in connection.execute(statement.execution_options(yield_per=2000)):
        found.update(map(bytes.fromhex, _DIGEST.findall(_as_text(text))))
    return found


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def recorded_blobs(connection: Connection, digests: Collection[str]) -> set[str]:
    """Those of ``digests`` that the table of blobs holds."""
    found: set[str] = set()
    for some in _steps(digests):
        found.update(connection.execute(select(blobs.c.sha256).where(blobs.c.sha256.in_(some))).scalars())
    return found


def forget_blobs(connection: Connection, digests: Collection[str]) -> None:
    for some in _steps(digests):
        connection.execute(delete(blobs).where(blobs.c.sha256.in_(some)))
