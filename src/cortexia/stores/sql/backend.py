"""What SQLite and PostgreSQL share: the protocol, spelled out over one schema."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from cortexia.stores.base import BlobStore, Claim, JobRecord, Reach, RunRecord, Transaction, VideoRecord
from cortexia.stores.sql import annotations as stored
from cortexia.stores.sql import jobs, runs, schema, videos
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.windows import SqlTransaction
from cortexia.types import JobState, MediaInfo, Query, RunSpec, StoredRow, VideoIdentity


class SqlStorageBackend:
    """See ``stores.base.StorageBackend`` for what each method promises."""

    reach = Reach.HOST

    def __init__(self, engine: Engine, location: str, blobs: BlobStore) -> None:
        self.location = location
        self._door = Door(engine, location)
        self._blobs = blobs

    @property
    def blobs(self) -> BlobStore:
        return self._blobs

    def close(self) -> None:
        self._door.engine.dispose()

    def save_video(self, identity: VideoIdentity, media: MediaInfo | None = None) -> None:
        with self._door.write() as connection:
            videos.save(connection, identity, media)

    def video(self, video_id: str) -> VideoRecord | None:
        with self._door.read() as connection:
            return next(videos.find(connection, video_id), None)

    def videos(self) -> Iterator[VideoRecord]:
        with self._door.read() as connection:
            yield from videos.find(connection)

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
        with self._door.read() as connection:
            yield from runs.find(connection, *conditions)

    def submit_job(self, video: VideoIdentity, run_ids: Sequence[str], config: Mapping[str, Any]) -> str:
        with self._door.write() as connection:
            return jobs.submit(connection, video, run_ids, config)

    def claim(self, worker: str, lease_s: float, job_id: str | None = None) -> Claim | None:
        with self._door.write() as connection:
            return jobs.claim(connection, worker, lease_s, job_id)

    def renew(self, claim: Claim, lease_s: float) -> None:
        with self._door.write() as connection:
            jobs.renew(connection, claim, lease_s)

    def release(self, claim: Claim, status: JobState, reason: str | None, message: str | None) -> None:
        with self._door.write() as connection:
            jobs.release(connection, claim, status, reason, message)

    def abandon(self, job_id: str, worker: str, max_attempts: int) -> JobState:
        with self._door.write() as connection:
            return jobs.abandon(connection, job_id, worker, max_attempts)

    def job(self, job_id: str) -> JobRecord | None:
        with self._door.read() as connection:
            return next(jobs.find(connection, schema.jobs.c.job_id == job_id), None)

    def jobs(self, video_id: str | None = None) -> Iterator[JobRecord]:
        conditions = [] if video_id is None else [schema.jobs.c.video_id == video_id]
        with self._door.read() as connection:
            yield from jobs.find(connection, *conditions)

    def job_runs(self, job_id: str) -> tuple[RunRecord, ...]:
        with self._door.read() as connection:
            return runs.of_job(connection, job_id)

    @contextlib.contextmanager
    def transaction(self, claim: Claim) -> Iterator[Transaction]:
        with self._door.write() as connection:
            jobs.beat(connection, claim)
            yield SqlTransaction(connection, claim, self._blobs)

    def find(self, query: Query) -> Iterator[StoredRow]:
        with self._door.read() as connection:
            yield from stored.find(connection, query)

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[StoredRow]:
        with self._door.read() as connection:
            yield from stored.emitted(connection, run_id, start, end)

    def count(self, query: Query) -> int:
        with self._door.read() as connection:
            return stored.count(connection, query)
