"""What steers a pass from outside: limits, a way to stop it, and what it reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cortexia.annotators.base import StoredPicture
from cortexia.errors import CircuitBreakerOpenError, CortexiaError, DiskFullError, ReadOnlyError, StoreError
from cortexia.resilience import Breakers
from cortexia.types import Annotation

MACHINE_ERRORS = (StoreError, DiskFullError, ReadOnlyError, CircuitBreakerOpenError)
"""Nobody's fault but the machine's: the job waits. Everything else, missing weights and packages too, fails a run."""


def failure_of(error: Exception) -> tuple[str, str]:
    """Reason and message of a run that ``error`` ended; the reason of an error that carries one follows its code."""
    if not isinstance(error, CortexiaError):
        return "annotator", f"{type(error).__name__}: {error}"[:1000]
    reason = getattr(error, "reason", None)
    return f"{error.code}_{reason}" if reason else error.code, str(error)[:1000]


class CancelToken:
    """Asked by the decode loop at every packet and by the dispatcher at every chunk. Safe across threads. Whoever
    cancels ``above`` cancels this one with it."""

    def __init__(self, above: CancelToken | None = None) -> None:
        self._event = threading.Event()
        self._above = above

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set() or (self._above is not None and self._above.is_cancelled)


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """A commit falls due at ``media_s`` of media, ``wall_s`` of wall time or ``rows`` rows, whichever is first."""

    media_s: float = 30.0
    wall_s: float = 10.0
    rows: int = 50_000


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far an annotator is. ``media_s``: seconds of media consumed; ``duration_s``: as the container claims.
    ``processing_s``: seconds that it was at work, since this attempt began."""

    video_id: str
    annotator: str
    media_s: float
    duration_s: float | None
    rows: int
    status: str = "running"
    reason: str | None = None
    processing_s: float = 0.0


class Stopwatch:
    """Adds up the wall seconds that blocks take: ``with watch: ...``. Do not nest."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._laps = 0.0
        self._begun = 0.0

    @property
    def total_s(self) -> float:
        """Of all laps."""
        return self._laps + self._spent

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *exc: object) -> None:
        self._spent += time.perf_counter() - self._begun

    def lap(self) -> float:
        """Seconds since the last lap."""
        spent, self._spent = self._spent, 0.0
        self._laps += spent
        return spent


class Recorder(Protocol):
    """Told what is at work at every call of foreign code, so that a sudden end can be traced to it. Has to be cheap."""

    def enter(self, annotator: str) -> None:
        """A session of ``annotator`` is called now."""

    def leave(self) -> None:
        """It has come back."""

    def decoding(self, is_at_work: bool) -> None:
        """The decoder is called now, or has come back. May come from another thread."""

    def moved(self) -> None:
        """Something came in: a packet, a page of stored rows. Silence means that the work stalls."""


class NoRecorder:
    """A ``Recorder`` for work that nobody watches."""

    def enter(self, annotator: str) -> None: ...

    def leave(self) -> None: ...

    def decoding(self, is_at_work: bool) -> None: ...

    def moved(self) -> None: ...


class StoredReader(Protocol):
    """What a pass may read of what is stored. Given by the worker: the engine knows no store."""

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[tuple[int, Annotation]]:
        """(emitted_at, annotation) of a run, ``start <= emitted_at < end``, in order of emission."""

    def annotations(self, run_ids: tuple[str, ...], types: tuple[str, ...]) -> Iterable[Annotation]:
        """Rows of these runs and types in order of (start, type, id)."""

    def pictures(self, run_ids: tuple[str, ...], skip: int) -> Iterator[StoredPicture]:
        """Representative key pictures of these runs in order of time, without the first ``skip``."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How a pass works; never what it finds. ``threads``: the job's budget. ``batch_size``: overrides annotators'.
    ``lockstep``: decoder and annotators take turns, so that after a death it is plain which of them was at work.
    ``breakers``: of annotators that work with models; they outlive a job."""

    policy: WindowPolicy = WindowPolicy()
    threads: int = 0
    batch_size: int | None = None
    held_bytes: int = 256 * 1024 * 1024
    cancel: CancelToken = field(default_factory=CancelToken)
    on_progress: Callable[[ProgressEvent], None] = lambda event: None
    clock: Callable[[], float] = time.monotonic
    recorder: Recorder = field(default_factory=NoRecorder)
    lockstep: bool = False
    breakers: Breakers = field(default_factory=lambda: Breakers("annotator"))
