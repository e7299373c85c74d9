"""Main of a worker process: ``python -m cortexia.executors.child``. Spec on stdin, events as JSON lines on stdout."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

from cortexia.executors.base import Event, WorkerSpec
from cortexia.executors.target import resolve_target

# Two threads take turns many times a frame: one decodes, one hands frames to annotators. At CPython's 5 ms a turn each
# waits for the other; 1 ms made a pass over 360p a tenth faster.
_TURN_S = 0.001
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    sys.setswitchinterval(_TURN_S)
    _forbid_core_dumps()
    # where the stack is that crashed goes to the log, whose last lines the parent keeps
    faulthandler.enable()
    leaving = Leaving()
    spec = WorkerSpec(**json.loads(sys.stdin.readline()))
    leaving.begin(spec.grace_s)
    emit = _event_writer(leaving.asked)
    parent = os.getppid()
    # Orphaned: nobody listens any more and nobody would restart us, so end at the next commit.
    resolve_target(spec.target)(spec.payload, emit, lambda: leaving.asked.is_set() or os.getppid() != parent)


class Leaving:
    """How a worker leaves (G11): asked once, it commits at the next frame; after four fifths of the grace period it
    drops what is uncommitted, and gives its lease back. Asked twice, it does so at once, and exits with 1. Past the
    grace period by a fifth the process ends whatever it does.

    A thread of its own waits for the signals: the main thread may be deep in foreign code.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._code = 0
        signal.signal(signal.SIGUSR1, self._leave)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def begin(self, grace_s: float) -> None:
        self._grace_s = grace_s
        threading.Thread(target=self._wait, name="cortexia-signals", daemon=True).start()

    def _wait(self) -> None:
        signal.sigwait(_SIGNALS)
        self.asked.set()
        if signal.sigtimedwait(_SIGNALS, 0.8 * self._grace_s) is not None:
            self._code = 1
        # a signal of its own, because it also wakes a main thread that waits for a lock
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        threading.Event().wait(0.4 * self._grace_s)
        os._exit(1)

    def _leave(self, number: int, frame: FrameType | None) -> NoReturn:
        """In the main thread, between two of its steps: blocks that are left on the way clean up after themselves."""
        raise SystemExit(self._code)


def _forbid_core_dumps() -> None:
    """Memory of a worker holds pictures of people, and a batch with a poison video would fill the disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _event_writer(stop: threading.Event) -> Any:
    """Events go to the real stdout; whatever a library prints goes to stderr and cannot garble them."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    lock = threading.Lock()

    def emit(event: Event) -> None:
        try:
            with lock:
                out.write(json.dumps(event) + "\n")
        except BrokenPipeError:
            stop.set()

    return emit


if __name__ == "__main__":
    main()
