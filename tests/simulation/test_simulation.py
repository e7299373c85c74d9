"""R-34: thousands of seeded worlds, and none in which a promise of the queue is broken (G1, G3, G5, G7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from postgres import fresh_url
from stored import StoredQueue
from twin import MemoryQueue
from world import World

from cortexia.stores import lifecycle, open_store
from cortexia.stores.lifecycle import Death
from cortexia.types import JobState


def broken(seeds: range, make_queue=MemoryQueue) -> dict[int, list[str]]:
    return {seed: said for seed in seeds if (said := World(seed, make_queue).run())}


def ends_of(world: World) -> dict[str, tuple]:
    return {name: (job.status, job.reason, job.attempt) for name, job in world.queue.jobs.items()}


def test_no_promise_is_broken_in_five_hundred_worlds():
    assert broken(range(500)) == {}


def test_a_window_that_came_after_the_lapse_leaves_no_job_without_end():
    """Once, such a lease was begun anew for ever."""
    assert broken(range(4451, 4452)) == {}


@pytest.mark.long
def test_no_promise_is_broken_in_ten_thousand_worlds():
    assert broken(range(500, 10_500)) == {}


@pytest.mark.parametrize(
    ("kind", "seed"), [("sqlite", seed) for seed in range(12)] + [("files", 3), ("files", 8), ("postgresql", 3)]
)
def test_no_promise_is_broken_over_a_real_store(tmp_path, kind, seed):
    """The very worlds, with a store for their queue: the same ends, attempt by attempt."""
    stores = []
    place = {"sqlite": str(tmp_path / "s.db"), "files": str(tmp_path / "store")}.get(kind) or fresh_url(tmp_path)

    def make_queue(rules):
        stores.append(open_store(place, rules=rules))
        return StoredQueue(stores[0])

    world, twin = World(seed, make_queue), World(seed)
    try:
        assert world.run() == twin.run() == []
        ends = [
            {name: (job.status, job.reason, job.attempt) for name, job in w.queue.jobs.items()} for w in (world, twin)
        ]
        assert ends[0] == ends[1]
    finally:
        stores[0].close()


def test_the_worlds_are_hard_enough():
    """All ends occur, workers are overtaken, and leases lapse."""
    ends: Counter[str] = Counter()
    attempts = 0
    for seed in range(200):
        world = World(seed)
        world.run()
        ends.update(job.reason or job.status.value for job in world.queue.jobs.values())
        attempts += sum(job.attempt for job in world.queue.jobs.values())
    assert {"completed", "quarantined", "error", "cancelled"} <= set(ends)
    assert attempts > 2 * sum(ends.values())


# -- negative controls: builds that are wrong in one place


class WithoutFence(MemoryQueue):
    def held(self, holder):
        return self.jobs[holder.job.job_id]


class EndsApart(MemoryQueue):
    """The end of a job is written first, and its window in a transaction of its own that may not come."""

    def commit(self, holder, ordinal):
        self._write(replace(self.held(holder), windows=ordinal + 1))
        if self.rules.random.random() < 0.9:
            self.kept[holder.job.job_id].windows.append((ordinal, holder.attempt))


class WithoutLease(MemoryQueue):
    def rescue(self):
        return None


class LeasesTwice(MemoryQueue):
    def claim(self, worker, lease_s):
        taken, self.jobs = self.jobs, {name: replace(job, video_id=name) for name, job in self.jobs.items()}
        claim = super().claim(worker, lease_s)
        self.jobs = {name: replace(job, video_id=taken[name].video_id) for name, job in self.jobs.items()}
        return claim


class NeverGivesUp(MemoryQueue):
    def _bury(self, job, message):
        self._write(replace(lifecycle.died(replace(job, deaths=0), message, self.now(), self.rules).job, deaths=0))


class GivesUpAtOnce(MemoryQueue):
    def _bury(self, job, message):
        death = Death(lifecycle.died(replace(job, deaths=2), message, self.now(), self.rules).job)
        self._write(death.job)


class ForgetsCancel(MemoryQueue):
    def release(self, holder, status, reason):
        job = self.held(holder)
        self._write(replace(job, status=JobState.COMPLETED, worker=None, lease_expires_at=None))


@pytest.mark.parametrize(
    "wrong", [WithoutFence, EndsApart, WithoutLease, LeasesTwice, NeverGivesUp, GivesUpAtOnce, ForgetsCancel]
)
def test_a_build_that_is_wrong_is_seen(wrong):
    assert broken(range(60), wrong)
