"""What becomes of a job, as pure functions: a store loads a job inside a transaction, asks here, writes the answer.

All stores and the simulator share these rules (G3, G6, G7). Times are seconds since 1970 by the store's clock; nothing
here reads a clock, and random numbers come from what is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random, SystemRandom

from cortexia.errors import ValidationError
from cortexia.stores.base import Cause, JobRecord
from cortexia.types import JobState, RunStatus

WAITING = (JobState.PENDING, JobState.QUEUED, JobState.RETRYING)
LONGEST_PAUSE_S = 600.0
"""Nothing waits longer for another try: a job that would was given its pause by a clock that has been set since."""
CLOCK_SET_S = 30.0
"""Somebody always looks sooner than this after a lease has lapsed, unless the clock was set or the store was away."""
SAME_SESSION_DEATHS = 2
"""So many deaths with the same session at work, and its run fails while the others go on."""


# -- how long to wait


class Growth(StrEnum):
    NONE = "none"
    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pause before another try. ``base_s``: after the first failure; ``cap_s``: never longer. ``jitter``: a random
    part of the pause, so that many do not come back at once (Brooker, "Exponential Backoff And Jitter": full jitter).
    """

    growth: Growth
    base_s: float = 0.0
    cap_s: float = LONGEST_PAUSE_S
    jitter: bool = False

    def delay_s(self, failures: int, chance: Random) -> float:
        """Seconds to wait after so many failures in a row (1, 2, ...)."""
        if self.growth is Growth.NONE:
            return 0.0
        factor = {Growth.FIXED: 1, Growth.LINEAR: failures, Growth.EXPONENTIAL: 2 ** min(failures - 1, 30)}[self.growth]
        delay = min(self.base_s * factor, self.cap_s)
        return chance.uniform(0.0, delay) if self.jitter else delay


@dataclass(frozen=True, slots=True)
class RetryRule:
    """``most``: failures in a row before the job fails; ``None``: never. ``counts``: whether this is one of them."""

    backoff: Backoff
    counts: bool = False
    most: int | None = None


RETRY_TABLE: Mapping[Cause, RetryRule] = {
    Cause.DEATH: RetryRule(Backoff(Growth.EXPONENTIAL, 4.0, jitter=True), counts=True, most=3),
    Cause.NETWORK: RetryRule(Backoff(Growth.EXPONENTIAL, 4.0, jitter=True), counts=True, most=10),
    Cause.MACHINE: RetryRule(Backoff(Growth.FIXED, 30.0)),
    Cause.BREAKER: RetryRule(Backoff(Growth.FIXED, 60.0)),
    Cause.PERMANENT: RetryRule(Backoff(Growth.NONE), counts=True, most=1),
}


@dataclass(frozen=True)
class Rules:
    """What decides beside the job itself. ``clock``: seconds since 1970; ``None`` asks the database, which all workers
    share. A simulator hands in clock and random source of its own."""

    table: Mapping[Cause, RetryRule] = field(default_factory=lambda: RETRY_TABLE)
    random: Random = field(default_factory=SystemRandom)
    clock: Callable[[], float] | None = None


def rules_for(max_deaths: int) -> Rules:
    """The usual rules, with so many deaths in a row before a job is put aside."""
    return Rules({**RETRY_TABLE, Cause.DEATH: replace(RETRY_TABLE[Cause.DEATH], most=max_deaths)})


# -- waiting and running


def may_start(job: JobRecord, now: float) -> bool:
    has_waited = job.not_before is None or not now < job.not_before <= now + LONGEST_PAUSE_S
    return job.status in WAITING and has_waited


def claimed(job: JobRecord, worker: str, lease_s: float, now: float) -> JobRecord:
    """The job with ``worker``, under a fence of its own: ``attempt`` rises with every claim."""
    if not may_start(job, now):
        raise ValidationError(f"job {job.job_id} may not start: it is {job.status}")
    return replace(
        job,
        status=JobState.RUNNING,
        attempt=job.attempt + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
        heartbeat_at=now,
        windows_at_claim=job.windows,
        not_before=None,
        session=None,
        reason=None,
        error_message=None,
    )


def beaten(job: JobRecord, lease_s: float, now: float, session: str | None) -> JobRecord:
    """A heartbeat. ``session``: the annotator at work."""
    return replace(job, lease_expires_at=now + lease_s, heartbeat_at=now, session=session)


def has_lapsed(job: JobRecord, now: float) -> bool:
    return job.status is JobState.RUNNING and job.lease_expires_at is not None and job.lease_expires_at < now


def is_clock_set(job: JobRecord, now: float) -> bool:
    """Whether the clock that gave the lease seems to have been set since, by more than a lapse that nobody noticed
    (R-20). A store that was away for that long looks the same."""
    if job.lease_expires_at is None or job.heartbeat_at is None:
        return False
    return job.heartbeat_at > now + CLOCK_SET_S or now > job.lease_expires_at + CLOCK_SET_S


def relet(job: JobRecord, now: float) -> JobRecord:
    """The same lease, begun now: a holder that lives renews it, and that of a dead one lapses soon."""
    if job.lease_expires_at is None or job.heartbeat_at is None:
        return job
    # a window may have come after the lease had lapsed: nothing is left of it then
    length_s = max(0.0, job.lease_expires_at - job.heartbeat_at)
    return replace(job, lease_expires_at=now + length_s, heartbeat_at=now)


# -- ends of an attempt


def released(job: JobRecord, status: JobState, reason: str | None, message: str | None) -> JobRecord:
    """Ended, or given back to the queue without blame."""
    if status is JobState.RUNNING:
        raise ValidationError("a job is released into a state other than running")
    if job.cancel_requested and status is not JobState.FAILED:
        status, reason, message = JobState.CANCELLED, "cancelled", "cancelled on request"
    return replace(_without_lease(job), status=status, reason=reason, error_message=message)


def failed_attempt(job: JobRecord, cause: Cause, message: str, now: float, rules: Rules) -> JobRecord:
    """The job after an attempt that ended for ``cause``: waiting for another, or failed."""
    rule = rules.table[cause]
    job = replace(_without_lease(_counted(job, cause, rule)), retry_count=job.retry_count + 1)
    if job.cancel_requested:
        return replace(job, status=JobState.CANCELLED, reason="cancelled", error_message=message)
    failures = _failures(job, cause)
    if rule.most is not None and failures >= rule.most:
        return replace(job, status=JobState.FAILED, reason=_END_OF_TRIES.get(cause, cause.value), error_message=message)
    delay = rule.backoff.delay_s(max(1, failures), rules.random)
    not_before = now + delay if delay else None
    return replace(job, status=JobState.RETRYING, reason=cause.value, error_message=message, not_before=not_before)


_END_OF_TRIES = {Cause.DEATH: "quarantined", Cause.PERMANENT: "error"}


def _counted(job: JobRecord, cause: Cause, rule: RetryRule) -> JobRecord:
    """One more failure of its kind; where a window was committed since the claim, the first."""
    if not rule.counts:
        return job
    before = 0 if has_moved(job) else _failures(job, cause)
    if cause is Cause.DEATH:
        return replace(job, deaths=before + 1)
    return replace(job, failures={**job.failures, cause.value: before + 1})


def _failures(job: JobRecord, cause: Cause) -> int:
    return job.deaths if cause is Cause.DEATH else job.failures.get(cause.value, 0)


@dataclass(frozen=True, slots=True)
class Death:
    """``accused``: the annotator whose run has to fail, so that the others can end."""

    job: JobRecord
    accused: str | None = None


def died(job: JobRecord, message: str, now: float, rules: Rules) -> Death:
    """The job after the death of its worker. Only a death without a window since the claim counts (G7). One that is to
    be cancelled is, whoever was to blame."""
    if job.cancel_requested:
        return Death(replace(released(job, JobState.CANCELLED, None, None), retry_count=job.retry_count + 1))
    if has_moved(job):
        fresh = replace(_without_lease(job), deaths=0, suspects={}, retry_count=job.retry_count + 1)
        return Death(replace(fresh, status=JobState.QUEUED, reason=None))
    suspects = dict(job.suspects)
    if job.session is not None:
        suspects[job.session] = suspects.get(job.session, 0) + 1
        if suspects[job.session] >= SAME_SESSION_DEATHS:
            del suspects[job.session]
            fresh = replace(_without_lease(job), deaths=0, suspects=suspects, retry_count=job.retry_count + 1)
            return Death(replace(fresh, status=JobState.QUEUED), accused=job.session)
    return Death(failed_attempt(replace(job, suspects=suspects), Cause.DEATH, message, now, rules))


def has_moved(job: JobRecord) -> bool:
    """Whether a window was committed since the claim."""
    return job.windows > job.windows_at_claim


def _without_lease(job: JobRecord) -> JobRecord:
    return replace(job, worker=None, lease_expires_at=None, session=None)


# -- by hand


def cancelled(job: JobRecord) -> JobRecord:
    """A waiting job ends at once; a running one is asked to. One that has ended stays as it is."""
    if job.status.is_final:
        return job
    if job.status is JobState.RUNNING:
        return replace(job, cancel_requested=True)
    return replace(job, status=JobState.CANCELLED, reason="cancelled", error_message="cancelled before it began")


def revived(job: JobRecord) -> JobRecord:
    """An ended job in the queue again, with a clean slate."""
    if not job.status.is_final:
        return job
    return replace(
        job,
        status=JobState.QUEUED,
        deaths=0,
        failures={},
        suspects={},
        not_before=None,
        cancel_requested=False,
        reason=None,
        error_message=None,
        completed_at=None,
    )


# -- runs


def starts_afresh(status: RunStatus, reason: str | None) -> bool:
    """Whether a run that is asked for again begins anew: one that failed, or was skipped because another failed."""
    is_upstream = reason is not None and reason.startswith("upstream")
    return status is RunStatus.FAILED or (status is RunStatus.SKIPPED and is_upstream)
