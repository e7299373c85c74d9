"""The queue in memory: the same rules as every store, without a database, quick enough for thousands of worlds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cortexia.errors import DataInconsistencyError, FenceLostError
from cortexia.stores import lifecycle
from cortexia.stores.base import Cause, Claim, JobRecord
from cortexia.stores.lifecycle import Rules
from cortexia.types import JobState


@dataclass
class Kept:
    """What is stored of a job: its windows, with the attempt that committed each, and annotators whose run failed."""

    windows: list[tuple[int, int]] = field(default_factory=list)
    failed_runs: set[str] = field(default_factory=set)


class MemoryQueue:
    """Jobs by id, changed by ``stores.lifecycle`` alone. Every method is one transaction."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.jobs: dict[str, JobRecord] = {}
        self.kept: dict[str, Kept] = {}

    def now(self) -> float:
        assert self.rules.clock is not None
        return self.rules.clock()

    def submit(self, job_id: str, video_id: str, priority: int = 0) -> None:
        self.jobs[job_id] = JobRecord(job_id, video_id, video_id, JobState.QUEUED, priority=priority)
        self.kept[job_id] = Kept()

    def claim(self, worker: str, lease_s: float) -> Claim | None:
        self.rescue()
        now = self.now()
        leased = {job.video_id for job in self.jobs.values() if job.status is JobState.RUNNING}
        able = [job for job in self.jobs.values() if lifecycle.may_start(job, now) and job.video_id not in leased]
        if not able:
            return None
        job = min(able, key=lambda item: -item.priority)  # the first of several: order of submission
        return Claim(self._write(lifecycle.claimed(job, worker, lease_s, now)), worker, job.attempt + 1)

    def rescue(self) -> None:
        now = self.now()
        for job in list(self.jobs.values()):
            if job.status is JobState.RUNNING and lifecycle.is_clock_set(job, now):
                self._write(lifecycle.relet(job, now))
            elif lifecycle.has_lapsed(job, now):
                self._bury(job, "not heard of any more")

    def abandon(self, job_id: str, worker: str) -> None:
        job = self.jobs[job_id]
        if job.status is JobState.RUNNING and job.worker == worker:
            self._bury(job, "died")

    def _bury(self, job: JobRecord, message: str) -> None:
        death = lifecycle.died(job, message, self.now(), self.rules)
        if death.accused is not None:
            self.kept[job.job_id].failed_runs.add(death.accused)
        self._write(death.job)

    def held(self, holder: Claim) -> JobRecord:
        job = self.jobs[holder.job.job_id]
        if (job.status, job.attempt, job.worker) != (JobState.RUNNING, holder.attempt, holder.worker):
            raise FenceLostError(job.job_id)
        return job

    def renew(self, holder: Claim, lease_s: float, session: str | None) -> JobRecord:
        return self._write(lifecycle.beaten(self.held(holder), lease_s, self.now(), session))

    def commit(self, holder: Claim, ordinal: int) -> None:
        """Window, fence and count together."""
        job = self.held(holder)
        if ordinal != job.windows:
            raise DataInconsistencyError(f"window {ordinal} offered where {job.windows} is due")
        self.kept[job.job_id].windows.append((ordinal, holder.attempt))
        self._write(replace(job, windows=job.windows + 1, heartbeat_at=self.now()))

    def release(self, holder: Claim, status: JobState, reason: str | None) -> None:
        self._write(lifecycle.released(self.held(holder), status, reason, None))

    def set_back(self, holder: Claim, cause: Cause) -> None:
        self._write(lifecycle.failed_attempt(self.held(holder), cause, "failed", self.now(), self.rules))

    def cancel(self, job_id: str) -> None:
        self._write(lifecycle.cancelled(self.jobs[job_id]))

    def _write(self, job: JobRecord) -> JobRecord:
        self.jobs[job.job_id] = job
        return job
