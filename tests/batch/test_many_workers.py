"""Several workers and one list of jobs: leases, deaths, fences, cancellation, and a supervisor that stays small."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import psutil
import pytest
from crew import Batch

from cortexia.errors import FenceLostError
from cortexia.types import JobState


class Running:
    """A batch at work in a thread, whose workers can be struck."""

    def __init__(self, batch: Batch, **options) -> None:
        self.batch = batch
        self.stop = threading.Event()
        # other children of this process are servers of other tests
        self._before = psutil.Process().children()
        self._thread = threading.Thread(target=lambda: batch.run(stopped=self.stop.is_set, **options))
        self._thread.start()

    def wait_for(self, what: Callable[[], object]) -> None:
        for _ in range(3000):
            if what():
                return
            assert self._thread.is_alive(), self.batch.events
            time.sleep(0.01)
        raise AssertionError(f"it did not come to it: {self.batch.events}")

    def workers(self) -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if child not in self._before]

    def holder(self, name: str) -> int:
        """Process of the worker that holds the job, once it does."""
        self.wait_for(lambda: self.batch.job(name).status is JobState.RUNNING)
        return int((self.batch.job(name).worker or "").split("/")[2])

    def end(self, timeout_s: float = 60.0) -> None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), self.batch.events


def starts(batch: Batch, name: str) -> int:
    return sum(event["event"] == "job_started" and event["job_id"] == batch.jobs[name] for event in batch.events)


def test_each_job_is_done_once_whoever_takes_it(batch):
    for number in range(12):
        batch.add(f"video {number}")
    batch.run(workers=3)
    assert {batch.job(name).status for name in batch.jobs} == {JobState.COMPLETED}
    assert all(starts(batch, name) == 1 for name in batch.jobs)
    assert len({event["worker"] for event in batch.events if event["event"] == "job_started"}) > 1


def test_the_most_urgent_job_is_first(batch):
    for name in ("a", "b", "c"):
        batch.add(name)
    batch.add("urgent", priority=5)
    batch.run()
    first = next(event for event in batch.events if event["event"] == "job_started")
    assert first["job_id"] == batch.jobs["urgent"]


def test_what_a_killed_worker_held_is_at_work_again_at_once(batch):
    """R-05, with a lease that nobody could wait for."""
    batch.add("slow", session="slow")
    running = Running(batch, lease_s=3600.0)
    os.kill(running.holder("slow"), signal.SIGKILL)
    struck = time.monotonic()
    running.wait_for(lambda: starts(batch, "slow") == 2)
    assert time.monotonic() - struck < 30
    running.end()
    assert batch.job("slow").status is JobState.COMPLETED


def test_a_job_ten_times_longer_than_its_lease_runs_once(batch):
    """R-06. A worker beside it would take the job over if its lease lapsed."""
    batch.add("slow", session="slow")
    batch.add("well")
    batch.run(workers=2, lease_s=0.4, frames=45)
    assert batch.job("slow").status is JobState.COMPLETED
    assert (batch.job("slow").attempt, starts(batch, "slow")) == (1, 1)


def test_without_a_heartbeat_it_is_taken_over(batch):
    """Negative control of R-06: the same lease, and nobody who renews it."""
    job_id = batch.add("slow", session="slow")
    silent = batch.store.claim("elsewhere/12345678/1/1", 0.4, job_id)
    batch.run()
    assert batch.job("slow").attempt == silent.attempt + 1


def test_a_worker_that_slept_through_its_lease_cannot_commit(batch):
    """R-07: stopped, overtaken, and woken up again."""
    batch.add("slow", session="slow")
    batch.add("well")
    running = Running(batch, workers=2, lease_s=1.0, frames=30, window_s=0.2)
    sleeper = running.holder("slow")
    running.wait_for(lambda: batch.job("slow").windows > 1)
    os.kill(sleeper, signal.SIGSTOP)
    running.wait_for(lambda: batch.job("slow").attempt == 2)
    os.kill(sleeper, signal.SIGCONT)
    running.end()
    assert batch.job("slow").status is JobState.COMPLETED
    ends = [e for e in batch.events if e["event"] == "job_finished" and e["job_id"] == batch.jobs["slow"]]
    assert sorted(event["status"] for event in ends) == ["completed", "lost"]
    assert {run.windows for run in batch.store.job_runs(batch.jobs["slow"]) if run.spec.annotator == "steps"} != {0}


def test_a_late_commit_is_refused_by_the_store_itself(batch):
    """Negative control of R-07: it is the fence that refuses, not the good will of the sleeper."""
    job_id = batch.add("well")
    sleeper = batch.store.claim("w1", 0.01, job_id)
    time.sleep(0.05)
    assert batch.store.claim("w2", 30.0, job_id) is not None
    with pytest.raises(FenceLostError), batch.store.transaction(sleeper) as transaction:
        transaction.finish_job(JobState.COMPLETED)


def test_a_cancelled_job_stops_and_is_no_success(batch):
    batch.add("slow", session="slow")
    running = Running(batch, lease_s=0.8, frames=10_000)
    running.holder("slow")
    batch.store.cancel_job(batch.jobs["slow"])
    running.end()
    job = batch.job("slow")
    assert (job.status, job.reason) == (JobState.CANCELLED, "cancelled")
    assert batch.events[-1]["status"] == "cancelled"


def test_the_supervisor_stays_small_over_a_hundred_jobs(batch):
    """Memory, threads and handles, after the tenth job and after the last."""
    for number in range(100):
        batch.add(f"video {number}")
    mine, seen = psutil.Process(), []
    inner = batch.events

    class Looking(list):
        def append(self, event):
            inner.append(event)
            if event["event"] == "job_finished":
                seen.append((mine.memory_info().rss, mine.num_threads(), mine.num_fds()))

    batch.events = Looking()
    batch.run(workers=2, frames=3)
    assert len(seen) == 100
    (memory, threads, handles), last = seen[10], seen[-1]
    assert last[0] - memory < 20_000_000
    assert (last[1], last[2]) <= (threads, handles + 1)


# -- leaving (G11)


@pytest.mark.parametrize("phase", ["waiting", "decoding", "committing", "solving"])
def test_a_worker_that_is_asked_to_leave_gives_its_job_back(batch, phase):
    """R-24: it exits with 0, well before it would be killed, and what was committed stays."""
    batch.add("video", session="" if phase == "solving" else "slow", **({"ponder_s": 3} if phase == "solving" else {}))
    more = {"window_s": 0.04 if phase == "committing" else 1e9, "frames": 40}
    if phase == "waiting":
        assert batch.store.claim("elsewhere/12345678/1/1", 3600.0, batch.jobs["video"]) is not None
    running = Running(batch, **more)
    running.wait_for(running.workers)
    child = running.workers()[0]
    if phase == "waiting":
        time.sleep(2.0)
    elif phase == "committing":
        running.wait_for(lambda: batch.job("video").windows > 2)
    elif phase == "solving":
        running.wait_for(lambda: batch.runs("video")["steps"][0] == "completed")
    else:
        running.holder("video")
    running.stop.set()
    asked = time.monotonic()
    running.end(25)
    assert time.monotonic() - asked < 25
    assert not child.is_running()
    assert [event for event in batch.events if event["event"] == "worker_died"] == []
    if phase != "waiting":
        assert batch.job("video").status in (JobState.QUEUED, JobState.COMPLETED)
        assert batch.job("video").deaths == 0


def test_a_worker_that_others_tell_to_leave_gives_its_job_back_and_is_replaced(batch):
    """R-24: SIGTERM to the worker itself, as whoever stops one machine of many sends it."""
    batch.add("slow", session="slow")
    running = Running(batch, lease_s=3600.0, frames=60, window_s=0.2)
    told = running.holder("slow")
    running.wait_for(lambda: batch.job("slow").windows > 1)
    os.kill(told, signal.SIGTERM)
    running.wait_for(lambda: starts(batch, "slow") == 2)
    running.end()
    job = batch.job("slow")
    assert (job.status, job.deaths, job.attempt) == (JobState.COMPLETED, 0, 2)
    assert [event for event in batch.events if event["event"] == "worker_died"] == []


def test_sigkill_in_its_place_is_a_death(batch):
    """Negative control: the same, and nothing is given back."""
    batch.add("slow", session="slow")
    running = Running(batch, lease_s=3600.0, frames=60, window_s=0.2)
    os.kill(running.holder("slow"), signal.SIGKILL)
    running.end()
    assert [event["event"] for event in batch.events].count("worker_died") == 1
