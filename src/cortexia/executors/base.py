"""Where workers run. An executor starts, watches and ends them, and knows nothing of jobs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Event = Mapping[str, Any]
WorkerMain = Callable[[Mapping[str, Any], Callable[[Event], None], Callable[[], bool]], None]
"""``main(payload, emit, stopped)``: does the work, tells of it, and returns soon after ``stopped()`` turns true."""
LOG_LINES = 100
"""So many of the last lines that a worker said are kept."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """``target`` names a ``WorkerMain`` as ``module:function``; ``payload`` is JSON.

    ``grace_s``: how long a worker may take to commit and leave once it was asked to.
    """

    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    grace_s: float = 25.0


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """How a worker ended: 0 is well, below 0 is the signal that killed it. ``why``: for what it was killed by us."""

    code: int
    why: str | None = None

    @property
    def is_death(self) -> bool:
        return self.code != 0

    def describe(self) -> str:
        if self.why:
            return f"killed: {self.why}"
        if self.code >= 0:
            return f"exit code {self.code}"
        return f"killed by signal {-self.code} ({_signal_name(-self.code)})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


class WorkerHandle(Protocol):
    """A worker that was started. To be used by one thread."""

    @property
    def pid(self) -> int | None:
        """Number of its process; ``None`` where it has none of its own."""

    def poll(self) -> WorkerExit | None:
        """Hand on what it has told since, and say how it ended, or ``None`` while it lives."""

    def stop(self) -> None:
        """Ask it to leave at its next commit; it is killed when the grace period is over. Again: at once."""

    def kill(self, why: str) -> None: ...

    def log_tail(self) -> str:
        """The last lines that it said."""

    def close(self) -> None:
        """Give back everything; a worker that still lives is killed."""


class Executor(Protocol):
    """``most_workers``: more than so many at a time make no sense here. ``is_isolated``: a worker is a process of its
    own, and its death is not ours."""

    most_workers: int
    is_isolated: bool

    def start(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> WorkerHandle:
        """Start a worker. ``on_event`` is called in the caller's thread, during ``start`` or ``poll``. Once ``stopped``
        turns true, the worker is asked to stop."""

    def wait(self, timeout_s: float) -> None:
        """Until a worker has something to tell, or the time is over."""
