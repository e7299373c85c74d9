"""A world of workers, seeded: messages are lost, late or answered twice, workers pause and die, clocks are virtual.

The oracle is apart from the rules: it keeps a ledger of what was committed and who died, and says what is broken.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from twin import MemoryQueue

from cortexia.errors import DataInconsistencyError, FenceLostError
from cortexia.stores.base import Cause, Claim, JobRecord
from cortexia.stores.lifecycle import Rules
from cortexia.types import JobState

LEASE_S = 20.0
END_OF_TIME = 5_000.0


@dataclass(frozen=True)
class Task:
    """What is true of a job: how many windows it has, and what goes wrong with it, every time or so often."""

    windows: int
    poison_at: int | None = None
    culprit: str | None = None
    network_failures: int = 0
    is_permanent: bool = False
    cancel_at: float | None = None


@dataclass
class Ledger:
    """What the oracle saw: deaths in a row without a window, attempts that ended in the worker's own words."""

    deaths: int = 0
    worst: int = 0
    ended: set[int] = field(default_factory=set)
    network_left: int = 0
    last: JobRecord | None = None


class World:
    def __init__(self, seed: int, make_queue: Callable[[Rules], Any] = MemoryQueue) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self.queue = make_queue(Rules(random=Random(seed + 1), clock=lambda: self.now))
        self.tasks = {f"job{n}": self._task() for n in range(self.random.randint(3, 9))}
        self.ledgers = {name: Ledger(network_left=task.network_failures) for name, task in self.tasks.items()}
        self.broken: list[str] = []
        self.crash_rate = self.random.choice([0.0, 0.01, 0.05])
        for place, (name, task) in enumerate(self.tasks.items()):
            # some videos have two jobs
            self.queue.submit(name, f"video{place // 2 if place < 4 else place}", self.random.randint(0, 2))
            if task.cancel_at is not None:
                self.at(task.cancel_at, lambda name=name: self._cancel(name))
        for number in range(self.random.randint(1, 4)):
            SimulatedWorker(self, f"w{number}").live()

    def _task(self) -> Task:
        windows = self.random.randint(1, 6)
        kind = self.random.random()
        if kind < 0.15:
            return Task(windows, poison_at=self.random.randrange(windows))
        if kind < 0.25:
            return Task(windows, poison_at=self.random.randrange(windows), culprit="shots")
        if kind < 0.35:
            return Task(windows, network_failures=self.random.randint(1, 4))
        if kind < 0.42:
            return Task(windows, is_permanent=True)
        if kind < 0.5:
            return Task(windows, cancel_at=self.random.uniform(0.0, 60.0))
        return Task(windows)

    def at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self.now + delay, call)

    def _cancel(self, name: str) -> None:
        self.queue.cancel(name)

    def run(self) -> list[str]:
        """What was broken, in words; empty for a world that went well."""
        while self._events and self.now < END_OF_TIME and not self.is_over():
            self.now, _, call = heapq.heappop(self._events)
            call()
            self._check_now()
        self._check_end()
        return self.broken

    def is_over(self) -> bool:
        return all(job.status.is_final for job in self.queue.jobs.values())

    # -- the oracle

    def _check_now(self) -> None:
        running = [job for job in self.queue.jobs.values() if job.status is JobState.RUNNING]
        if len({job.video_id for job in running}) < len(running):
            self.broken.append(f"{self.now:.0f}: two live leases for a video")
        for job in running:
            if job.worker is None or job.lease_expires_at is None:
                self.broken.append(f"{self.now:.0f}: {job.job_id} runs without a lease")
        for name, ledger in self.ledgers.items():
            self._follow(name, ledger)

    def _follow(self, name: str, ledger: Ledger) -> None:
        """Tell deaths from what changed: an attempt that is over, and whose worker never said so."""
        last, job = ledger.last, self.queue.jobs[name]
        ledger.last = job
        if last is None or last.status is not JobState.RUNNING or last.attempt in ledger.ended:
            return
        if job.attempt == last.attempt and job.status is JobState.RUNNING:
            return
        left_something = any(attempt == last.attempt for _, attempt in self.queue.kept[name].windows)
        ledger.deaths = 0 if left_something else ledger.deaths + 1
        ledger.worst = max(ledger.worst, ledger.deaths)

    def _check_end(self) -> None:
        for name, task in self.tasks.items():
            job, kept = self.queue.jobs[name], self.queue.kept[name]
            ordinals = [ordinal for ordinal, _ in kept.windows]
            attempts = [attempt for _, attempt in kept.windows]
            if ordinals != list(range(len(ordinals))):
                self.broken.append(f"G1: {name} holds windows {ordinals}")
            if attempts != sorted(attempts):
                self.broken.append(f"G3: {name} holds windows of attempts {attempts}")
            if not job.status.is_final:
                self.broken.append(f"G5: {name} has no end, it is {job.status}")
            elif job.status is not JobState.COMPLETED and job.reason is None:
                self.broken.append(f"G5: {name} is {job.status} without a reason")
            if job.status is JobState.COMPLETED and len(ordinals) < task.windows:
                self.broken.append(f"G5: {name} is completed with {len(ordinals)} of {task.windows} windows")
            if job.status is JobState.COMPLETED and job.cancel_requested:
                self.broken.append(f"{name} was cancelled and ended as a success")
            self._check_poison(name, task)

    def _check_poison(self, name: str, task: Task) -> None:
        job, ledger = self.queue.jobs[name], self.ledgers[name]
        if job.reason == "quarantined" and ledger.worst < 3:
            self.broken.append(f"G7: {name} is quarantined after {ledger.worst} deaths in a row")
        if ledger.worst > 3 and not self.queue.kept[name].failed_runs:
            self.broken.append(f"G7: {name} was tried after {ledger.worst} deaths in a row")
        if task.poison_at is not None and task.culprit is None and job.status is JobState.COMPLETED:
            self.broken.append(f"G7: {name} is poison and completed")
        if task.is_permanent and job.status is JobState.COMPLETED:
            self.broken.append(f"G5: {name} fails every time and completed")


class SimulatedWorker:
    """What ``batch.worker`` does, step by step, with everything that may happen in between."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._slot = name
        self._lives = itertools.count(1)

    def live(self) -> None:
        Life(self._world, self, f"{self._slot}.{next(self._lives)}").look()


class Life:
    """One process: from its start to its death."""

    def __init__(self, world: World, slot: SimulatedWorker, name: str) -> None:
        self._world = world
        self._slot = slot
        self._name = name
        self._random = world.random
        self._claim: Claim | None = None
        self._session: str | None = None
        self._paused_until = 0.0
        self._is_dead = False

    # -- what may happen between two steps

    def _then(self, delay: float, step: Callable[[], None]) -> None:
        """``step`` after ``delay``, unless the process dies first or is stopped for a while."""
        if self._random.random() < self._world.crash_rate:
            self._world.after(self._random.uniform(0.0, delay), self._die)
            return
        if self._random.random() < 0.02:
            self._paused_until = self._world.now + self._random.uniform(0.0, 4 * LEASE_S)

        def go() -> None:
            if self._is_dead:
                return
            if self._paused_until > self._world.now:
                self._world.at(self._paused_until, go)
            else:
                step()

        self._world.after(delay, go)

    def _die(self) -> None:
        if self._is_dead:
            return
        self._is_dead = True
        claim, seen = self._claim, self._random.random() < 0.7
        world = self._world
        if claim is not None and seen:
            world.after(self._random.uniform(0.0, 1.0), lambda: world.queue.abandon(claim.job.job_id, claim.worker))
        world.after(self._random.uniform(0.5, 3.0), self._slot.live)

    def _holds(self, claim: Claim) -> bool:
        job = self._world.queue.jobs[claim.job.job_id]
        return job.attempt == claim.attempt and job.status is JobState.RUNNING

    def _told(self, call: Callable[[], Any]) -> tuple[str, Any]:
        """A message to the store: ``ok``, ``refused``, ``lost`` before it arrived, or ``unanswered`` after it."""
        chance = self._random.random()
        if chance < 0.02:
            return "lost", None
        try:
            answer = call()
        except (FenceLostError, DataInconsistencyError) as error:
            return "refused", error
        return ("unanswered", None) if chance < 0.04 else ("ok", answer)

    # -- the steps

    def look(self) -> None:
        said, claim = self._told(lambda: self._world.queue.claim(self._name, LEASE_S))
        if said == "unanswered":
            # it holds a job and does not know: the lease runs out
            self._then(1.0, self.look)
            return
        if claim is None:
            self._then(2.0, self.look)
            return
        self._claim = claim
        self._beat(claim)
        self._then(0.1, lambda: self._begin(claim))

    def _beat(self, claim: Claim) -> None:
        def beat() -> None:
            if self._is_dead or self._claim is not claim:
                return
            if self._paused_until <= self._world.now:
                self._told(lambda: self._world.queue.renew(claim, LEASE_S, self._session))
            self._world.after(LEASE_S / 4, beat)

        self._world.after(LEASE_S / 4, beat)

    def _begin(self, claim: Claim) -> None:
        task = self._world.tasks[claim.job.job_id]
        ledger = self._world.ledgers[claim.job.job_id]
        if task.is_permanent:
            self._end(claim, lambda: self._world.queue.set_back(claim, Cause.PERMANENT))
        elif ledger.network_left > 0:
            ledger.network_left -= 1
            self._end(claim, lambda: self._world.queue.set_back(claim, Cause.NETWORK))
        else:
            self._work(claim, self._world.queue.jobs[claim.job.job_id].windows)

    def _work(self, claim: Claim, ordinal: int) -> None:
        job_id = claim.job.job_id
        task = self._world.tasks[job_id]
        if ordinal >= task.windows:
            self._end(claim, lambda: self._world.queue.release(claim, JobState.COMPLETED, None))
            return
        culprit_failed = task.culprit in self._world.queue.kept[job_id].failed_runs
        if task.poison_at == ordinal and not culprit_failed:
            self._session = task.culprit
            if task.culprit is not None:
                # the session is known by the heartbeat that names it
                self._told(lambda: self._world.queue.renew(claim, LEASE_S, self._session))
            self._world.after(self._random.uniform(0.1, 5.0), self._die)
            return
        self._then(self._random.uniform(0.5, 12.0), lambda: self._commit(claim, ordinal))

    def _commit(self, claim: Claim, ordinal: int, tries: int = 0) -> None:
        said, _ = self._told(lambda: self._world.queue.commit(claim, ordinal))
        if said == "ok":
            self._heed_cancel(claim, ordinal + 1)
        elif said == "refused":
            self._leave(claim)
        elif tries < 5:
            # an answer that did not come: what is stored tells whether the window is there
            self._then(1.0, lambda: self._again(claim, ordinal, tries + 1))
        else:
            self._die()

    def _again(self, claim: Claim, ordinal: int, tries: int) -> None:
        if self._holds(claim) and self._world.queue.jobs[claim.job.job_id].windows > ordinal:
            self._heed_cancel(claim, ordinal + 1)
        else:
            self._commit(claim, ordinal, tries)

    def _heed_cancel(self, claim: Claim, ordinal: int) -> None:
        if self._holds(claim) and self._world.queue.jobs[claim.job.job_id].cancel_requested:
            self._end(claim, lambda: self._world.queue.release(claim, JobState.CANCELLED, "cancelled"))
        else:
            self._work(claim, ordinal)

    def _end(self, claim: Claim, call: Callable[[], None], tries: int = 0) -> None:
        def end() -> None:
            call()
            self._world.ledgers[claim.job.job_id].ended.add(claim.attempt)

        said, _ = self._told(end)
        if said in ("lost", "unanswered") and tries < 5:
            self._then(1.0, lambda: self._end(claim, call, tries + 1))
        else:
            self._leave(claim)

    def _leave(self, claim: Claim) -> None:
        self._claim = self._session = None
        self._then(0.1, self.look)
