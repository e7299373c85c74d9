"""Where workers run. An executor starts and stops them, and knows nothing of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Event = Mapping[str, Any]
WorkerMain = Callable[[Mapping[str, Any], Callable[[Event], None], Callable[[], bool]], None]
"""``main(payload, emit, stopped)``: does the work, tells of it, and returns soon after ``stopped()`` turns true."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """``target`` names a ``WorkerMain`` as ``module:function``; ``payload`` is JSON."""

    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """How a worker ended: 0 is well, below 0 is the signal that killed it."""

    code: int

    @property
    def is_death(self) -> bool:
        return self.code != 0

    def describe(self) -> str:
        return f"killed by signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


class Executor(Protocol):
    def run(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> WorkerExit:
        """Run one worker to its end. ``on_event`` is called in the caller's thread. When ``stopped()`` turns true the
        worker is asked to stop, and killed if it does not within the grace period."""
