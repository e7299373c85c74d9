"""The parent's side of a batch: starts workers, watches them, sees them die, reports, and goes on."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cortexia.batch.main import TARGET
from cortexia.batch.patience import Patience
from cortexia.batch.recorder import Flight, FlightRecorder, make_recorder
from cortexia.batch.watch import Limits, Watch
from cortexia.config import Settings
from cortexia.errors import ResourceError
from cortexia.executors.base import Executor, WorkerExit, WorkerHandle, WorkerSpec
from cortexia.stores.base import StorageBackend
from cortexia.types import JobState

Event = Mapping[str, Any]
_IDLE_DEATHS = 3
_TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Crew:
    """How many ``workers`` at a time, and what each may take; how long a store that is away is waited for."""

    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    store_patience_s: float = 300.0

    @classmethod
    def from_settings(cls, settings: Settings, jobs: int, most: int) -> Crew:
        """No more workers than jobs, nor than make sense where they run."""
        limits = Limits(settings.worker_memory_bytes, settings.stall_timeout_s)
        return cls(max(1, min(settings.workers, jobs, most)), limits, settings.store_patience_s)


@dataclass
class Member:
    """A worker at work. ``place``: its place among those at work, which its successor takes."""

    place: int
    handle: WorkerHandle
    recorder: FlightRecorder
    watch: Watch


class Supervisor:
    """Brings jobs to an end with some workers at a time; one that dies is replaced, and its job goes on."""

    def __init__(
        self,
        store: StorageBackend,
        executor: Executor,
        on_event: Callable[[Event], None],
        stopped: Callable[[], bool],
        crew: Crew | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._on_event = on_event
        self._stopped = stopped
        self._crew = crew or Crew()
        self._members: dict[int, Member] = {}
        self._failure: Event | None = None
        self._idle_exits: list[WorkerExit] = []
        self._patiently = Patience(self._crew.store_patience_s, self._is_over, lambda: None)

    def run(self, payload: Mapping[str, Any]) -> None:
        """Raises ``ResourceError`` when workers cannot work at all (store unusable, disk full, no start)."""
        with self._folder() as folder:
            open_ids = self._open(payload["job_ids"])
            while open_ids and not self._is_over():
                self._fill(payload, open_ids, folder)
                if self._attend():
                    open_ids = self._open(open_ids)
                    self._fail_if_idle(bool(open_ids))
            while self._members:
                self._attend()
        if self._failure is not None:
            raise ResourceError(str(self._failure["message"]))

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """Where recorders lie. When it is left nothing of the workers is."""
        with tempfile.TemporaryDirectory(prefix="cortexia-workers-") as folder:
            try:
                yield Path(folder)
            finally:
                for member in list(self._members.values()):
                    self._dismiss(member)

    def _is_over(self) -> bool:
        """No worker is to be started any more, and those at work leave."""
        return self._failure is not None or self._stopped()

    def _open(self, job_ids: Sequence[str]) -> list[str]:
        """Those that have not ended, the most urgent first."""
        found = [self._patiently(partial(self._store.job, job_id)) for job_id in job_ids]
        jobs = [job for job in found if job is not None and not job.status.is_final]
        return [job.job_id for job in sorted(jobs, key=lambda job: -job.priority)]

    # -- workers

    def _fill(self, payload: Mapping[str, Any], open_ids: Collection[str], folder: Path) -> None:
        """Start workers in the free places: no more than there are jobs."""
        for place in range(min(self._crew.workers, len(open_ids))):
            if place not in self._members and not self._is_over():
                self._start(place, {**payload, "job_ids": list(open_ids)}, folder)

    def _start(self, place: int, payload: dict[str, Any], folder: Path) -> None:
        path = folder / f"worker-{place}" if self._executor.is_isolated else None
        recorder = make_recorder(path) if path else FlightRecorder()
        spec = WorkerSpec(TARGET, {**payload, "recorder": path and str(path)})
        handle = self._executor.start(spec, self._hear, self._is_over)
        self._members[place] = Member(place, handle, recorder, Watch(self._crew.limits, handle.pid))

    def _attend(self) -> bool:
        """One turn over all workers. Whether one of them has ended."""
        self._executor.wait(_TICK_S)
        ended = False
        for member in list(self._members.values()):
            worker_exit = member.handle.poll()
            if worker_exit is not None:
                self._bury(member, worker_exit)
                ended = True
            elif why := member.watch.objection(member.recorder.read(), time.monotonic()):
                member.handle.kill(why)
        return ended

    def _dismiss(self, member: Member) -> None:
        del self._members[member.place]
        member.handle.close()
        member.recorder.close()

    def _hear(self, event: Event) -> None:
        if event["event"] == "job_finished":
            self._idle_exits.clear()
        elif event["event"] == "worker_failed":
            self._failure = self._failure or event
        self._on_event(event)

    # -- deaths

    def _bury(self, member: Member, worker_exit: WorkerExit) -> None:
        """A worker that ends well holds no job: one that does has died, whatever its exit code."""
        flight, log_tail = member.recorder.read(), member.handle.log_tail()
        self._dismiss(member)
        if flight.job_id:
            self._abandon(flight, f"worker {worker_exit.describe()}", log_tail)
        else:
            self._idle_exits.append(worker_exit)

    def _fail_if_idle(self, has_work: bool) -> None:
        """Workers that leave again and again while there is work, and end none of it."""
        if has_work and len(self._idle_exits) >= _IDLE_DEATHS and not self._is_over():
            message = f"workers die before they begin ({self._idle_exits[-1].describe()})"
            self._failure = {"event": "worker_failed", "message": message}

    def _abandon(self, flight: Flight, message: str, log_tail: str) -> None:
        status = self._patiently(
            lambda: self._store.abandon(flight.job_id, flight.worker, message, log_tail, flight.culprit)
        )
        event = {
            "event": "worker_died",
            "job_id": flight.job_id,
            "message": message,
            "session": flight.culprit or None,
            "status": status.value,
        }
        self._on_event(event)
        if status is JobState.FAILED:
            self._on_event({**event, "event": "job_finished", "reason": "quarantined", "wall_s": None})
