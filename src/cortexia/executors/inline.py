"""The worker runs in this very process: for libraries and for tests. A crash of it is a crash of the caller."""

from __future__ import annotations

from collections.abc import Callable

from cortexia.executors.base import Event, WorkerExit, WorkerSpec
from cortexia.executors.target import resolve_target


class InlineExecutor:
    def run(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> WorkerExit:
        resolve_target(spec.target)(spec.payload, on_event, stopped)
        return WorkerExit(0)
