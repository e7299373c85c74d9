"""Rows of ``jobs``: submission, leases, fences, deaths. What a job becomes is decided by ``stores.lifecycle``."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    null,
    select,
    update,
)

from cortexia.errors import FenceLostError, StoreBusyError, StoreError
from cortexia.stores import lifecycle
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import BatchRecord, Cause, Claim, JobRecord
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import runs, videos
from cortexia.stores.sql.columns import epoch_seconds, next_job
from cortexia.stores.sql.moments import has_waited, is_out_of_time
from cortexia.stores.sql.schema import job_runs, jobs
from cortexia.types import JobState, VideoIdentity

_WAITING = tuple(state.value for state in lifecycle.WAITING)
_FINAL = tuple(state.value for state in JobState if state.is_final)
_FROM_START = ("job_id", "video_id", "video_path", "created_at", "batch_id")
_BY_CLOCK = ("started_at", "completed_at")
_PLAIN = tuple(
    item.name
    for item in dataclasses.fields(JobRecord)
    if item.name not in (*_FROM_START, *_BY_CLOCK, "status", "suspects", "failures", "config")
)
"""Columns that are written as they stand in a record."""

# Statements are built once: building one costs more than running it.
_IS_HELD = and_(
    jobs.c.job_id == bindparam("held_job"),
    jobs.c.attempt == bindparam("held_attempt"),
    jobs.c.worker == bindparam("held_by"),
    jobs.c.status == JobState.RUNNING.value,
)
_HELD_JOB = select(jobs).where(_IS_HELD).with_for_update()
_COUNT_WINDOW = (
    update(jobs)
    .where(_IS_HELD)
    .values(windows=jobs.c.windows + 1, heartbeat_at=func.coalesce(bindparam("now", type_=Float), epoch_seconds()))
)
_CLOCK = select(epoch_seconds())
_other = jobs.alias("other")
_STARTABLE = (
    select(jobs)
    .where(
        jobs.c.status.in_(_WAITING),
        has_waited(bindparam("moment", type_=Float)),
        ~exists().where(_other.c.video_id == jobs.c.video_id, _other.c.status == JobState.RUNNING.value),
    )
    .order_by(jobs.c.priority.desc(), jobs.c.seq)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""The first job that may start at ``moment``."""
_status = bindparam("new_status", type_=jobs.c.status.type)
_CHANGE = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("changed"))
    .values(
        {
            **{name: bindparam(f"new_{name}", type_=jobs.c[name].type) for name in (*_PLAIN, "suspects", "failures")},
            "status": _status,
            "started_at": case(
                (_status == JobState.RUNNING.value, func.coalesce(jobs.c.started_at, func.current_timestamp())),
                else_=jobs.c.started_at,
            ),
            "completed_at": case(
                (_status.in_(_FINAL), func.coalesce(jobs.c.completed_at, func.current_timestamp())), else_=null()
            ),
        }
    )
    .returning(jobs)
)
"""What a job has become; times of start and end come from the database's clock."""


class JobRows:
    """Rows of ``jobs`` inside one write transaction."""

    def __init__(self, connection: Connection, rules: Rules) -> None:
        self._connection = connection
        self._rules = rules
        self.events: list[AuditEvent] = []
        """What is to be written into the audit log when the work is done, and never inside a window's transaction."""

    def now(self) -> float:
        """Seconds since 1970 by the database's clock, or by the one that was handed in."""
        if self._rules.clock is not None:
            return self._rules.clock()
        return float(self._connection.execute(_CLOCK).scalar_one())

    # -- submission

    def submit(self, video: VideoIdentity, run_ids: Sequence[str], **told: Any) -> str:
        """Id of a queued job for these runs, or of an unfinished one with the same runs. ``told``: ``config``,
        ``priority``, ``batch_id``."""
        wanted, video_id = list(dict.fromkeys(run_ids)), video.video_id
        videos.save(self._connection, video, media=None)
        unfinished = self._unfinished(video_id, wanted)
        if unfinished is not None:
            self._adopt(unfinished, told.get("batch_id"))
            return unfinished
        runs.require(self._connection, wanted, video_id)
        job_id = str(uuid.uuid4())
        values = {
            "seq": next_job(),
            "video_path": video.uri,
            "video_id": video_id,
            "status": JobState.QUEUED.value,
            **told,
        }
        self._connection.execute(insert(jobs).values(job_id=job_id, **values))
        if wanted:
            rows = [{"job_id": job_id, "run_id": run_id, "ordinal": at} for at, run_id in enumerate(wanted)]
            self._connection.execute(insert(job_runs), rows)
        videos.set_status(self._connection, video_id, JobState.QUEUED)
        self._remember("submitted", job_id, video_id=video_id, runs=len(wanted), priority=told.get("priority", 0))
        return job_id

    def _unfinished(self, video_id: str, run_ids: Sequence[str]) -> str | None:
        candidates = select(jobs.c.job_id).where(jobs.c.video_id == video_id, jobs.c.status.not_in(_FINAL))
        unfinished: Sequence[str] = self._connection.execute(candidates.order_by(jobs.c.seq)).scalars().all()
        for job_id in unfinished:
            has = self._connection.execute(select(job_runs.c.run_id).where(job_runs.c.job_id == job_id)).scalars()
            if set(has) == set(run_ids):
                return job_id
        return None

    def _adopt(self, job_id: str, batch_id: str | None) -> None:
        """The job goes over to the batch that asks for it."""
        if batch_id is not None:
            self._connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(batch_id=batch_id))

    # -- leases

    def claim(
        self, worker: str, lease_s: float, job_id: str | None, among: Collection[str] | None = None
    ) -> Claim | None:
        """Take the first job that may start: highest priority, then oldest. Jobs whose lease has lapsed lost their
        worker, and wait again first."""
        now = self.now()
        self.rescue(now)
        first = _STARTABLE
        if job_id is not None:
            first = first.where(jobs.c.job_id == job_id)
        if among is not None:
            first = first.where(jobs.c.job_id.in_(list(among)))
        found = self._connection.execute(first, {"moment": now}).one_or_none()
        if found is None:
            return None
        job = self._write(lifecycle.claimed(_record(found), worker, lease_s, now))
        return Claim(job, worker, job.attempt)

    def rescue(self, now: float | None = None) -> tuple[str, ...]:
        """Ids of jobs whose lease had lapsed: taken from their workers, by the rules for a death."""
        moment = self.now() if now is None else now
        # a worker that stands still in the middle of a commit must not make the others wait
        found = list(self._locked(is_out_of_time(moment), skip_locked=True))
        lapsed = [job for job in found if not lifecycle.is_clock_set(job, moment)]
        for job in found:
            if lifecycle.is_clock_set(job, moment):
                self._write(lifecycle.relet(job, moment))
            else:
                self._bury(job, f"worker {job.worker} was not heard of any more", moment)
        return tuple(job.job_id for job in lapsed)

    def abandon(
        self, job_id: str, worker: str, message: str, log_tail: str | None, session: str | None = None
    ) -> JobState:
        """The state of the job after the death of ``worker``; unchanged where the job is no longer with that worker."""
        job = self.one(job_id)
        if job.status is not JobState.RUNNING or job.worker != worker:
            return job.status
        at_work = (job.session if session is None else session) or None
        return self._bury(dataclasses.replace(job, log_tail=log_tail, session=at_work), message, self.now())

    def _bury(self, job: JobRecord, message: str, now: float) -> JobState:
        death = lifecycle.died(job, message, now, self._rules)
        if death.accused is not None:
            runs.fail_annotator(self._connection, job.job_id, death.accused, "poison", message)
        return self._write(death.job).status

    # -- by the holder of a claim

    def commit(self, holder: Claim) -> None:
        """Another window of the job. Raises ``FenceLostError`` unless the job still belongs to ``holder`` (G3)."""
        update_fenced(self._connection, holder, None if self._rules.clock is None else self._rules.clock())

    def renew(self, holder: Claim, lease_s: float, session: str | None) -> JobRecord:
        return self._write(lifecycle.beaten(self._held(holder), lease_s, self.now(), session))

    def release(self, holder: Claim, status: JobState, reason: str | None, message: str | None) -> JobState:
        """End the job, or put it back in the queue."""
        return self._write(lifecycle.released(self._held(holder), status, reason, message)).status

    def set_back(self, holder: Claim, cause: Cause, message: str) -> JobState:
        """An attempt that ended for ``cause``: the job waits for another, or fails."""
        job = self._held(holder)
        return self._write(lifecycle.failed_attempt(job, cause, message, self.now(), self._rules)).status

    def _held(self, holder: Claim) -> JobRecord:
        """The job, its row locked. Raises ``FenceLostError`` unless it still belongs to ``holder`` (G3)."""
        found = self._connection.execute(_HELD_JOB, _fence(holder)).one_or_none()
        if found is None:
            raise _fence_lost(holder)
        return _record(found)

    # -- by hand

    def cancel(self, job_id: str) -> JobRecord:
        job = self.one(job_id)
        if job.status.is_final:
            return job
        self._remember("cancel_asked", job_id)
        return self._write(lifecycle.cancelled(job))

    def revive(self, job_id: str) -> JobRecord:
        self._remember("revived", job_id)
        return self._write(lifecycle.revived(self.one(job_id)))

    def take(self, job_id: str, run_ids: Sequence[str], worker: str, lease_s: float) -> Claim:
        """See ``stores.base.StorageBackend.take_job``."""
        job = self.one(job_id)
        at_work = next(self._locked(jobs.c.video_id == job.video_id, jobs.c.status == JobState.RUNNING.value), None)
        if at_work is not None:
            raise StoreBusyError(f"{at_work.worker} is at video {job.video_id[:12]}; wait, or stop it, and try again")
        runs.require(self._connection, run_ids, job.video_id)
        known = self._connection.execute(select(job_runs.c.run_id).where(job_runs.c.job_id == job_id)).scalars().all()
        new = [run_id for run_id in run_ids if run_id not in known]
        if new:
            rows = [{"job_id": job_id, "run_id": run_id, "ordinal": at} for at, run_id in enumerate(new, len(known))]
            self._connection.execute(insert(job_runs), rows)
        self._remember("extended", job_id, runs=len(new))
        waiting = dataclasses.replace(lifecycle.revived(job), not_before=None)
        taken = self._write(lifecycle.claimed(waiting, worker, lease_s, self.now()))
        return Claim(taken, worker, taken.attempt)

    def note(self, job_id: str, name: str, value: Any) -> None:
        """See ``stores.base.StorageBackend.note_job``."""
        job = self.one(job_id)
        values = {"config": {**job.config, name: value}}
        self._connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
        self._write(job)

    # -- rows

    def one(self, job_id: str) -> JobRecord:
        """The job, its row locked. Raises ``StoreError`` where there is none."""
        record = next(self._locked(jobs.c.job_id == job_id), None)
        if record is None:
            raise StoreError(f"there is no job {job_id}")
        return record

    def _locked(self, *conditions: ColumnElement[bool], skip_locked: bool = False) -> Iterator[JobRecord]:
        statement = select(jobs).where(*conditions).order_by(jobs.c.seq).with_for_update(skip_locked=skip_locked)
        return map(_record, self._connection.execute(statement).all())

    def _write(self, job: JobRecord) -> JobRecord:
        """Store what the job has become; times of start and end come from the database's clock."""
        values: dict[str, Any] = {name: getattr(job, name) for name in _PLAIN}
        values |= {"status": job.status.value, "suspects": dict(job.suspects), "failures": dict(job.failures)}
        told = {f"new_{name}": value for name, value in values.items()}
        written = _record(self._connection.execute(_CHANGE, {**told, "changed": job.job_id}).one())
        videos.set_status(self._connection, job.video_id, job.status)
        if job.status.is_final:
            self._remember("ended", job.job_id, status=job.status.value, reason=job.reason, attempt=job.attempt)
        return written

    def _remember(self, what: str, job_id: str, **details: Any) -> None:
        self.events.append(AuditEvent(f"job.{what}", job_id, details))


def update_fenced(connection: Connection, holder: Claim, now: float | None) -> None:
    """Count another window of the job if, and only if, it still belongs to ``holder``. ``now``: ``None`` for the
    database's clock. Raises ``FenceLostError`` (G3)."""
    if connection.execute(_COUNT_WINDOW, {**_fence(holder), "now": now}).rowcount != 1:
        raise _fence_lost(holder)


def _fence(holder: Claim) -> dict[str, Any]:
    return {"held_job": holder.job.job_id, "held_attempt": holder.attempt, "held_by": holder.worker}


def _fence_lost(holder: Claim) -> FenceLostError:
    return FenceLostError(
        f"job {holder.job.job_id} is no longer with worker {holder.worker} (attempt {holder.attempt}); "
        "another one goes on with it, and nothing of this step was stored"
    )


def find(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[JobRecord]:
    """Jobs in order of submission."""
    statement = select(jobs).where(*conditions).order_by(jobs.c.seq)
    for row in connection.execute(statement.execution_options(yield_per=100)):
        yield _record(row)


def batches(connection: Connection) -> Iterator[BatchRecord]:
    """Batches in order of their first jobs."""
    columns = (
        func.count().label("amount"),
        func.min(jobs.c.created_at).label("created_at"),
        func.min(jobs.c.started_at).label("started_at"),
        func.max(jobs.c.completed_at).label("completed_at"),
        func.max(jobs.c.priority).label("priority"),
        func.min(jobs.c.seq).label("first"),
    )
    by_state = select(jobs.c.batch_id, jobs.c.status, *columns).where(jobs.c.batch_id.is_not(None))
    grouped: dict[str, list[Any]] = {}
    rows = connection.execute(by_state.group_by(jobs.c.batch_id, jobs.c.status)).all()
    for row in sorted(rows, key=lambda row: row.first):
        grouped.setdefault(row.batch_id, []).append(row)
    for batch_id, group in grouped.items():
        yield BatchRecord(
            batch_id=batch_id,
            counts={row.status: row.amount for row in group},
            created_at=min(row.created_at for row in group),
            started_at=min((row.started_at for row in group if row.started_at), default=None),
            completed_at=max((row.completed_at for row in group if row.completed_at), default=None),
            priority=max(row.priority for row in group),
        )


def _record(row: Any) -> JobRecord:
    values = {item.name: getattr(row, item.name) for item in dataclasses.fields(JobRecord)}
    values |= {"status": JobState(row.status), "cancel_requested": bool(row.cancel_requested)}
    return JobRecord(**values)
