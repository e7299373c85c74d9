"""What a worker makes of its jobs: rescue, leases that run out, errors of the machine, and how jobs end."""

from __future__ import annotations

import socket
import time

import pytest
from harness import Lab
from recipes import Steps
from scripted import ScriptedDecoder

from cortexia.batch.ending import conclude, settle
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.errors import DiskFullError, FenceLostError
from cortexia.stores.base import RunRecord
from cortexia.types import JobState, RunSpec, RunStatus

GONE = "/".join((socket.gethostname(), "0" * 8, "1", "1"))


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path, ScriptedDecoder([40] * 50), (Steps(),))


@pytest.fixture
def store(lab):
    opened = lab.store()
    yield opened
    opened.close()


def worker(store, lab: Lab, events: list | None = None, **options) -> Worker:
    heard = [] if events is None else events
    return Worker(store, lab.decoder, WorkerOptions(**options), heard.append, recipes=lambda config: lab.recipes)


def test_what_a_dead_worker_holds_is_taken_over_at_once(lab, store):
    job_id = lab.submit(store)
    assert store.claim(GONE, 3600.0, job_id) is not None
    begun = time.monotonic()
    worker(store, lab).work([job_id])
    assert store.job(job_id).status is JobState.COMPLETED
    assert time.monotonic() - begun < 30, "nobody waited for a lease of an hour"


def test_what_a_living_worker_holds_is_waited_for(lab, store):
    job_id = lab.submit(store)
    held = store.claim("elsewhere/12345678/1/1", 1.0, job_id)
    assert held is not None
    claim = worker(store, lab).claim(job_id)
    assert claim is not None
    assert claim.attempt == held.attempt + 1
    with pytest.raises(FenceLostError):
        store.renew(held, 1.0)


def test_a_job_that_has_ended_is_not_claimed(lab, store):
    job_id = lab.submit(store)
    worker(store, lab).work([job_id])
    assert worker(store, lab).claim(job_id) is None
    assert worker(store, lab).claim("no such job") is None


def test_a_worker_that_was_overtaken_leaves_quietly(lab, store):
    job_id = lab.submit(store)
    events: list = []
    mine = worker(store, lab, events)
    claim = mine.claim(job_id)
    store.release(claim, JobState.QUEUED, None, None)
    assert store.claim("somebody/else/1/1", 60.0, job_id) is not None
    assert list(mine.run(claim)) == []
    assert events[-1]["status"] == "lost"
    assert store.job(job_id).worker == "somebody/else/1/1"


def test_a_full_disk_costs_no_attempt(lab, store, monkeypatch):
    job_id = lab.submit(store)
    mine = worker(store, lab)
    claim = mine.claim(job_id)

    def full(claim):
        raise DiskFullError("no space left")

    monkeypatch.setattr(store, "transaction", full)
    with pytest.raises(DiskFullError):
        list(mine.run(claim))
    job = store.job(job_id)
    assert job.status is JobState.QUEUED
    assert "no space left" in job.error_message


def test_whatever_else_happens_the_job_has_an_end(lab, store):
    job_id = lab.submit(store)
    broken = Worker(store, lab.decoder, WorkerOptions(), recipes=lambda config: 1 / 0)
    broken.work([job_id])
    job = store.job(job_id)
    assert (job.status, job.reason) == (JobState.FAILED, "error")
    assert "ZeroDivisionError" in job.error_message


def test_a_job_with_everything_stored_needs_no_worker(lab, store):
    first = lab.submit(store)
    assert not settle(store, first, 20.0), "there is work"
    worker(store, lab).work([first])
    again = lab.submit(store)
    assert again != first
    assert settle(store, again, 20.0)
    assert store.job(again).status is JobState.COMPLETED


def test_a_job_whose_video_is_held_is_not_settled(lab, store):
    worker(store, lab).work([lab.submit(store)])
    again = lab.submit(store)
    assert store.claim("elsewhere/12345678/1/1", 60.0, again) is not None
    assert not settle(store, again, 20.0)


# -- ends


def ended(*runs: tuple[RunStatus, str | None]) -> tuple:
    records = []
    for number, (status, reason) in enumerate(runs):
        run_spec = RunSpec("a" * 64, f"a{number}", "1")
        records.append(RunRecord(spec=run_spec, run_id=run_spec.run_id, status=status, reason=reason))
    ending = conclude(records)
    return ending.status, ending.reason


DONE, FAILED, SKIPPED = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.SKIPPED


@pytest.mark.parametrize(
    ("runs", "end"),
    [
        ([(DONE, None)], (JobState.COMPLETED, None)),
        ([], (JobState.COMPLETED, None)),
        ([(DONE, None), (FAILED, "annotator")], (JobState.COMPLETED_WITH_ERRORS, "runs_failed")),
        ([(FAILED, "annotator")], (JobState.FAILED, "error")),
        ([(DONE, None), (SKIPPED, "no_video")], (JobState.COMPLETED, "audio_only")),
        ([(DONE, None), (SKIPPED, "no_video"), (SKIPPED, "upstream")], (JobState.COMPLETED, "audio_only")),
        ([(SKIPPED, "no_video")], (JobState.FAILED, "rejected")),
        ([(DONE, None), (SKIPPED, "upstream")], (JobState.COMPLETED_WITH_ERRORS, "runs_failed")),
    ],
)
def test_a_job_ends_as_its_runs_did(runs, end):
    assert ended(*runs) == end
