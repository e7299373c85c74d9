"""The heartbeat: beats while the job moves, hears of cancellation, and knows when it was overtaken."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from cortexia.batch.heartbeat import Heartbeat
from cortexia.batch.recorder import FlightRecorder
from cortexia.engine import CancelToken
from cortexia.errors import FenceLostError, StoreBusyError
from cortexia.stores.base import Claim, JobRecord
from cortexia.types import JobState

JOB = JobRecord("j", "a" * 64, "/a.mp4", JobState.RUNNING)


class Beats:
    """A store that counts renewals."""

    def __init__(self, error: Exception | None = None, cancels: bool = False) -> None:
        self.sessions: list[str | None] = []
        self.error = error
        self.answer = replace(JOB, cancel_requested=cancels)
        self.told = threading.Event()

    def renew(self, claim, lease_s: float, session: str | None = None) -> JobRecord:
        self.sessions.append(session)
        if len(self.sessions) >= 3:
            self.told.set()
        if self.error:
            raise self.error
        return self.answer


def beating(beats: Beats, stall_timeout_s: float = 60.0) -> tuple[Heartbeat, FlightRecorder, CancelToken]:
    recorder, cancel = FlightRecorder(), CancelToken()
    return Heartbeat(beats, Claim(JOB, "w", 1), 0.04, stall_timeout_s, recorder, cancel), recorder, cancel


def gives_up(heartbeat: Heartbeat) -> None:
    heartbeat._thread.join(10)
    assert not heartbeat._thread.is_alive(), "it beats on"


@pytest.mark.parametrize("error", [None, StoreBusyError("busy")])
def test_a_job_that_moves_keeps_its_lease(error):
    beats = Beats(error)
    heartbeat, recorder, cancel = beating(beats)
    recorder.enter("shots")
    with heartbeat:
        assert beats.told.wait(10)
    assert beats.sessions[-1] == "shots"
    assert not cancel.is_cancelled


def test_a_job_that_stalls_loses_it():
    beats = Beats()
    heartbeat, _, _ = beating(beats, stall_timeout_s=0.0)
    with heartbeat:
        gives_up(heartbeat)
    assert len(beats.sessions) <= 1


def test_a_job_that_is_to_be_cancelled_stops():
    beats = Beats(cancels=True)
    heartbeat, _, cancel = beating(beats)
    with heartbeat:
        assert beats.told.wait(10)
    assert cancel.is_cancelled


def test_a_lost_lease_is_not_asked_for_again():
    beats = Beats(FenceLostError("gone"))
    heartbeat, _, cancel = beating(beats)
    with heartbeat:
        gives_up(heartbeat)
    assert len(beats.sessions) == 1
    assert cancel.is_cancelled


def test_what_cancels_the_worker_cancels_its_job_and_not_the_other_way_round():
    worker = CancelToken()
    job = CancelToken(worker)
    job.cancel()
    assert not worker.is_cancelled
    worker.cancel()
    assert CancelToken(worker).is_cancelled
