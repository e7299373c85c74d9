"""Rows of ``jobs``: submission, leases, fences, deaths. Every function runs inside a write transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select, update

from cortexia.errors import FenceLostError, StoreError, ValidationError
from cortexia.stores.base import Claim, JobRecord
from cortexia.stores.sql import runs, videos
from cortexia.stores.sql.door import epoch_seconds
from cortexia.stores.sql.schema import job_runs, jobs
from cortexia.types import JobState, VideoIdentity

MAX_DEATHS = 3
WAITING = (JobState.PENDING.value, JobState.QUEUED.value, JobState.RETRYING.value)
_FINAL = tuple(state.value for state in JobState if state.is_final)
_NO_LEASE: dict[str, Any] = {"worker": None, "lease_expires_at": None}


def submit(connection: Connection, video: VideoIdentity, run_ids: Sequence[str], config: Mapping[str, Any]) -> str:
    """Id of a queued job for these runs, or of an unfinished one with the same runs."""
    wanted = list(dict.fromkeys(run_ids))
    videos.save(connection, video, media=None)
    unfinished = _unfinished(connection, video.video_id, wanted)
    if unfinished is not None:
        return unfinished
    runs.require(connection, wanted, video.video_id)
    job_id = str(uuid.uuid4())
    values = {
        "seq": select(func.coalesce(func.max(jobs.c.seq), 0) + 1).scalar_subquery(),
        "video_path": video.uri,
        "video_id": video.video_id,
        "status": JobState.QUEUED.value,
        "config": dict(config),
    }
    connection.execute(insert(jobs).values(job_id=job_id, **values))
    if wanted:
        rows = [{"job_id": job_id, "run_id": run_id, "ordinal": at} for at, run_id in enumerate(wanted)]
        connection.execute(insert(job_runs), rows)
    videos.set_status(connection, video.video_id, JobState.QUEUED)
    return job_id


def _unfinished(connection: Connection, video_id: str, run_ids: Sequence[str]) -> str | None:
    candidates = select(jobs.c.job_id).where(jobs.c.video_id == video_id, jobs.c.status.not_in(_FINAL))
    unfinished: Sequence[str] = connection.execute(candidates.order_by(jobs.c.seq)).scalars().all()
    for job_id in unfinished:
        has = connection.execute(select(job_runs.c.run_id).where(job_runs.c.job_id == job_id)).scalars()
        if set(has) == set(run_ids):
            return job_id
    return None


def claim(connection: Connection, worker: str, lease_s: float, job_id: str | None) -> Claim | None:
    """Take the oldest job that may run. Jobs whose lease has lapsed lost their worker, and wait again first."""
    _reclaim_lapsed(connection)
    other = jobs.alias("other")
    leased = exists().where(other.c.video_id == jobs.c.video_id, other.c.status == JobState.RUNNING.value)
    oldest = select(jobs.c.job_id, jobs.c.video_id).where(jobs.c.status.in_(WAITING), ~leased)
    if job_id is not None:
        oldest = oldest.where(jobs.c.job_id == job_id)
    found = connection.execute(oldest.order_by(jobs.c.priority.desc(), jobs.c.seq).limit(1)).one_or_none()
    if found is None:
        return None
    values = {
        "status": JobState.RUNNING.value,
        "attempt": jobs.c.attempt + 1,
        "worker": worker,
        "lease_expires_at": epoch_seconds() + lease_s,
        "heartbeat_at": epoch_seconds(),
        "started_at": func.coalesce(jobs.c.started_at, func.current_timestamp()),
        "windows_at_claim": jobs.c.windows,
        "reason": None,
        "error_message": None,
    }
    connection.execute(update(jobs).where(jobs.c.job_id == found.job_id).values(**values))
    videos.set_status(connection, found.video_id, JobState.RUNNING)
    record = one(connection, found.job_id)
    return Claim(record, worker, record.attempt)


def _reclaim_lapsed(connection: Connection) -> None:
    lapsed = select(jobs.c.job_id).where(
        jobs.c.status == JobState.RUNNING.value, jobs.c.lease_expires_at < epoch_seconds()
    )
    for job_id in connection.execute(lapsed).scalars().all():
        _bury(connection, job_id, MAX_DEATHS)


def abandon(connection: Connection, job_id: str, worker: str, max_attempts: int) -> JobState:
    """The state of the job after the death of ``worker``; unchanged where the job is no longer with that worker."""
    record = one(connection, job_id)
    if record.status is not JobState.RUNNING or record.worker != worker:
        return record.status
    return _bury(connection, job_id, max_attempts)


def _bury(connection: Connection, job_id: str, max_deaths: int) -> JobState:
    """Take a running job from its dead worker. Only a death without a window since the claim counts (G7)."""
    columns = (jobs.c.video_id, jobs.c.windows, jobs.c.windows_at_claim, jobs.c.deaths, jobs.c.worker)
    row = connection.execute(select(*columns).where(jobs.c.job_id == job_id)).one()
    deaths = 0 if row.windows > row.windows_at_claim else row.deaths + 1
    values: dict[str, Any] = {"deaths": deaths, "retry_count": jobs.c.retry_count + 1, **_NO_LEASE}
    if deaths >= max_deaths:
        message = f"worker {row.worker} died, and {deaths} in a row left nothing; submit the video again to retry"
        state = JobState.FAILED
        values |= {"reason": "quarantined", "error_message": message, "completed_at": func.current_timestamp()}
    else:
        state = JobState.QUEUED
    connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(status=state.value, **values))
    videos.set_status(connection, row.video_id, state)
    return state


def _fence(holder: Claim) -> ColumnElement[bool]:
    return and_(
        jobs.c.job_id == holder.job.job_id,
        jobs.c.attempt == holder.attempt,
        jobs.c.worker == holder.worker,
        jobs.c.status == JobState.RUNNING.value,
    )


def update_fenced(connection: Connection, holder: Claim, **values: Any) -> None:
    """Change the job if, and only if, it still belongs to ``holder``. Raises ``FenceLostError`` (G3)."""
    changed = connection.execute(update(jobs).where(_fence(holder)).values(**values))
    if changed.rowcount != 1:
        raise FenceLostError(
            f"job {holder.job.job_id} is no longer with worker {holder.worker} (attempt {holder.attempt}); "
            "another one goes on with it, and nothing of this step was stored"
        )


def beat(connection: Connection, holder: Claim, **values: Any) -> None:
    update_fenced(connection, holder, heartbeat_at=epoch_seconds(), **values)


def renew(connection: Connection, holder: Claim, lease_s: float) -> None:
    beat(connection, holder, lease_expires_at=epoch_seconds() + lease_s)


def release(connection: Connection, holder: Claim, status: JobState, reason: str | None, message: str | None) -> None:
    """End the job, or put it back in the queue."""
    if status is JobState.RUNNING:
        raise ValidationError("a job is released into a state other than running")
    values: dict[str, Any] = {"status": status.value, "reason": reason, "error_message": message, **_NO_LEASE}
    if status.is_final:
        values["completed_at"] = func.current_timestamp()
    if status is JobState.RETRYING:
        values["retry_count"] = jobs.c.retry_count + 1
    update_fenced(connection, holder, **values)
    videos.set_status(connection, holder.job.video_id, status)


def one(connection: Connection, job_id: str) -> JobRecord:
    record = next(find(connection, jobs.c.job_id == job_id), None)
    if record is None:
        raise StoreError(f"there is no job {job_id}")
    return record


def find(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[JobRecord]:
    """Jobs in order of submission."""
    statement = select(jobs).where(*conditions).order_by(jobs.c.seq)
    for row in connection.execution_options(yield_per=100).execute(statement):
        yield _record(row)


def _record(row: Any) -> JobRecord:
    return JobRecord(
        job_id=row.job_id,
        video_id=row.video_id,
        video_path=row.video_path,
        status=JobState(row.status),
        config=row.config,
        attempt=row.attempt,
        worker=row.worker,
        retry_count=row.retry_count,
        error_message=row.error_message,
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )
