"""``stores.upkeep.Upkeep`` over SQL: which transaction each thing runs in."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, func, insert, select, update

from cortexia.errors import ConfigurationError
from cortexia.stores.audit import AuditEntry, AuditEvent
from cortexia.stores.base import BlobStore, VideoRecord
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import audit, inspection, retention, statistics, videos
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.jobs import JobRows
from cortexia.stores.sql.locks import Lock, hold
from cortexia.stores.sql.postgresql_copy import postgresql_snapshot
from cortexia.stores.sql.repeating import repeated
from cortexia.stores.sql.schema import blobs, jobs, runs
from cortexia.stores.sql.schema import videos as video_rows
from cortexia.stores.sql.snapshot import database_bytes, require_sound, sqlite_facts, sqlite_snapshot
from cortexia.stores.upkeep import (
    BlobRecord,
    DamagedWindow,
    FailedJob,
    OldRun,
    Orphan,
    PipelineTime,
    Removed,
    Report,
    RunTally,
    Snapshot,
    StoreCounts,
)
from cortexia.types import JobState

_SWEEP_STEP = 100


class SqlUpkeep:
    def __init__(self, door: Door, blob_store: BlobStore) -> None:
        self._door = door
        self._blobs = blob_store

    # -- the audit log

    @repeated
    def remember(self, *events: AuditEvent) -> None:
        with self._door.write() as connection:
            audit.append(connection, events)

    def audit(self, after: int = 0) -> Iterator[AuditEntry]:
        with self._door.read() as connection:
            yield from audit.entries(connection, after)

    # -- soundness

    def integrity(self) -> Iterator[str]:
        with self._door.snapshot() as connection:
            yield from inspection.integrity(connection)

    def orphans(self) -> Iterator[Orphan]:
        with self._door.snapshot() as connection:
            yield from inspection.orphans(connection)

    def tallies(self, video_id: str) -> Iterator[RunTally]:
        with self._door.read() as connection:
            yield from inspection.tallies(connection, video_id)

    def damaged_windows(self, video_id: str) -> Iterator[DamagedWindow]:
        with self._door.snapshot() as connection:
            yield from inspection.damaged_windows(connection, video_id)

    def blob_records(self) -> Iterator[BlobRecord]:
        with self._door.read() as connection:
            yield from inspection.blob_records(connection)

    def named_blobs(self) -> Iterator[tuple[str, str]]:
        with self._door.read() as connection:
            yield from inspection.named_blobs(connection)

    def wrong_states(self) -> Iterator[tuple[str, str, str]]:
        with self._door.read() as connection:
            yield from inspection.wrong_states(connection)

    # -- repairs

    @repeated
    def set_run_count(self, run_id: str, rows: int) -> None:
        with self._door.write() as connection:
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(annotation_count=rows))

    @repeated
    def set_blob_record(self, record: BlobRecord) -> None:
        values = {"suffix": record.suffix, "size_bytes": record.size_bytes}
        with self._door.write() as connection:
            changed = connection.execute(update(blobs).where(blobs.c.sha256 == record.sha256).values(**values))
            if not changed.rowcount:
                connection.execute(insert(blobs).values(sha256=record.sha256, **values))

    @repeated
    def set_video_state(self, video_id: str, state: str) -> None:
        with self._door.write() as connection:
            videos.set_status(connection, video_id, JobState(state))

    # -- numbers

    def counts(self) -> StoreCounts:
        with self._door.snapshot() as connection:
            return self._counted(connection, database_bytes(connection, self._door.location))

    @staticmethod
    def _counted(connection: Connection, store_bytes: int) -> StoreCounts:
        return statistics.counts(connection, store_bytes)

    def rows_by_type(self, video_id: str) -> Mapping[str, int]:
        with self._door.read() as connection:
            return statistics.rows_by_type(connection, video_id)

    def failures(self, within_s: float) -> Sequence[FailedJob]:
        with self._door.read() as connection:
            return statistics.failures(connection, within_s)

    def pipeline_times(self) -> Sequence[PipelineTime]:
        with self._door.read() as connection:
            return statistics.pipeline_times(connection)

    def videos_with_many(self, annotation_type: str, more_than: int, confidence: float) -> Mapping[str, int]:
        with self._door.read() as connection:
            return statistics.videos_with_many(connection, annotation_type, more_than, confidence)

    # -- putting away

    @repeated
    def delete_video(self, video_id: str) -> None:
        with self._door.write() as connection:
            rows = JobRows(connection, Rules())
            is_open = jobs.c.status.not_in([state.value for state in JobState if state.is_final])
            open_jobs = select(jobs.c.job_id).where(jobs.c.video_id == video_id, is_open)
            for job_id in connection.execute(open_jobs.order_by(jobs.c.seq)).scalars().all():
                rows.cancel(job_id)
            marked = update(video_rows).where(video_rows.c.video_id == video_id)
            connection.execute(marked.values(deleted_at=func.current_timestamp(), updated_at=func.current_timestamp()))
            audit.append(connection, [*rows.events, AuditEvent("video.deleted", video_id)])

    @repeated
    def restore_video(self, video_id: str) -> None:
        with self._door.write() as connection:
            marked = update(video_rows).where(video_rows.c.video_id == video_id)
            connection.execute(marked.values(deleted_at=None, updated_at=func.current_timestamp()))
            audit.append(connection, [AuditEvent("video.restored", video_id)])

    def deleted_videos(self, age_s: float | None = None) -> Iterator[VideoRecord]:
        with self._door.read() as connection:
            old = None if age_s is None else retention.before(connection, age_s)
            yield from videos.find_deleted(connection, old)

    def old_runs(self, age_s: float) -> Sequence[OldRun]:
        with self._door.read() as connection:
            return retention.old_runs(connection, age_s)

    def old_jobs(self, age_s: float) -> Sequence[str]:
        with self._door.read() as connection:
            return retention.old_jobs(connection, age_s)

    @repeated
    def remove_runs(self, run_ids: Collection[str]) -> Removed:
        with self._door.write() as connection:
            removal = retention.Removal(connection)
            removal.runs(run_ids)
            return removal.removed()

    @repeated
    def remove_jobs(self, job_ids: Collection[str]) -> Removed:
        with self._door.write() as connection:
            removal = retention.Removal(connection)
            removal.jobs(job_ids)
            return removal.removed()

    @repeated
    def remove_video(self, video_id: str) -> Removed:
        with self._door.write() as connection:
            removal = retention.Removal(connection)
            removal.video(video_id)
            return removal.removed()

    # -- blobs

    def _folder(self) -> FolderBlobStore:
        if not isinstance(self._blobs, FolderBlobStore):
            raise ConfigurationError(
                f"the blobs of {self._door.location} are in no folder, and cannot be swept from here"
            )
        return self._blobs

    def unused_blobs(self, grace_s: float) -> Iterator[tuple[str, int]]:
        with self._door.read() as connection:
            needed = retention.digests_in_rows(connection)
        cutoff = time.time() - grace_s
        for digest, path in self._folder().files():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if bytes.fromhex(digest) not in needed and stat.st_mtime < cutoff:
                yield digest, stat.st_size

    def remove_unused_blobs(self, grace_s: float, report: Report) -> Removed:
        """Rows that name a blob and files go under the lock, so that no commit can name one meanwhile; only rows later
        than the long look are looked at there."""
        with self._door.write() as connection:
            hold(connection, Lock.BLOBS)
            seen = retention.last_row(connection)
        unused = [digest for digest, _ in self.unused_blobs(grace_s)]
        count = size = 0
        for start in range(0, len(unused), _SWEEP_STEP):
            some = set(unused[start : start + _SWEEP_STEP])
            with self._door.write() as connection:
                hold(connection, Lock.BLOBS)
                some -= {digest.hex() for digest in retention.digests_in_rows(connection, seen)}
                retention.forget_blobs(connection, some)
            for gone in self._sweep(some, time.time() - grace_s):
                count, size = count + 1, size + gone
            report("blobs", min(start + _SWEEP_STEP, len(unused)), len(unused))
        return Removed({"blobs": count}, count, size)

    def _sweep(self, digests: Collection[str], cutoff: float) -> Iterator[int]:
        """The rows are gone for good before their files are: a crash between leaves files that no row names."""
        with self._door.write() as connection:
            hold(connection, Lock.BLOBS)
            for digest in sorted(set(digests) - retention.recorded_blobs(connection, digests)):
                size = self._folder().sweep(digest, cutoff)
                if size is not None:
                    yield size

    # -- copies

    def snapshot(self, target: Path, report: Report) -> Snapshot:
        if self._door.engine.dialect.name == "postgresql":
            return postgresql_snapshot(self._door, target, report)
        sqlite_snapshot(Path(self._door.location), target, report)
        require_sound(target)
        return sqlite_facts(target)
