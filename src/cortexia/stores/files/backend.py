"""The store that is a folder, for the processes of one machine."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from cortexia.errors import ConfigurationError, CortexiaError, DataInconsistencyError, StoreError
from cortexia.files import PROC_MOUNTS, filesystem_type, is_network_filesystem, locked_folder, make_folder
from cortexia.stores.base import BatchRecord, Cause, Claim, JobRecord, RunRecord, Transaction, VideoRecord
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.files import jobs as job_files
from cortexia.stores.files import layout, named
from cortexia.stores.files.audit_log import AuditLog
from cortexia.stores.files.change import Change
from cortexia.stores.files.folder import StoreFolder, held
from cortexia.stores.files.freshness import Freshness
from cortexia.stores.files.index import IndexDoor
from cortexia.stores.files.layout import FileRevisions
from cortexia.stores.files.snapshot import FilesPlace
from cortexia.stores.files.transfer import FileTransfer
from cortexia.stores.files.upkeep import FileUpkeep
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql.backend import SqlStorageBackend
from cortexia.stores.sql.jobs import JobRows
from cortexia.stores.transfer import Transfer
from cortexia.telemetry import get_logger
from cortexia.types import JobState, MediaInfo, QuarantinedAnnotation, Query, RunSpec, StoredRow, VideoIdentity

_CANDIDATES = 100
_log = get_logger("cortexia.stores")


class FileStorageBackend(SqlStorageBackend):
    """Opens the folder ``location``, and makes it where it is missing (unless ``create`` is false).

    The truth is in JSON files, each of which is there whole or not at all; a window file is the commit. Queries go
    through an index that is built from them and may be deleted at any time. Every change to a video and to its jobs is
    made under the lock on its folder.

    Raises ``ConfigurationError`` for a network file system and for what is no folder, ``StoreError`` for a folder that
    is no store, ``DataInconsistencyError`` for a file that is damaged, ``ReadOnlyError`` where it cannot be written.
    """

    def __init__(
        self, location: str | Path, create: bool = True, rules: Rules | None = None, mounts: Path = PROC_MOUNTS
    ) -> None:
        # a lock follows no link, and the base may be one
        folder = StoreFolder(Path(location).expanduser().resolve())
        _require_local(folder.path, mounts)
        _prepare(folder, create)
        self._folder = folder
        self._log = AuditLog(folder.audit)
        self._files = FolderBlobStore(folder.blobs)
        door = IndexDoor(folder)
        super().__init__(door, self._files, rules)
        self.location = self.address = str(folder.path)
        self._door: IndexDoor = door
        self._freshness = Freshness(folder, door, self._try_catch_up)
        try:
            self.migrate()
        except BaseException:
            self.close()
            raise

    @cached_property
    def transfer(self) -> Transfer:
        return FileTransfer(self._door, self._blobs, self._folder, self._freshness, self._catch_up, self._write_named)

    def migrate(self) -> None:
        """Bring the index to what the files say, and finish named files that a death left unwritten."""
        self._freshness.of_all(at_once=True)
        with self._door.read() as connection:
            due = named.due(connection)
        for video_id in due:
            self._write_named(video_id)

    @property
    def upkeep(self) -> FileUpkeep:
        return FileUpkeep(self._folder, self._door, self._files, self._freshness, self._change)

    @classmethod
    def revisions(cls, location: str) -> FileRevisions:
        """The layouts of the store at ``location``, which keeps its own until it is told otherwise."""
        return FileRevisions(StoreFolder(Path(location).expanduser().resolve()))

    @classmethod
    def place(cls, location: str) -> FilesPlace:
        """Where a backup is restored."""
        return FilesPlace(Path(location).expanduser().resolve())

    # -- changes

    @contextlib.contextmanager
    def _change(self, video_id: str) -> Iterator[Change]:
        """A change to a video and to its jobs. Raises ``StoreBusyError`` when its folder stays locked."""
        path = self._folder.video(video_id).path
        with held(path):
            with self._door.write() as connection:
                change = Change(connection, self._folder, video_id, self._rules)
                change.catch_up()
                yield change
                change.write()
            change.clear_away()
        self._log.append(change.jobs.events)
        if change.has_forgotten_jobs or any(state.is_final for state in change.jobs.changed.values()):
            self._write_named(video_id)

    def _try_catch_up(self, video_id: str, new_jobs: Collection[str]) -> None:
        """Read what others left in the files; not while somebody is at work there, who does so himself."""
        with locked_folder(self._folder.video(video_id).path) as is_ours:
            if is_ours:
                with self._door.write() as connection:
                    change = self._catch_up(connection, video_id, new_jobs)
                self._log.append(change.jobs.events)

    def _catch_up(self, connection: Connection, video_id: str, new_jobs: Collection[str]) -> Change:
        change = Change(connection, self._folder, video_id, self._rules)
        change.catch_up(new_jobs)
        change.write()
        return change

    def _write_named(self, video_id: str) -> None:
        """Named files of a video, and the summary when all is done. The job has ended: a failure here is only told,
        and the next one who opens the store tries again."""
        try:
            with held(self._folder.video(video_id).path):
                with self._door.read() as connection:
                    state = named.write(connection, self._folder, video_id)
                self._write_summary()
                with self._door.write() as connection:
                    named.done(connection, video_id, state)
        except CortexiaError as error:
            _log.warning("named_files_not_written", video_id=video_id, error=str(error))

    def _write_summary(self) -> None:
        with held(self._folder.jobs), self._door.read() as connection:
            named.write_summary(connection, self._folder.summary)

    # -- videos and runs

    def save_video(self, identity: VideoIdentity, media: MediaInfo | None = None) -> None:
        self._folder.video(identity.video_id).make()
        with self._change(identity.video_id) as change:
            change.save_video(identity, media)

    def video(self, video_id: str) -> VideoRecord | None:
        self._freshness.of_video(video_id)
        return super().video(video_id)

    def videos(self) -> Iterator[VideoRecord]:
        self._freshness.of_all()
        yield from super().videos()

    def register_runs(self, specs: Sequence[RunSpec], provenance: Mapping[str, Any]) -> None:
        for video_id, own in groupby(sorted(specs, key=_video_of_spec), key=_video_of_spec):
            if not self._folder.video(video_id).video.exists():
                raise DataInconsistencyError(f"video {video_id} is not in the store: save it before its runs")
            with self._change(video_id) as change:
                for spec in own:
                    change.register(spec, provenance)

    def run(self, run_id: str) -> RunRecord | None:
        self._freshness.of_run(run_id)
        return super().run(run_id)

    def runs(self, video_id: str | None = None, current_only: bool = True) -> Iterator[RunRecord]:
        self._freshness.of_video(video_id)
        yield from super().runs(video_id, current_only)

    def completed(self, video_ids: Collection[str]) -> frozenset[str]:
        self._freshness.of_all()
        return super().completed(video_ids)

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
        self._folder.video(video.video_id).make()
        with self._change(video.video_id) as change:
            change.save_video(video, None)
            return change.jobs.submit(video, run_ids, config=dict(config), priority=priority, batch_id=batch_id)

    @contextlib.contextmanager
    def _job_change(self, job_id: str) -> Iterator[Change]:
        job = self.job(job_id)
        if job is None:
            raise StoreError(f"there is no job {job_id}")
        with self._change(job.video_id) as change:
            yield change

    def claim(
        self, worker: str, lease_s: float, job_id: str | None = None, among: Collection[str] | None = None
    ) -> Claim | None:
        if job_id is not None:
            return self._claim_one(worker, lease_s, job_id)
        self.rescue()
        with self._door.read() as connection:
            candidates = job_files.may_start(connection, JobRows(connection, self._rules).now(), _CANDIDATES, among)
        # others may be faster at the first ones
        for candidate in candidates:
            claim = self._claim_one(worker, lease_s, candidate)
            if claim is not None:
                return claim
        return None

    def _claim_one(self, worker: str, lease_s: float, job_id: str) -> Claim | None:
        job = self.job(job_id)
        if job is None or job.status.is_final:
            return None
        with self._change(job.video_id) as change:
            return change.jobs.claim(worker, lease_s, job_id)

    def renew(self, claim: Claim, lease_s: float, session: str | None = None) -> JobRecord:
        with self._change(claim.job.video_id) as change:
            return change.jobs.renew(claim, lease_s, session)

    def release(self, claim: Claim, status: JobState, reason: str | None, message: str | None) -> JobState:
        with self._change(claim.job.video_id) as change:
            return change.jobs.release(claim, status, reason, message)

    def set_back(self, claim: Claim, cause: Cause, message: str) -> JobState:
        with self._change(claim.job.video_id) as change:
            return change.jobs.set_back(claim, cause, message)

    def abandon(
        self, job_id: str, worker: str, message: str, log_tail: str | None = None, session: str | None = None
    ) -> JobState:
        with self._job_change(job_id) as change:
            return change.jobs.abandon(job_id, worker, message, log_tail, session)

    def rescue(self) -> tuple[str, ...]:
        self._freshness.of_all()
        with self._door.read() as connection:
            lapsed = job_files.lapsed(connection, JobRows(connection, self._rules).now())
        taken: list[str] = []
        for video_id in lapsed:
            with self._change(video_id) as change:
                taken += change.jobs.rescue()
        return tuple(taken)

    def cancel_job(self, job_id: str) -> JobRecord:
        with self._job_change(job_id) as change:
            return change.jobs.cancel(job_id)

    def revive_job(self, job_id: str) -> JobRecord:
        with self._job_change(job_id) as change:
            return change.jobs.revive(job_id)

    def take_job(self, job_id: str, run_ids: Sequence[str], worker: str, lease_s: float) -> Claim:
        with self._job_change(job_id) as change:
            return change.jobs.take(job_id, run_ids, worker, lease_s)

    def note_job(self, job_id: str, name: str, value: Any) -> None:
        with self._job_change(job_id) as change:
            change.jobs.note(job_id, name, value)

    def job(self, job_id: str) -> JobRecord | None:
        self._freshness.of_job(job_id)
        return super().job(job_id)

    def jobs(
        self, video_id: str | None = None, batch_id: str | None = None, statuses: Collection[JobState] = ()
    ) -> Iterator[JobRecord]:
        self._freshness.of_video(video_id)
        yield from super().jobs(video_id, batch_id, statuses)

    def batches(self) -> Iterator[BatchRecord]:
        self._freshness.of_all()
        yield from super().batches()

    def job_runs(self, job_id: str) -> tuple[RunRecord, ...]:
        self._freshness.of_job(job_id)
        return super().job_runs(job_id)

    # -- annotations

    @contextlib.contextmanager
    def transaction(self, claim: Claim) -> Iterator[Transaction]:
        with self._change(claim.job.video_id) as change:
            yield change.transaction(claim, self._blobs)

    def find(self, query: Query) -> Iterator[StoredRow]:
        self._freshness.of_query(query)
        yield from super().find(query)

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[StoredRow]:
        self._freshness.of_run(run_id)
        yield from super().emitted(run_id, start, end)

    def quarantined(self, run_id: str) -> Iterator[QuarantinedAnnotation]:
        self._freshness.of_run(run_id)
        yield from super().quarantined(run_id)

    def count(self, query: Query) -> int:
        self._freshness.of_query(query)
        return super().count(query)


def _video_of_spec(spec: RunSpec) -> str:
    return spec.video_id


def _require_local(path: Path, mounts: Path) -> None:
    kind = filesystem_type(path, mounts)
    if is_network_filesystem(kind):
        raise ConfigurationError(
            f"{path} lies on a network file system ({kind}), where locks cannot be relied on; choose a local folder"
        )


def _prepare(folder: StoreFolder, create: bool) -> None:
    """Make the folder, or refuse what is no store."""
    if folder.path.exists() and not folder.path.is_dir():
        raise ConfigurationError(f"{folder.path} is no folder; name a folder, or a file that ends in .db for SQLite")
    if not folder.marker.exists():
        if not create:
            raise StoreError(
                f"there is no store in {folder.path}; annotate a video first, or name another with --store"
            )
        make_folder(folder.path)
        with held(folder.path):
            # another process may have been faster while this one waited for the lock
            if not folder.marker.exists():
                layout.write_marker(folder)
                layout.remember_migration(folder, None, str(layout.NEWEST))
    layout.FileRevisions(folder).go_to("head")
    make_folder(folder.jobs)
