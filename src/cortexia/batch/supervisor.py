"""The parent's side of a batch: starts workers, sees them die, reports, and goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cortexia.batch.main import TARGET
from cortexia.errors import ResourceError
from cortexia.executors.base import Executor, WorkerExit, WorkerSpec
from cortexia.stores.base import StorageBackend
from cortexia.types import JobState

Event = Mapping[str, Any]
_IDLE_DEATHS = 3


class Supervisor:
    """Brings jobs to an end with one worker at a time; a worker that dies is replaced, and its job goes on."""

    def __init__(
        self,
        store: StorageBackend,
        executor: Executor,
        on_event: Callable[[Event], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._store = store
        self._executor = executor
        self._on_event = on_event
        self._stopped = stopped
        self._current: dict[str, str] | None = None
        self._failure: Event | None = None
        self._idle_deaths = 0

    def run(self, payload: Mapping[str, Any]) -> None:
        """Raises ``ResourceError`` when workers cannot work at all (store unusable, disk full, no start)."""
        job_ids = list(payload["job_ids"])
        while not self._stopped() and (open_ids := self._open(job_ids)):
            self._current = None
            spec = WorkerSpec(TARGET, {**payload, "job_ids": open_ids})
            worker_exit = self._executor.run(spec, self._hear, self._stopped)
            if self._failure is not None:
                raise ResourceError(str(self._failure["message"]))
            if self._stopped():
                return
            self._bury(worker_exit, open_ids)

    def _open(self, job_ids: Sequence[str]) -> list[str]:
        jobs = [self._store.job(job_id) for job_id in job_ids]
        return [job.job_id for job in jobs if job is not None and not job.status.is_final]

    def _hear(self, event: Event) -> None:
        if event["event"] == "job_started":
            self._current = {"job_id": event["job_id"], "worker": event["worker"]}
        elif event["event"] == "job_finished":
            self._current = None
            self._idle_deaths = 0
        elif event["event"] == "worker_failed":
            self._failure = event
        self._on_event(event)

    def _bury(self, worker_exit: WorkerExit, open_ids: Sequence[str]) -> None:
        if not worker_exit.is_death:
            return
        if self._current is None:
            self._idle_deaths += 1
            if self._idle_deaths >= _IDLE_DEATHS:
                raise ResourceError(f"workers die before they begin ({worker_exit.describe()})")
            return
        job_id, worker = self._current["job_id"], self._current["worker"]
        status = self._store.abandon(job_id, worker, f"worker {worker_exit.describe()}")
        event = {
            "event": "worker_died",
            "job_id": job_id,
            "message": f"worker {worker_exit.describe()}",
            "status": status.value,
        }
        self._on_event(event)
        if status is JobState.FAILED:
            self._on_event({**event, "event": "job_finished", "reason": "quarantined", "wall_s": None})
