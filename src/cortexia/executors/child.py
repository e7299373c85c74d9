"""Main of a worker process: ``python -m cortexia.executors.child``. Spec on stdin, events as JSON lines on stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from cortexia.executors.base import Event, WorkerSpec
from cortexia.executors.target import resolve_target

# Two threads take turns many times a frame: one decodes, one hands frames to annotators. At CPython's 5 ms a turn each
# waits for the other; 1 ms made a pass over 360p a tenth faster.
_TURN_S = 0.001


def main() -> None:
    sys.setswitchinterval(_TURN_S)
    spec = WorkerSpec(**json.loads(sys.stdin.readline()))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    emit = _event_writer(stop)
    parent = os.getppid()
    # Orphaned: nobody listens any more and nobody would restart us, so end at the next commit.
    resolve_target(spec.target)(spec.payload, emit, lambda: stop.is_set() or os.getppid() != parent)


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
