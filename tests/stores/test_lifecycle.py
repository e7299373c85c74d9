"""What becomes of a job: the rules that every store follows."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from cortexia.errors import ValidationError
from cortexia.stores import lifecycle
from cortexia.stores.base import Cause, JobRecord
from cortexia.stores.lifecycle import RETRY_TABLE, Backoff, Growth, Rules
from cortexia.types import JobState

RULES = Rules(random=Random(7))
WAITING = JobRecord("j", "a" * 64, "/videos/a.mp4", JobState.QUEUED)


def claimed(job: JobRecord = WAITING, now: float = 100.0) -> JobRecord:
    return lifecycle.claimed(replace(job, not_before=None), "w", 20.0, now)


def after_deaths(count: int, job: JobRecord = WAITING, **changes) -> lifecycle.Death:
    death = lifecycle.Death(job)
    for _ in range(count):
        death = lifecycle.died(replace(claimed(death.job), **changes), "killed by signal 9", 100.0, RULES)
    return death


# -- pauses


@pytest.mark.parametrize(
    ("growth", "delays"),
    [
        (Growth.NONE, [0.0, 0.0, 0.0]),
        (Growth.FIXED, [4.0, 4.0, 4.0]),
        (Growth.LINEAR, [4.0, 8.0, 12.0]),
        (Growth.EXPONENTIAL, [4.0, 8.0, 16.0]),
    ],
)
def test_pauses_grow_as_their_class_says(growth, delays):
    assert [Backoff(growth, 4.0).delay_s(failures, Random(1)) for failures in (1, 2, 3)] == delays


def test_a_pause_is_never_longer_than_its_cap():
    assert Backoff(Growth.EXPONENTIAL, 4.0, cap_s=600.0).delay_s(10_000, Random(1)) == 600.0


def test_jitter_spreads_over_the_whole_pause():
    backoff, random = Backoff(Growth.EXPONENTIAL, 4.0, jitter=True), Random(1)
    delays = [backoff.delay_s(2, random) for _ in range(1000)]
    assert 0.0 <= min(delays) < 0.5
    assert 7.5 < max(delays) <= 8.0


# -- starting


def test_a_claim_raises_the_attempt_and_starts_the_lease():
    job = claimed()
    assert (job.status, job.attempt, job.worker, job.lease_expires_at) == (JobState.RUNNING, 1, "w", 120.0)
    assert lifecycle.has_lapsed(job, 120.1)
    assert not lifecycle.has_lapsed(job, 120.0)


def test_a_job_that_has_to_wait_does_not_start():
    job = replace(WAITING, not_before=200.0)
    assert not lifecycle.may_start(job, 199.9)
    assert lifecycle.may_start(job, 200.0)
    for other in (job, claimed(), replace(WAITING, status=JobState.COMPLETED)):
        with pytest.raises(ValidationError):
            lifecycle.claimed(other, "w", 20.0, 100.0)


# -- deaths


def test_three_deaths_that_left_nothing_put_a_job_aside():
    assert after_deaths(2).job.status is JobState.RETRYING
    job = after_deaths(3).job
    assert (job.status, job.reason, job.error_message) == (JobState.FAILED, "quarantined", "killed by signal 9")
    assert job.retry_count == 3


def test_a_death_after_a_window_costs_nothing():
    job = after_deaths(2).job
    job = lifecycle.died(replace(claimed(job), windows=1), "killed", 100.0, RULES).job
    assert (job.status, job.deaths, job.not_before) == (JobState.QUEUED, 0, None)


def test_a_job_waits_longer_after_each_death():
    steady = Rules({**RETRY_TABLE, Cause.DEATH: replace(RETRY_TABLE[Cause.DEATH], backoff=Backoff(Growth.LINEAR, 4.0))})
    first = lifecycle.died(claimed(), "killed", 100.0, steady).job
    second = lifecycle.died(claimed(first), "killed", 100.0, steady).job
    assert (first.not_before, second.not_before) == (104.0, 108.0)


def test_two_deaths_with_one_session_at_work_accuse_it():
    """The others get to their end: the job goes on with a clean slate."""
    assert after_deaths(1, session="shots").accused is None
    death = after_deaths(2, session="shots")
    assert death.accused == "shots"
    assert (death.job.status, death.job.deaths, death.job.suspects) == (JobState.QUEUED, 0, {})


def test_different_sessions_at_work_accuse_none():
    first = lifecycle.died(replace(claimed(), session="shots"), "killed", 100.0, RULES)
    second = lifecycle.died(replace(claimed(first.job), session="frames"), "killed", 100.0, RULES)
    assert second.accused is None
    assert second.job.suspects == {"shots": 1, "frames": 1}


# -- other causes


def test_what_would_happen_again_is_not_tried_again():
    job = lifecycle.failed_attempt(claimed(), Cause.PERMANENT, "no such option", 100.0, RULES)
    assert (job.status, job.reason) == (JobState.FAILED, "error")


@pytest.mark.parametrize("cause", [Cause.MACHINE, Cause.BREAKER])
def test_what_is_nobodys_fault_is_tried_for_ever(cause):
    job = WAITING
    for _ in range(50):
        job = lifecycle.failed_attempt(claimed(job), cause, "no space", 100.0, RULES)
    assert (job.status, job.deaths, job.retry_count) == (JobState.RETRYING, 0, 50)
    assert job.not_before > 100.0


def test_a_network_that_never_answers_is_given_up():
    job = WAITING
    for _ in range(RETRY_TABLE[Cause.NETWORK].most):
        assert not job.status.is_final
        job = lifecycle.failed_attempt(claimed(job), Cause.NETWORK, "no answer", 100.0, RULES)
    assert (job.status, job.reason) == (JobState.FAILED, "network")


# -- by hand


def test_cancelling_ends_what_waits_and_asks_what_runs():
    assert lifecycle.cancelled(WAITING).status is JobState.CANCELLED
    asked = lifecycle.cancelled(claimed())
    assert (asked.status, asked.cancel_requested) == (JobState.RUNNING, True)
    done = replace(WAITING, status=JobState.COMPLETED)
    assert lifecycle.cancelled(done) is done


@pytest.mark.parametrize(
    "end",
    [
        lambda job: lifecycle.died(job, "killed", 100.0, RULES).job,
        lambda job: lifecycle.died(replace(job, windows=5), "killed", 100.0, RULES).job,
        lambda job: lifecycle.died(replace(job, session="shots", suspects={"shots": 9}), "killed", 100.0, RULES).job,
        lambda job: lifecycle.released(job, JobState.QUEUED, None, None),
        lambda job: lifecycle.failed_attempt(job, Cause.NETWORK, "no answer", 100.0, RULES),
    ],
)
def test_a_job_that_was_to_be_cancelled_never_waits_again(end):
    assert end(lifecycle.cancelled(claimed())).status is JobState.CANCELLED


def test_a_cancelled_job_never_ends_as_a_success():
    asked = lifecycle.cancelled(claimed())
    assert lifecycle.released(asked, JobState.COMPLETED, None, None).status is JobState.CANCELLED
    assert lifecycle.released(asked, JobState.FAILED, "rejected", "no pictures").status is JobState.FAILED


def test_a_revived_job_has_a_clean_slate():
    job = lifecycle.revived(after_deaths(3).job)
    assert (job.status, job.deaths, job.reason, job.not_before) == (JobState.QUEUED, 0, None, None)
    running = claimed()
    assert lifecycle.revived(running) is running
