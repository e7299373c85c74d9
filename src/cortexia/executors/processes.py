"""Workers run in child processes: the parent survives their crash, hang and hunger."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess  # our own interpreter, fixed arguments  # nosec B404
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import IO

from cortexia.executors.base import LOG_LINES, Event, WorkerExit, WorkerSpec

_READ_BYTES = 65_536
_LINE_BYTES = 4 * 1024 * 1024


class ProcessExecutor:
    """``grace_s``: how long a worker may take to commit and leave once it was asked to; ``None``: as its spec says."""

    most_workers = 32
    is_isolated = True

    def __init__(self, grace_s: float | None = None) -> None:
        self._grace_s = grace_s
        self._pipes = selectors.DefaultSelector()

    def start(self, spec: WorkerSpec, on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> WorkerProcess:
        if self._grace_s is not None:
            spec = replace(spec, grace_s=self._grace_s)
        return WorkerProcess(spec, on_event, stopped, self._pipes)

    def wait(self, timeout_s: float) -> None:
        if self._pipes.get_map():
            self._pipes.select(timeout_s)
        else:
            time.sleep(timeout_s)


class WorkerProcess:
    """A ``WorkerHandle``. Its events come as JSON lines on stdout; what else is said comes on stderr, is passed on to
    ours, and its last lines are kept."""

    def __init__(
        self,
        spec: WorkerSpec,
        on_event: Callable[[Event], None],
        stopped: Callable[[], bool],
        pipes: selectors.BaseSelector,
    ) -> None:
        self._on_event = on_event
        self._stopped = stopped
        self._pipes = pipes
        self._grace_s = spec.grace_s
        self._asked_at: float | None = None
        self._why: str | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._process = subprocess.Popen(  # no shell, nothing from users  # nosec B603
            [sys.executable, "-m", "cortexia.executors.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A Ctrl-C in the terminal goes to the parent alone, which then asks the worker to stop.
            start_new_session=True,
        )
        self._told = LinePipe(self._process.stdout, pipes)
        self._said = LinePipe(self._process.stderr, pipes)
        self._send(spec)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def _send(self, spec: WorkerSpec) -> None:
        """A worker that died already says so by its exit code."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - a pipe was asked for  # nosec B101
        with contextlib.suppress(BrokenPipeError):
            pipe.write(json.dumps(asdict(spec)).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            pipe.close()

    def poll(self) -> WorkerExit | None:
        # asked before the pipes are emptied: what a worker told before it ended is heard before its end
        code = self._process.poll()
        self._hear()
        if code is not None:
            return WorkerExit(code, self._why)
        if self._asked_at is None and self._stopped():
            self.stop()
        elif self._asked_at is not None and time.monotonic() - self._asked_at > self._grace_s:
            self.kill(f"it did not stop within {self._grace_s:g} s")
        return None

    def _hear(self) -> None:
        for line in self._said.lines():
            text = line.decode("utf-8", "replace")
            self._log.append(text)
            sys.stderr.write(text + "\n")
        for line in self._told.lines():
            # a line cut short by a kill is not an event
            with contextlib.suppress(ValueError):
                self._on_event(json.loads(line))

    def stop(self) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        self._process.terminate()

    def kill(self, why: str) -> None:
        self._why = self._why or why
        self._process.kill()

    def log_tail(self) -> str:
        return "\n".join(self._log)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._told.close()
        self._said.close()


class LinePipe:
    """Whole lines from a pipe, without waiting for them. The rest at its end counts as a line."""

    def __init__(self, pipe: IO[bytes] | None, pipes: selectors.BaseSelector) -> None:
        assert pipe is not None  # noqa: S101 - a pipe was asked for  # nosec B101
        self._pipe = pipe
        self._pipes = pipes
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)
        pipes.register(pipe, selectors.EVENT_READ)

    def lines(self) -> Iterator[bytes]:
        while not self._pipe.closed:
            try:
                data = os.read(self._pipe.fileno(), _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self.close()
            *whole, self._rest = (self._rest + data).split(b"\n")
            if self._rest and (not data or len(self._rest) > _LINE_BYTES):
                whole, self._rest = [*whole, self._rest], b""
            yield from whole

    def close(self) -> None:
        if not self._pipe.closed:
            self._pipes.unregister(self._pipe)
            self._pipe.close()
