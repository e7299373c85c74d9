"""The one interface of the annotation database. Files, SQLite and PostgreSQL answer it alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from cortexia.types import (
    Anchor,
    AnnotationRecord,
    JobState,
    MediaInfo,
    QuarantinedAnnotation,
    Query,
    RunSpec,
    RunStatus,
    StoredRow,
    Timestamp,
    Verdict,
    VideoIdentity,
)


class Reach(StrEnum):
    """How far apart the processes that share a store may be."""

    PROCESS = "process"
    HOST = "host"
    NETWORK = "network"


class Cause(StrEnum):
    """Why an attempt ended without a result."""

    DEATH = "death"
    """The worker is gone without a word: killed, crashed, out of memory, stalled."""
    NETWORK = "network"
    """A source, a model or the database did not answer."""
    MACHINE = "machine"
    """The disk is full, the output cannot be written, a file handle is missing."""
    BREAKER = "breaker"
    """What it needs failed too often, and is left alone for a while."""
    PERMANENT = "permanent"
    """The same would happen again: the input, an annotator, a setting."""


@dataclass(frozen=True, slots=True)
class VideoRecord:
    identity: VideoIdentity
    media: MediaInfo | None
    verdict: Verdict | None
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One video in a batch. Its state changes by the rules of ``stores.lifecycle`` only.

    ``lease_expires_at``, ``heartbeat_at``, ``not_before`` (no start earlier): seconds since 1970 by the store's clock.
    ``session``: the annotator at work, as of the last heartbeat. ``deaths``: workers in a row that died and left
    nothing; ``suspects``: how many of them had which annotator at work; ``failures``: attempts by other causes.
    ``log_tail``: the last lines of the worker that died.
    """

    job_id: str
    video_id: str
    video_path: str
    status: JobState
    config: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0
    worker: str | None = None
    retry_count: int = 0
    error_message: str | None = None
    reason: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    priority: int = 0
    batch_id: str | None = None
    lease_expires_at: float | None = None
    heartbeat_at: float | None = None
    not_before: float | None = None
    windows: int = 0
    windows_at_claim: int = 0
    deaths: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    session: str | None = None
    suspects: Mapping[str, int] = field(default_factory=dict)
    cancel_requested: bool = False
    log_tail: str | None = None


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The jobs of one batch, counted. ``counts``: jobs by state, those with any. ``created_at``, ``started_at``: of its
    first job; ``completed_at``: of the last one that has ended so far. ``priority``: the highest of them."""

    batch_id: str
    counts: Mapping[str, int]
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    priority: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def unfinished(self) -> int:
        """Jobs that wait or run."""
        return sum(count for state, count in self.counts.items() if not JobState(state).is_final)


@dataclass(frozen=True, slots=True)
class Claim:
    """Proof of a lease: every commit is fenced by it. ``attempt`` rises with each claim of a job."""

    job: JobRecord
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as stored, with its last committed window. ``quarantined_count``: how many of its annotations failed a
    quality gate."""

    spec: RunSpec
    run_id: str
    status: RunStatus
    reason: str | None = None
    message: str | None = None
    annotation_count: int = 0
    windows: int = 0
    position: int = 0
    final_until_us: int | None = None
    replay_from: int | None = None
    state: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    started_at: str | None = None
    completed_at: str | None = None
    processing_s: float = 0.0
    quarantined_count: int = 0


@dataclass(frozen=True, slots=True)
class RunWindow:
    """The part of a window that belongs to one run: new rows, and where and how to go on from here.

    ``position``: input consumed (frames or samples). ``state``: the session's, with the engine's own bookkeeping.
    ``status`` COMPLETED, FAILED or SKIPPED ends the run in the same commit; ``reason`` and ``message`` say why.
    ``quarantined``: what failed a quality gate, as far as it is kept; ``quarantined_count``: all of it.
    """

    run_id: str
    ordinal: int
    records: tuple[AnnotationRecord, ...]
    position: int
    final_until: Timestamp | None
    replay_from: int | None
    state: Mapping[str, Any]
    status: RunStatus = RunStatus.RUNNING
    reason: str | None = None
    message: str | None = None
    processing_s: float = 0.0
    quarantined: tuple[QuarantinedAnnotation, ...] = ()
    quarantined_count: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The unit of commit: all of it is stored, or nothing. ``verdict`` is given with the last window of a pass."""

    video_id: str
    runs: tuple[RunWindow, ...]
    anchors: tuple[Anchor, ...] = ()
    verdict: Verdict | None = None


class BlobStore(Protocol):
    """Files by content. ``put`` returns when the bytes would survive a power cut."""

    def put(self, data: bytes, suffix: str = "") -> str: ...

    def get(self, digest: str) -> bytes: ...

    def path(self, digest: str) -> Path: ...

    def __contains__(self, digest: str) -> bool: ...


class Transaction(Protocol):
    """Writes under a fence. Leaving the block commits; an exception rolls back all of it."""

    def save_window(self, window: Window) -> None:
        """Rows, states and positions together, read back and compared before the commit."""

    def finish_job(self, status: JobState, reason: str | None = None, message: str | None = None) -> None: ...


class StorageBackend(Protocol):
    reach: Reach
    location: str
    """Where it is, for people: without the password of a server."""
    address: str
    """What another process opens: with the password, and never to be shown."""

    @property
    def blobs(self) -> BlobStore: ...

    def migrate(self) -> None: ...

    def close(self) -> None: ...

    # -- videos
    def save_video(self, identity: VideoIdentity, media: MediaInfo | None = None) -> None:
        """Insert, or refresh where it was seen and what a probe learned (``None``: not probed yet, keep what is
        there); the verdict of a full pass is kept over that of a probe."""

    def video(self, video_id: str) -> VideoRecord | None: ...

    def videos(self) -> Iterator[VideoRecord]: ...

    # -- runs
    def register_runs(self, specs: Sequence[RunSpec], provenance: Mapping[str, Any]) -> None:
        """Make runs known (PENDING) where they are not; runs already there keep all they have. A failed run starts
        afresh: its rows go in the same transaction."""

    def run(self, run_id: str) -> RunRecord | None: ...

    def runs(self, video_id: str | None = None, current_only: bool = True) -> Iterator[RunRecord]: ...

    def completed(self, video_ids: Collection[str]) -> frozenset[str]:
        """Ids of the completed runs of these videos, any number of them in one go; those of a video with an unfinished
        job are left out."""

    # -- jobs
    def submit_job(
        self,
        video: VideoIdentity,
        run_ids: Sequence[str],
        config: Mapping[str, Any],
        *,
        priority: int = 0,
        batch_id: str | None = None,
    ) -> str:
        """A queued job for these runs; the id of an unfinished job with the same runs instead, where there is one.
        ``priority``: higher goes first. ``batch_id``: an unfinished job goes over to the batch that asks for it last.
        """

    def claim(
        self, worker: str, lease_s: float, job_id: str | None = None, among: Collection[str] | None = None
    ) -> Claim | None:
        """The first job that may start (or the one named, or one ``among`` these), or ``None``: highest priority, then
        oldest. One live lease per video; a lapsed lease is taken over. Times come from the database clock."""

    def renew(self, claim: Claim, lease_s: float, session: str | None = None) -> JobRecord:
        """Keep the lease, and say which annotator is at work; the job tells whether it is to be cancelled. Raises
        ``FenceLostError``."""

    def release(self, claim: Claim, status: JobState, reason: str | None, message: str | None) -> JobState:
        """End or give back a job. Raises ``FenceLostError``."""

    def set_back(self, claim: Claim, cause: Cause, message: str) -> JobState:
        """The attempt failed for ``cause``: the job waits for another, or fails, as the retry table says. Raises
        ``FenceLostError``."""

    def abandon(
        self, job_id: str, worker: str, message: str, log_tail: str | None = None, session: str | None = None
    ) -> JobState:
        """Somebody saw ``worker`` die with this job: it waits for another, or fails as ``quarantined`` after deaths in
        a row that left nothing. ``log_tail``: the last lines that the worker said. ``session``: the annotator at work
        then, empty for none; ``None``: as of the last heartbeat."""

    def rescue(self) -> tuple[str, ...]:
        """Take jobs whose lease has lapsed from their workers; their ids."""

    def cancel_job(self, job_id: str) -> JobRecord:
        """A waiting job ends as cancelled; a running one is asked to, and does so at its next heartbeat."""

    def revive_job(self, job_id: str) -> JobRecord:
        """An ended job in the queue again."""

    def take_job(self, job_id: str, run_ids: Sequence[str], worker: str, lease_s: float) -> Claim:
        """Claim a job, also one that has ended, for these runs, which it has from then on. Raises ``StoreBusyError``
        while a worker is at its video."""

    def note_job(self, job_id: str, name: str, value: Any) -> None:
        """Keep a JSON value under ``name`` in the config of the job."""

    def job(self, job_id: str) -> JobRecord | None: ...

    def jobs(
        self, video_id: str | None = None, batch_id: str | None = None, statuses: Collection[JobState] = ()
    ) -> Iterator[JobRecord]:
        """Jobs in order of submission: those of a video, of a batch, in one of these states; by default all."""

    def batches(self) -> Iterator[BatchRecord]:
        """Every batch that has jobs, in the order in which they began. Jobs without a batch are in none."""

    def job_runs(self, job_id: str) -> tuple[RunRecord, ...]: ...

    # -- annotations
    def transaction(self, claim: Claim) -> AbstractContextManager[Transaction]:
        """Raises ``FenceLostError`` when the claim is no longer this worker's; nothing is written then."""

    def find(self, query: Query) -> Iterator[StoredRow]:
        """Rows of current runs in the order (video, start, type, annotation id), streamed. Rows of failed runs are not
        current; rows of running runs are."""

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[StoredRow]:
        """Rows of one run with ``start <= emitted_at < end``, in order of (emitted_at, rowid): for a later pass."""

    def quarantined(self, run_id: str) -> Iterator[QuarantinedAnnotation]:
        """What was kept of a run's annotations that failed a quality gate, in the order in which they were made."""

    def count(self, query: Query) -> int: ...
