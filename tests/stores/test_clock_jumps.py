"""R-20: the clock of the store, or of a worker, jumps by an hour or a day: no lease is lost, no pause is endless."""

from __future__ import annotations

import time

import pytest
from filling import AT_ONCE, spec, submitted
from postgres import fresh_url

from cortexia.stores import lifecycle, open_store
from cortexia.stores.base import Cause
from cortexia.stores.lifecycle import Rules
from cortexia.types import JobState

HOUR, DAY = 3600.0, 86_400.0
JUMPS = (HOUR, -HOUR, -DAY)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "files", "postgresql"])
def place(request, tmp_path) -> str:
    return {"sqlite": str(tmp_path / "s.db"), "files": str(tmp_path / "store")}.get(request.param) or fresh_url(
        tmp_path
    )


@pytest.fixture
def store(place, clock):
    opened = open_store(place, rules=Rules(clock=clock))
    yield opened
    opened.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_whoever_lives_keeps_what_it_has(store, clock, jump):
    job_id = submitted(store, spec())
    claim = store.claim("w", 20.0, job_id)
    clock.now += jump
    assert store.rescue() == ()
    assert store.claim("other", 20.0, job_id) is None
    clock.now += 5
    store.renew(claim, 20.0)
    job = store.job(job_id)
    assert (job.status, job.worker, job.attempt, job.deaths) == (JobState.RUNNING, "w", 1, 0)
    assert job.lease_expires_at == clock.now + 20.0


@pytest.mark.parametrize("jump", JUMPS)
def test_what_a_dead_one_had_is_free_a_lease_later(store, clock, jump):
    job_id = submitted(store, spec())
    store.claim("dead", 20.0, job_id)
    clock.now += jump
    assert store.claim("other", 20.0, job_id) is None
    clock.now += 21
    assert store.rescue() == (job_id,)
    clock.now += lifecycle.RETRY_TABLE[Cause.DEATH].backoff.base_s
    assert store.claim("other", 20.0, job_id) is not None


@pytest.mark.parametrize("jump", [-HOUR, -DAY])
def test_a_pause_does_not_last_until_the_old_time_comes_again(store, clock, jump):
    job_id = submitted(store, spec())
    store.set_back(store.claim("w", 20.0, job_id), Cause.MACHINE, "full")
    assert store.claim("w", 20.0, job_id) is None
    clock.now += jump
    assert store.claim("w", 20.0) is not None


def test_without_a_word_on_clocks_everybody_would_lose_their_lease(store, clock, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(lifecycle, "is_clock_set", lambda job, now: False)
    store.claim("w", 20.0, submitted(store, spec()))
    clock.now += HOUR
    assert len(store.rescue()) == 1


@pytest.mark.parametrize("jump", JUMPS)
def test_the_clock_of_a_worker_does_not_matter(place, monkeypatch, jump):
    """Leases are told by the clock of the database."""
    store = open_store(place, rules=AT_ONCE)
    job_id = submitted(store, spec())
    claim = store.claim("w", 20.0, job_id)
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + jump)
    store.renew(claim, 20.0)
    assert store.rescue() == ()
    assert abs(store.job(job_id).lease_expires_at - true() - 20.0) < 5.0
    store.close()
