"""A circuit breaker lets nothing through after failures in a row, and probes before it trusts again."""

from __future__ import annotations

import threading

import pytest

from cortexia.errors import CircuitBreakerOpenError
from cortexia.resilience import BreakerState, CircuitBreaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock) -> CircuitBreaker:
    return CircuitBreaker("the model", clock=clock)


def fail(breaker: CircuitBreaker, times: int = 1, **options) -> None:
    for _ in range(times):
        with pytest.raises(ValueError, match="bad"), breaker.attempt(**options):
            raise ValueError("bad")


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.attempt():
        pass


def test_it_opens_after_three_failures_in_a_row(breaker):
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(CircuitBreakerOpenError, match=r"the model failed 3 times in a row \(bad\).* 60 s"):
        succeed(breaker)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.refuse_if_open()


def test_after_the_pause_two_successes_close_it(breaker, clock):
    fail(breaker, 3)
    clock.now += 59.9
    assert breaker.state is BreakerState.OPEN
    clock.now += 0.1
    assert breaker.state is BreakerState.HALF_OPEN
    succeed(breaker)
    assert breaker.state is BreakerState.HALF_OPEN
    succeed(breaker)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


def test_a_failed_probe_opens_it_again(breaker, clock):
    fail(breaker, 3)
    clock.now += 60
    succeed(breaker)
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    clock.now += 60
    succeed(breaker)
    assert breaker.state is BreakerState.HALF_OPEN, "the success before the failure does not count"


def test_half_open_lets_one_probe_through(breaker, clock):
    fail(breaker, 3)
    clock.now += 60
    with breaker.attempt(), pytest.raises(CircuitBreakerOpenError):
        succeed(breaker)
    succeed(breaker)
    assert breaker.state is BreakerState.CLOSED


def test_what_is_no_failure_passes_uncounted(breaker, clock):
    fail(breaker, 5, is_failure=lambda error: False)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 3)
    clock.now += 60
    fail(breaker, is_failure=lambda error: False)
    assert breaker.state is BreakerState.HALF_OPEN
    succeed(breaker)


def test_an_interrupt_is_no_failure_and_frees_the_probe(breaker, clock):
    fail(breaker, 3)
    clock.now += 60
    with pytest.raises(KeyboardInterrupt), breaker.attempt():
        raise KeyboardInterrupt
    succeed(breaker)


def test_an_attempt_from_before_does_not_close_it(breaker):
    inside, go = threading.Event(), threading.Event()

    def slow():
        with breaker.attempt():
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=slow)
    thread.start()
    inside.wait(10)
    fail(breaker, 3)
    go.set()
    thread.join()
    assert breaker.state is BreakerState.OPEN
