"""Workers that end in other ways than they should. Run by name in real processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def dies_at_once(payload, emit, stopped):
    os.kill(os.getpid(), signal.SIGKILL)


def cannot_work(payload, emit, stopped):
    emit({"event": "worker_failed", "code": "store", "message": "the store is gone"})


def dies_with_its_job(payload, emit, stopped):
    """Claims the job as a real worker does, and dies before any window."""
    from cortexia.batch.identity import worker_name
    from cortexia.batch.recorder import FlightRecorder
    from cortexia.stores import open_store

    store = open_store(payload["store"])
    claim = store.claim(worker_name(), 30.0, payload["job_ids"][0])
    assert claim is not None
    recorder = FlightRecorder(Path(payload["recorder"]))
    recorder.present(claim.worker)
    recorder.begin(claim.job.job_id)
    emit({"event": "job_started", "job_id": claim.job.job_id, "worker": claim.worker})
    os.kill(os.getpid(), signal.SIGKILL)


def garbles_its_events(payload, emit, stopped):
    """What a library prints must not be taken for an event."""
    print("chatter on stdout", flush=True)  # noqa: T201
    os.write(1, b"more {\n")
    emit({"event": "hello"})


def waits_for_the_stop(payload, emit, stopped):
    emit({"event": "hello"})
    while not stopped():
        time.sleep(0.01)
    emit({"event": "bye"})


def never_stops(payload, emit, stopped):
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    emit({"event": "hello"})
    time.sleep(60)


def does_not_hear(payload, emit, stopped):
    """Foreign code that takes its time, and cleans up when it is left by force."""
    emit({"event": "hello"})
    try:
        time.sleep(60)
    finally:
        emit({"event": "left"})


def tells_its_core_limit(payload, emit, stopped):
    import resource

    emit({"event": "core", "limits": resource.getrlimit(resource.RLIMIT_CORE)})
