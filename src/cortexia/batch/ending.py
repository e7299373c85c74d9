"""How jobs end: from their runs, or from the error that stopped them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cortexia.batch.identity import worker_name
from cortexia.batch.patience import is_away
from cortexia.errors import CircuitBreakerOpenError, CortexiaError, DiskFullError, NetworkError, ReadOnlyError
from cortexia.stores.base import Cause, RunRecord, StorageBackend
from cortexia.types import JobState, RunStatus


@dataclass(frozen=True, slots=True)
class Ending:
    """What a job is released as."""

    status: JobState
    reason: str | None = None
    message: str | None = None


INTERRUPTED = Ending(JobState.QUEUED, "interrupted", "stopped before the end; run the same command again to go on")


def settle(store: StorageBackend, job_id: str, lease_s: float) -> bool:
    """End a job all of whose runs are stored already: no worker needs to start for it. Whether it was one."""
    if any(run.status is not RunStatus.COMPLETED for run in store.job_runs(job_id)):
        return False
    claim = store.claim(worker_name(), lease_s, job_id)
    if claim is None:
        return False
    store.release(claim, JobState.COMPLETED, None, None)
    return True


def conclude(runs: Sequence[RunRecord]) -> Ending:
    """What became of a job, from its runs. Every job ends in exactly one state, with a reason where it is not well."""
    troubled = [run for run in runs if run.status in (RunStatus.FAILED, RunStatus.SKIPPED)]
    if not troubled:
        return Ending(JobState.COMPLETED, None, None)
    message = "; ".join(f"{run.spec.annotator} {run.status}: {run.message or run.reason}" for run in troubled)
    is_silent_film_turned_around = all(
        run.status is RunStatus.SKIPPED and run.reason in ("no_video", "upstream") for run in troubled
    ) and any(run.reason == "no_video" for run in troubled)
    done = any(run.status is RunStatus.COMPLETED for run in runs)
    if done and is_silent_film_turned_around:
        return Ending(JobState.COMPLETED, "audio_only", message)
    if done:
        return Ending(JobState.COMPLETED_WITH_ERRORS, "runs_failed", message)
    if is_silent_film_turned_around:
        return Ending(JobState.FAILED, "rejected", "no video stream, and only annotators of pictures were asked for")
    return Ending(JobState.FAILED, "error", message)


def cause_of(error: Exception) -> Cause | None:
    """Why the attempt may be worth another; ``None`` for what would happen again."""
    if isinstance(error, CircuitBreakerOpenError):
        return Cause.BREAKER
    if is_away(error) or (isinstance(error, NetworkError) and error.retryable):
        return Cause.NETWORK
    return Cause.MACHINE if isinstance(error, DiskFullError | ReadOnlyError) else None


def ending_of(error: Exception) -> Ending:
    """The end of a job that ``error`` stopped for good."""
    if isinstance(error, CortexiaError):
        return Ending(JobState.FAILED, error.code, str(error))
    return Ending(JobState.FAILED, "error", f"{type(error).__name__}: {error}")
