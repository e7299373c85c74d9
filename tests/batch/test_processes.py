"""Worker processes that die, hang or chatter: the parent sees it, says so, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filling import AT_ONCE

from cortexia.batch import supervisor as supervising
from cortexia.batch.identity import is_surely_dead, worker_name
from cortexia.batch.supervisor import Supervisor
from cortexia.errors import ResourceError
from cortexia.executors.base import WorkerSpec
from cortexia.executors.processes import ProcessExecutor
from cortexia.stores import open_store
from cortexia.types import JobState, RunSpec, VideoIdentity


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def store(tmp_path):
    with_store = open_store(str(tmp_path / "s.db"), rules=AT_ONCE)
    yield with_store
    with_store.close()


@pytest.fixture
def job_id(store) -> str:
    video = VideoIdentity("a" * 64, "file:///a.mp4", "a.mp4", 1)
    spec = RunSpec(video.video_id, "shots", "1")
    store.save_video(video)
    store.register_runs([spec], {})
    return store.submit_job(video, [spec.run_id], {})


def run(store, job_id: str, monkeypatch, target: str, events: list | None = None) -> None:
    monkeypatch.setattr(supervising, "TARGET", f"dying_workers:{target}")
    heard = [] if events is None else events
    Supervisor(store, ProcessExecutor(), heard.append, lambda: False).run(
        {"store": store.location, "job_ids": [job_id]}
    )


def test_workers_that_die_before_they_begin_are_not_started_for_ever(store, job_id, monkeypatch):
    with pytest.raises(ResourceError, match=r"die before they begin .*signal 9"):
        run(store, job_id, monkeypatch, "dies_at_once")
    assert store.job(job_id).status is JobState.QUEUED, "nobody's fault: the job waits"


def test_a_worker_that_cannot_work_says_why(store, job_id, monkeypatch):
    with pytest.raises(ResourceError, match="the store is gone"):
        run(store, job_id, monkeypatch, "cannot_work")


def test_a_job_that_kills_its_workers_is_put_aside(store, job_id, monkeypatch):
    events: list = []
    run(store, job_id, monkeypatch, "dies_with_its_job", events)
    deaths = [event for event in events if event["event"] == "worker_died"]
    assert [event["status"] for event in deaths] == ["retrying", "retrying", "failed"]
    job = store.job(job_id)
    assert (job.status, job.reason) == (JobState.FAILED, "quarantined")
    assert events[-1]["event"] == "job_finished"


def executed(target: str, stop_after: float | None = None, grace_s: float = 25.0) -> tuple[list, int]:
    events: list = []
    begun = time.monotonic()

    def stopped() -> bool:
        return stop_after is not None and bool(events) and time.monotonic() - begun > stop_after

    executor = ProcessExecutor(grace_s)
    handle = executor.start(WorkerSpec(f"dying_workers:{target}"), events.append, stopped)
    while (ended := handle.poll()) is None:
        executor.wait(0.05)
    handle.close()
    return events, ended.code


def test_chatter_is_no_event():
    assert executed("garbles_its_events") == ([{"event": "hello"}], 0)


def test_a_worker_that_is_asked_to_stop_may_finish():
    assert executed("waits_for_the_stop", 0.0) == ([{"event": "hello"}, {"event": "bye"}], 0)


def test_a_worker_that_does_not_stop_is_killed():
    events, code = executed("never_stops", 0.0, grace_s=0.3)
    assert (events, code) == ([{"event": "hello"}], -signal.SIGKILL)


def test_an_orphan_stops():
    """The parent is killed: its worker sees that nobody listens, and leaves."""
    script = (
        "import sys\n"
        "from cortexia.executors.base import WorkerSpec\n"
        "from cortexia.executors.processes import ProcessExecutor\n"
        "executor = ProcessExecutor()\n"
        "spec = WorkerSpec('dying_workers:waits_for_the_stop')\n"
        "worker = executor.start(spec, lambda event: print(event, flush=True), lambda: False)\n"
        "while worker.poll() is None: executor.wait(0.05)"
    )
    import psutil

    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert "hello" in parent.stdout.readline()
    child = psutil.Process(parent.pid).children()[0]
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running()


# -- who is dead


def test_the_living_are_never_called_dead():
    assert not is_surely_dead(worker_name())


def test_a_process_that_ended_is_surely_dead():
    code = "from cortexia.batch.identity import worker_name; print(worker_name())"
    name = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert is_surely_dead(name)


def test_a_number_used_again_is_another_process():
    host, boot, pid, started = worker_name().split("/")
    assert is_surely_dead("/".join((host, boot, pid, str(int(started) - 1))))
    assert is_surely_dead("/".join((host, "0" * 8, pid, started))), "before the machine was started anew"


@pytest.mark.parametrize("name", ["", "elsewhere/12345678/1/1", "somebody", "a/b/c/d", f"{os.uname().nodename}/x/1/0"])
def test_nothing_is_guessed_about_others(name):
    assert not is_surely_dead(name)
