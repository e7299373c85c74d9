"""How a worker process leaves when it is asked to (G11): in time, cleaned up, and with the right code."""

from __future__ import annotations

import time

import pytest

from cortexia.executors.base import WorkerSpec
from cortexia.executors.processes import ProcessExecutor, WorkerProcess


@pytest.fixture(autouse=True)
def importable(scripted_workers):
    """Workers find their targets."""


def started(target: str, grace_s: float, events: list) -> tuple[ProcessExecutor, WorkerProcess]:
    executor = ProcessExecutor(grace_s)
    worker = executor.start(WorkerSpec(f"dying_workers:{target}"), events.append, lambda: False)
    while not events:
        executor.wait(0.05)
        worker.poll()
    return executor, worker


def ended(executor: ProcessExecutor, worker: WorkerProcess) -> int:
    while (end := worker.poll()) is None:
        executor.wait(0.05)
    worker.close()
    return end.code


def test_what_does_not_hear_is_left_by_force_before_the_grace_period_is_over():
    events: list = []
    executor, worker = started("does_not_hear", 2.0, events)
    asked = time.monotonic()
    worker.stop()
    assert ended(executor, worker) == 0
    assert 1.4 < time.monotonic() - asked < 2.0
    assert events[-1] == {"event": "left"}


def test_asked_twice_it_leaves_at_once_and_says_so():
    events: list = []
    executor, worker = started("does_not_hear", 25.0, events)
    asked = time.monotonic()
    worker.stop()
    time.sleep(0.2)
    worker.stop()
    assert ended(executor, worker) == 1
    assert time.monotonic() - asked < 10
    assert events[-1] == {"event": "left"}


def test_workers_leave_no_core_dumps():
    events: list = []
    executor, worker = started("tells_its_core_limit", 25.0, events)
    assert ended(executor, worker) == 0
    assert events[0]["limits"] == [0, 0]
