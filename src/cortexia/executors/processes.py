"""The worker runs in a child process: the parent survives its crash, hang and hunger."""

from __future__ import annotations

import json
import queue
import subprocess  # our own interpreter, fixed arguments  # nosec B404
import sys
import threading
import time
from collections.abc import Callable

from cortexia.executors.base import Event, WorkerExit, WorkerSpec

_POLL_S = 0.05


class ProcessExecutor:
    """``grace_s``: how long a worker may take to commit and leave once it was asked to."""

    def __init__(self, grace_s: float = 25.0) -> None:
        self._grace_s = grace_s

    def run(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> WorkerExit:
        process = subprocess.Popen(  # no shell, nothing from users  # nosec B603
            [sys.executable, "-m", "cortexia.executors.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # A Ctrl-C in the terminal goes to the parent alone, which then asks the worker to stop.
            start_new_session=True,
        )
        try:
            return self._attend(process, spec, on_event, stopped)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _attend(
        self,
        process: subprocess.Popen[str],
        spec: WorkerSpec,
        on_event: Callable[[Event], None],
        stopped: Callable[[], bool],
    ) -> WorkerExit:
        self._send(process, spec)
        events: queue.Queue[Event | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process, events), name="cortexia-events", daemon=True)
        reader.start()
        asked_at: float | None = None
        while True:
            try:
                event = events.get(timeout=_POLL_S)
                if event is None:
                    break
                on_event(event)
            except queue.Empty:
                pass
            if asked_at is None and stopped():
                asked_at = time.monotonic()
                process.terminate()
            elif asked_at is not None and time.monotonic() - asked_at > self._grace_s:
                process.kill()
        reader.join()
        return WorkerExit(process.wait())

    def _send(self, process: subprocess.Popen[str], spec: WorkerSpec) -> None:
        line = json.dumps({"target": spec.target, "payload": dict(spec.payload)}) + "\n"
        try:
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for  # nosec B101
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it died already; its exit code says so


def _read(process: subprocess.Popen[str], events: queue.Queue[Event | None]) -> None:
    """Lines until the pipe closes. A line cut short by a kill is not an event."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for  # nosec B101
    for line in process.stdout:
        try:
            events.put(json.loads(line))
        except json.JSONDecodeError:
            continue
    events.put(None)
