"""A circuit breaker: after failures in a row, what is broken is left alone for a while (G8)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from cortexia.errors import CircuitBreakerOpenError


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Policy:
    """After ``failures`` in a row it opens for ``pause_s`` seconds; ``successes`` probes close it again."""

    failures: int
    pause_s: float = 60.0
    successes: int = 2


POLICIES: Mapping[str, Policy] = {
    "model": Policy(failures=3),
    "annotator": Policy(failures=3),
    "endpoint": Policy(failures=5),
}
"""By what is guarded (G8)."""


class CircuitBreaker:
    """Closed until ``failures`` attempts in a row failed, then open for ``pause_s`` seconds, then half-open: one probe
    at a time, until ``successes`` of them close it or one failure opens it again. Safe to share between threads.

    Nygard, Release It!, 2nd ed., "Circuit Breaker".
    """

    def __init__(
        self,
        what: str,
        *,
        failures: int = 3,
        pause_s: float = 60.0,
        successes: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._failures_allowed = failures
        self._pause_s = pause_s
        self._successes_needed = successes
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._successes = 0
        self._opened_at: float | None = None
        self._is_probing = False
        self._last_error = ""

    @property
    def state(self) -> BreakerState:
        with self._lock:
            return self._state()

    def _state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._waits_s() > 0 else BreakerState.HALF_OPEN

    def _waits_s(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._pause_s - self._clock()

    def refuse_if_open(self) -> None:
        """Raises ``CircuitBreakerOpenError`` while open; begins no attempt."""
        with self._lock:
            if self._state() is BreakerState.OPEN:
                raise self._refusal()

    @contextmanager
    def attempt(self, is_failure: Callable[[BaseException], bool] = lambda error: True) -> Iterator[None]:
        """An attempt around the block. Raises ``CircuitBreakerOpenError`` instead where none is let through.

        An error for which ``is_failure`` is false says nothing about what is guarded, and passes uncounted.
        """
        is_probe = self._admit()
        try:
            yield
        except BaseException as error:
            with self._lock:
                if isinstance(error, Exception) and is_failure(error):
                    self._failed(error)
                if is_probe:
                    self._is_probing = False
            raise
        with self._lock:
            self._succeeded(is_probe)

    def _admit(self) -> bool:
        """Whether the attempt is a probe."""
        with self._lock:
            state = self._state()
            if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self._is_probing):
                raise self._refusal()
            if state is BreakerState.HALF_OPEN:
                self._is_probing = True
            return state is BreakerState.HALF_OPEN

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._successes = 0
        self._last_error = str(error) or type(error).__name__
        if self._opened_at is not None or self._failures >= self._failures_allowed:
            self._opened_at = self._clock()

    def _succeeded(self, is_probe: bool) -> None:
        if is_probe:
            self._is_probing = False
            self._successes += 1
            if self._successes >= self._successes_needed:
                self._opened_at = None
                self._successes = 0
        if self._opened_at is None:
            self._failures = 0

    def _refusal(self) -> CircuitBreakerOpenError:
        wait = max(0.0, self._waits_s())
        return CircuitBreakerOpenError(
            f"{self._what} failed {self._failures} times in a row ({self._last_error}); the next try is let through in"
            f" {wait:.0f} s"
        )


class Breakers:
    """A breaker for each name, made when it is first asked for. ``kind``: of ``POLICIES``."""

    def __init__(self, kind: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kind = kind
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, CircuitBreaker] = {}

    def __getitem__(self, name: str) -> CircuitBreaker:
        with self._lock:
            if name not in self._made:
                policy = POLICIES[self._kind]
                self._made[name] = CircuitBreaker(
                    f"{self._kind} {name!r}",
                    failures=policy.failures,
                    pause_s=policy.pause_s,
                    successes=policy.successes,
                    clock=self._clock,
                )
            return self._made[name]
