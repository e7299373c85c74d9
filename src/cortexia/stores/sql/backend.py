"""What SQLite and PostgreSQL share: the protocol, spelled out over one schema."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import (
    BatchRecord,
    BlobStore,
    Cause,
    Claim,
    JobRecord,
    Reach,
    RunRecord,
    Transaction,
    VideoRecord,
)
from cortexia.stores.by_hand import KeepsByHand
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import annotations as stored
from cortexia.stores.sql import audit, jobs, quarantine, runs, schema, videos
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.repeating import repeated
from cortexia.stores.sql.transfer import SqlTransfer
from cortexia.stores.sql.upkeep import SqlUpkeep
from cortexia.stores.sql.windows import SqlTransaction
from cortexia.stores.transfer import Transfer
from cortexia.types import JobState, MediaInfo, QuarantinedAnnotation, Query, RunSpec, StoredRow, VideoIdentity


class SqlStorageBackend(KeepsByHand):
    """See ``stores.base.StorageBackend`` for what each method promises."""

    reach = Reach.HOST

    def __init__(self, door: Door, blobs: BlobStore, rules: Rules | None = None) -> None:
        self.location = self.address = door.location
        self._rules = rules or Rules()
        self._door = door
        self._blobs = blobs

    @property
    def blobs(self) -> BlobStore:
        return self._blobs

    @property
    def upkeep(self) -> SqlUpkeep:
        return SqlUpkeep(self._door, self._blobs)

    @cached_property
    def transfer(self) -> Transfer:
        return SqlTransfer(self._door, self._blobs)

    def close(self) -> None:
        self._door.engine.dispose()

    @repeated
    def save_video(self, identity: VideoIdentity, media: MediaInfo | None = None) -> None:
        with self._door.write() as connection:
            videos.save(connection, identity, media)

    def video(self, video_id: str) -> VideoRecord | None:
        with self._door.read() as connection:
            return next(videos.find(connection, video_id), None)

    def videos(self) -> Iterator[VideoRecord]:
        with self._door.read() as connection:
            yield from videos.find(connection)

    @repeated
    def register_runs(self, specs: Sequence[RunSpec], provenance: Mapping[str, Any]) -> None:
        with self._door.write() as connection:
            for spec in specs:
                runs.register(connection, spec, provenance)

    def run(self, run_id: str) -> RunRecord | None:
        with self._door.read() as connection:
            return next(runs.find(connection, schema.runs.c.run_id == run_id), None)

    def runs(self, video_id: str | None = None, current_only: bool = True) -> Iterator[RunRecord]:
        conditions = [] if video_id is None else [schema.runs.c.video_id == video_id]
        if current_only:
            conditions.append(schema.runs.c.superseded_by.is_(None))
        if video_id is None:
            conditions.append(runs.of_kept_videos())
        with self._door.read() as connection:
            yield from runs.find(connection, *conditions)

    def completed(self, video_ids: Collection[str]) -> frozenset[str]:
        with self._door.read() as connection:
            return runs.completed(connection, video_ids)

    @contextlib.contextmanager
    def _jobs(self) -> Iterator[jobs.JobRows]:
        with self._door.write() as connection:
            rows = jobs.JobRows(connection, self._rules)
            yield rows
            audit.append(connection, rows.events)

    @repeated
    def submit_job(
        self,
        video: VideoIdentity,
        run_ids: Sequence[str],
        config: Mapping[str, Any],
        *,
        priority: int = 0,
        batch_id: str | None = None,
    ) -> str:
        with self._jobs() as rows:
            return rows.submit(video, run_ids, config=dict(config), priority=priority, batch_id=batch_id)

    @repeated
    def claim(
        self, worker: str, lease_s: float, job_id: str | None = None, among: Collection[str] | None = None
    ) -> Claim | None:
        with self._jobs() as rows:
            return rows.claim(worker, lease_s, job_id, among)

    @repeated
    def renew(self, claim: Claim, lease_s: float, session: str | None = None) -> JobRecord:
        with self._jobs() as rows:
            return rows.renew(claim, lease_s, session)

    @repeated
    def release(self, claim: Claim, status: JobState, reason: str | None, message: str | None) -> JobState:
        with self._jobs() as rows:
            return rows.release(claim, status, reason, message)

    @repeated
    def set_back(self, claim: Claim, cause: Cause, message: str) -> JobState:
        with self._jobs() as rows:
            return rows.set_back(claim, cause, message)

    @repeated
    def abandon(
        self, job_id: str, worker: str, message: str, log_tail: str | None = None, session: str | None = None
    ) -> JobState:
        with self._jobs() as rows:
            return rows.abandon(job_id, worker, message, log_tail, session)

    @repeated
    def rescue(self) -> tuple[str, ...]:
        with self._jobs() as rows:
            return rows.rescue()

    @repeated
    def cancel_job(self, job_id: str) -> JobRecord:
        with self._jobs() as rows:
            return rows.cancel(job_id)

    @repeated
    def revive_job(self, job_id: str) -> JobRecord:
        with self._jobs() as rows:
            return rows.revive(job_id)

    @repeated
    def take_job(self, job_id: str, run_ids: Sequence[str], worker: str, lease_s: float) -> Claim:
        with self._jobs() as rows:
            return rows.take(job_id, run_ids, worker, lease_s)

    @repeated
    def note_job(self, job_id: str, name: str, value: Any) -> None:
        with self._jobs() as rows:
            rows.note(job_id, name, value)

    def job(self, job_id: str) -> JobRecord | None:
        with self._door.read() as connection:
            return next(jobs.find(connection, schema.jobs.c.job_id == job_id), None)

    def jobs(
        self, video_id: str | None = None, batch_id: str | None = None, statuses: Collection[JobState] = ()
    ) -> Iterator[JobRecord]:
        conditions = [] if video_id is None else [schema.jobs.c.video_id == video_id]
        if batch_id is not None:
            conditions.append(schema.jobs.c.batch_id == batch_id)
        if statuses:
            conditions.append(schema.jobs.c.status.in_([state.value for state in statuses]))
        with self._door.read() as connection:
            yield from jobs.find(connection, *conditions)

    def batches(self) -> Iterator[BatchRecord]:
        with self._door.read() as connection:
            yield from jobs.batches(connection)

    def job_runs(self, job_id: str) -> tuple[RunRecord, ...]:
        with self._door.read() as connection:
            return runs.of_job(connection, job_id)

    @contextlib.contextmanager
    def transaction(self, claim: Claim) -> Iterator[Transaction]:
        with self._fenced(claim) as (made, events):
            yield made
        self._remember(events)

    @contextlib.contextmanager
    def _fenced(self, claim: Claim) -> Iterator[tuple[SqlTransaction, list[AuditEvent]]]:
        """The transaction, and what it leaves for the log: that is written after it, so that nobody's window waits."""
        with self._door.write() as connection:
            rows = jobs.JobRows(connection, self._rules)
            yield SqlTransaction(connection, claim, self._blobs, rows), rows.events

    @repeated
    def _remember(self, events: Sequence[AuditEvent]) -> None:
        if events:
            with self._door.write() as connection:
                audit.append(connection, events)

    def find(self, query: Query) -> Iterator[StoredRow]:
        with self._door.read() as connection:
            yield from stored.find(connection, query)

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[StoredRow]:
        with self._door.read() as connection:
            yield from stored.emitted(connection, run_id, start, end)

    def quarantined(self, run_id: str) -> Iterator[QuarantinedAnnotation]:
        with self._door.read() as connection:
            yield from quarantine.find(connection, run_id)

    def count(self, query: Query) -> int:
        with self._door.read() as connection:
            return stored.count(connection, query)
