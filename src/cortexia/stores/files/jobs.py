"""Jobs in their files, ``jobs/{job_id}/job.json``, and the same as rows of the index."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from cortexia.files import make_folder
from cortexia.stores import lifecycle
from cortexia.stores.base import JobRecord
from cortexia.stores.files import sealed
from cortexia.stores.files.folder import StoreFolder
from cortexia.stores.files.index import indexed_jobs
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql.jobs import JobRows
from cortexia.stores.sql.moments import has_waited, is_out_of_time
from cortexia.stores.sql.schema import job_runs, jobs, runs
from cortexia.types import JobState, RunStatus, VideoIdentity

_OPEN = (RunStatus.PENDING.value, RunStatus.RUNNING.value)
_WAITING = tuple(state.value for state in lifecycle.WAITING)
# counted from the window files, which are the commits
_DERIVED = frozenset({"windows"})


class FileJobRows(JobRows):
    """Rows of the jobs of one video (whose folder is locked), and which of them changed."""

    def __init__(self, connection: Connection, rules: Rules, video_id: str) -> None:
        super().__init__(connection, rules)
        self._video_id = video_id
        self.changed: dict[str, JobState] = {}
        self.failed_runs: list[str] = []

    def submit(self, video: VideoIdentity, run_ids: Sequence[str], **told: Any) -> str:
        job_id = super().submit(video, run_ids, **told)
        known = select(indexed_jobs.c.job_id).where(indexed_jobs.c.job_id == job_id)
        if self._connection.execute(known).one_or_none() is None:
            # a number from the clock: what lies in files that the index does not know yet cannot have the same one
            newest = self._connection.execute(select(jobs.c.seq).where(jobs.c.job_id == job_id)).scalar_one()
            values = {"seq": max(newest, time.time_ns())}
            self._connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
            self.changed[job_id] = JobState.QUEUED
        return job_id

    def _adopt(self, job_id: str, batch_id: str | None) -> None:
        before = self.one(job_id)
        if batch_id not in (None, before.batch_id):
            super()._adopt(job_id, batch_id)
            self.changed[job_id] = before.status

    def end(self, job: JobRecord) -> None:
        """Store an end that its window told, and the file of the job did not."""
        self._write(job)

    def _locked(self, *conditions: ColumnElement[bool], skip_locked: bool = False) -> Iterator[JobRecord]:
        return super()._locked(jobs.c.video_id == self._video_id, *conditions, skip_locked=skip_locked)

    def _write(self, job: JobRecord) -> JobRecord:
        written = super()._write(job)
        self.changed[job.job_id] = written.status
        return written

    def _bury(self, job: JobRecord, message: str, now: float) -> JobState:
        before = self._runs_of(job.job_id, *_OPEN)
        state = super()._bury(job, message, now)
        self.failed_runs += sorted(before & self._runs_of(job.job_id, RunStatus.FAILED.value))
        return state

    def _runs_of(self, job_id: str, *statuses: str) -> set[str]:
        joined = runs.join(job_runs, job_runs.c.run_id == runs.c.run_id)
        statement = select(runs.c.run_id).select_from(joined)
        return set(
            self._connection.execute(
                statement.where(job_runs.c.job_id == job_id, runs.c.status.in_(statuses))
            ).scalars()
        )


def lapsed(connection: Connection, now: float) -> list[str]:
    """Videos with a job that has to be looked at: its lease has lapsed, or the clock was set."""
    statement = select(jobs.c.video_id).where(is_out_of_time(now))
    return list(connection.execute(statement.distinct()).scalars())


def may_start(connection: Connection, now: float, most: int, among: Collection[str] | None = None) -> list[str]:
    """Jobs that may start, in the order in which they should."""
    other = jobs.alias("other")
    leased = select(other.c.job_id).where(other.c.video_id == jobs.c.video_id, other.c.status == JobState.RUNNING.value)
    ready = (jobs.c.status.in_(_WAITING), has_waited(now), ~leased.exists())
    statement = select(jobs.c.job_id).where(*ready).order_by(jobs.c.priority.desc(), jobs.c.seq)
    if among is not None:
        statement = statement.where(jobs.c.job_id.in_(list(among)))
    return list(connection.execute(statement.limit(most)).scalars())


# -- files


def save(connection: Connection, folder: StoreFolder, job_id: str, now: float) -> None:
    """Write the file of a job from its row."""
    row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one()._asdict()
    ordered = select(job_runs.c.run_id).where(job_runs.c.job_id == job_id).order_by(job_runs.c.ordinal)
    content = {name: value for name, value in row.items() if name not in _DERIVED}
    content |= {"run_ids": list(connection.execute(ordered).scalars()), "changed_at": now}
    path = folder.job(job_id)
    make_folder(path.parent)
    sealed.write(path, content)
    note(connection, job_id, row["video_id"], sealed.mark(path))


def load(connection: Connection, content: dict[str, Any], removed: Collection[str]) -> bool:
    """Make the row of a job what its file says. Whether it did: a job is left out whose runs are not those of the video
    that is there, because somebody deleted the folder of the video since. ``removed``: runs that were put away."""
    job_id, run_ids = content["job_id"], [run_id for run_id in content["run_ids"] if run_id not in removed]
    registered = connection.execute(select(runs.c.run_id).where(runs.c.video_id == content["video_id"])).scalars()
    if not set(run_ids) <= set(registered):
        return False
    values = {column.name: content[column.name] for column in jobs.columns if column.name in content}
    known = connection.execute(select(jobs.c.seq).where(jobs.c.job_id == job_id)).one_or_none()
    if known is not None:
        connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
        return True
    connection.execute(insert(jobs).values(**values))
    if run_ids:
        rows = [{"job_id": job_id, "run_id": run_id, "ordinal": at} for at, run_id in enumerate(run_ids)]
        connection.execute(insert(job_runs), rows)
    return True


def note(connection: Connection, job_id: str, video_id: str, mark: str) -> None:
    """Remember which version of a job's file the index holds."""
    connection.execute(indexed_jobs.delete().where(indexed_jobs.c.job_id == job_id))
    connection.execute(insert(indexed_jobs).values(job_id=job_id, video_id=video_id, mark=mark))
