"""The worker runs in this very process: for libraries and for tests. A crash of it is a crash of the caller."""

from __future__ import annotations

from collections.abc import Callable

from cortexia.executors.base import Event, WorkerExit, WorkerSpec
from cortexia.executors.target import resolve_target


class InlineExecutor:
    """``start`` returns when the work is done."""

    most_workers = 1
    is_isolated = False

    def start(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> InlineWorker:
        resolve_target(spec.target)(spec.payload, on_event, stopped)
        return InlineWorker()

    def wait(self, timeout_s: float) -> None: ...


class InlineWorker:
    """A worker that has ended."""

    pid = None

    def poll(self) -> WorkerExit | None:
        return WorkerExit(0)

    def stop(self) -> None: ...

    def kill(self, why: str) -> None: ...

    def log_tail(self) -> str:
        return ""

    def close(self) -> None: ...
