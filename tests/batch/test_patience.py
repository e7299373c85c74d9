"""What is waited for, and how long: a store that is away, room on the disk, a breaker, a network."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import pytest
from harness import Lab
from recipes import Steps
from scripted import ScriptedDecoder

from cortexia.batch.patience import FreeSpace, Patience
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.errors import CircuitBreakerOpenError, DiskFullError, NetworkError, StoreBusyError, StoreError
from cortexia.types import JobState


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def tried(errors: list[Exception], most_s: float = 60.0, **more) -> tuple[object, Clock]:
    clock = Clock()
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    options = {"stopped": lambda: False, "waiting": lambda: None, **more}
    patience = Patience(most_s, sleep=clock.sleep, clock=lambda: clock.now, random=Random(1), **options)
    try:
        return patience(call), clock
    except Exception as error:
        return error, clock


def test_a_store_that_comes_back_is_waited_for_with_growing_pauses():
    answer, clock = tried([StoreBusyError("away")] * 6)
    assert (answer, round(clock.now, 1)) == ("done", 0.5 + 1 + 2 + 4 + 5 + 5)


def test_a_store_that_stays_away_is_given_up():
    answer, clock = tried([StoreBusyError("away")] * 1000)
    assert isinstance(answer, StoreBusyError)
    assert 60 <= clock.now <= 65


@pytest.mark.parametrize("error", [StoreError("damaged"), DiskFullError("full"), ValueError("mine")])
def test_what_will_not_pass_is_not_waited_for(error):
    answer, clock = tried([error])
    assert (answer, clock.now) == (error, 0.0)


def test_nothing_is_waited_for_when_asked_to_stop():
    error = StoreBusyError("away")
    assert tried([error], stopped=lambda: True)[0] is error


def test_room_is_waited_for_where_that_was_asked():
    answer, clock = tried([DiskFullError("full")] * 100, waits_for_room=True)
    assert answer == "done"
    assert clock.now > 60


def test_the_guard_of_free_space(tmp_path):
    below = (tmp_path / "not" / "there" / "yet",)
    assert FreeSpace(below, 0, 0.0).has_room()
    assert not FreeSpace(below, 10**18, 0.0).has_room()
    assert not FreeSpace(below, 0, 1.01).has_room()
    assert FreeSpace((), 10**18, 1.0).has_room()


# -- in a worker


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, ScriptedDecoder([40] * 50), (Steps(),))


@pytest.fixture
def store(lab):
    opened = lab.store()
    yield opened
    opened.close()


def test_a_window_is_kept_until_the_store_takes_it(lab, store, monkeypatch):
    """G9. The second failure comes after the store took it: it is not written twice."""
    job_id, transaction, fails = lab.submit(store), store.transaction, iter(["before", "after"])

    @contextlib.contextmanager
    def shaky(claim):
        way = next(fails, None)
        if way == "before":
            raise StoreBusyError("away")
        with transaction(claim) as inner:
            yield inner
        if way == "after":
            raise StoreBusyError("away before it could say so")

    monkeypatch.setattr(store, "transaction", shaky)
    Worker(store, lab.decoder, WorkerOptions(), recipes=lambda config: lab.recipes).work([job_id])
    job = store.job(job_id)
    assert (job.status, job.windows, job.retry_count) == (JobState.COMPLETED, 1, 0)


@pytest.mark.parametrize(
    ("error", "reason", "failures"),
    [
        (NetworkError("no answer"), "network", 1),
        (CircuitBreakerOpenError("open"), "breaker", 0),
        (DiskFullError("full"), "machine", 0),
        (StoreBusyError("busy"), "network", 1),
    ],
)
def test_what_may_pass_sends_the_job_back_and_the_worker_lives(lab, store, error, reason, failures):
    job_id = lab.submit(store)

    def recipes(config):
        raise error

    worker = Worker(store, lab.decoder, WorkerOptions(raises=()), recipes=recipes)
    assert list(worker.run(worker.claim(job_id))) == []
    job = store.job(job_id)
    assert (job.status, job.reason, job.failures.get(reason, 0)) == (JobState.RETRYING, reason, failures)
    assert job.not_before is not None


def test_an_address_that_is_refused_is_not_tried_again(lab, store):
    from cortexia.errors import SourceRefusedError

    job_id = lab.submit(store)

    def recipes(config):
        raise SourceRefusedError("no")

    Worker(store, lab.decoder, WorkerOptions(), recipes=recipes).work([job_id])
    assert (store.job(job_id).status, store.job(job_id).reason) == (JobState.FAILED, "address_refused")
