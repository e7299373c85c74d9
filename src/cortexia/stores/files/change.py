"""A change to one video, its runs and its jobs: first the index, where all rules are checked, then the files, and at
last the index is committed. A death between any two of these leaves files that the next change reads first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, update

from cortexia.files import make_folder
from cortexia.stores import lifecycle
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import BlobStore, Claim
from cortexia.stores.files import jobs as job_files
from cortexia.stores.files import removal, sealed
from cortexia.stores.files.folder import StoreFolder
from cortexia.stores.files.index import indexed_videos
from cortexia.stores.files.jobs import FileJobRows
from cortexia.stores.files.records import TOUCHED, RegisteredRuns, video_content
from cortexia.stores.files.replay import Replay, remember
from cortexia.stores.files.windows import FileTransaction
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import schema, videos
from cortexia.stores.sql.retention import Removal
from cortexia.stores.sql.windows import SqlTransaction
from cortexia.stores.upkeep import Removed
from cortexia.types import JobState, MediaInfo, RunSpec, RunStatus, VideoIdentity


class Change:
    """Made while the folder of the video is locked, within a transaction of the index."""

    def __init__(self, connection: Connection, folder: StoreFolder, video_id: str, rules: Rules) -> None:
        self.jobs = FileJobRows(connection, rules, video_id)
        self._connection = connection
        self._folder = folder
        self._video = folder.video(video_id)
        self._registered: RegisteredRuns | None = None
        self._window: tuple[Claim, FileTransaction] | None = None
        self._video_content: dict[str, Any] | None = None
        self._is_stripped = True
        self._gone_jobs: list[str] = []
        self._is_gone = False

    def catch_up(self, new_jobs: Collection[str] = ()) -> None:
        """Bring the index to what the files say, and finish what a death left half done."""
        for end in Replay(self._connection, self._folder, self._video.video_id).run(new_jobs):
            job = self.jobs.one(end.job_id)
            if job.status is JobState.RUNNING and job.attempt == end.attempt:
                self.jobs.end(lifecycle.released(job, end.status, end.reason, end.message))

    # -- what may change

    def save_video(self, identity: VideoIdentity, media: MediaInfo | None) -> None:
        before = self._read(self._video.video)
        videos.save(self._connection, identity, media)
        content = video_content(self._connection, identity, media, before)
        if any(before.get(name) != value for name, value in content.items() if name not in TOUCHED):
            self._video_content = content

    def register(self, spec: RunSpec, provenance: Mapping[str, Any]) -> None:
        self._runs().register(self._connection, spec, provenance, self._count())

    def transaction(self, claim: Claim, blobs: BlobStore) -> FileTransaction:
        inner = SqlTransaction(self._connection, claim, blobs, self.jobs)
        made = FileTransaction(self._connection, inner)
        self._window = (claim, made)
        return made

    # -- putting away

    def delete(self) -> None:
        """Leave the video out of every answer, and cancel its jobs."""
        is_open = schema.jobs.c.status.not_in([state.value for state in JobState if state.is_final])
        own = select(schema.jobs.c.job_id).where(schema.jobs.c.video_id == self._video.video_id, is_open)
        for job_id in self._connection.execute(own.order_by(schema.jobs.c.seq)).scalars().all():
            self.jobs.cancel(job_id)
        self._mark_deleted(func.current_timestamp(), "video.deleted")

    def undelete(self) -> None:
        self._mark_deleted(None, "video.restored")

    def _mark_deleted(self, moment: Any, action: str) -> None:
        own = schema.videos.c.video_id == self._video.video_id
        now = func.current_timestamp()
        self._connection.execute(update(schema.videos).where(own).values(deleted_at=moment, updated_at=now))
        names = ("deleted_at", *TOUCHED)
        row = self._connection.execute(select(*(schema.videos.c[name] for name in names)).where(own)).one()
        self._video_content = {**self._read(self._video.video), **row._mapping}
        self.jobs.events.append(AuditEvent(action, self._video.video_id))

    def remove_runs(self, run_ids: Collection[str]) -> Removed:
        """Those that are still superseded."""
        still = (schema.runs.c.run_id.in_(list(run_ids)), schema.runs.c.status == RunStatus.SUPERSEDED.value)
        gone = list(self._connection.execute(select(schema.runs.c.run_id).where(*still)).scalars())
        removed = Removal(self._connection)
        removed.runs(gone)
        self._runs().remove(gone)
        self._is_stripped = False
        return removed.removed()

    def remove_jobs(self, job_ids: Collection[str]) -> Removed:
        """Those that have ended, and that no window names."""
        bare = (schema.jobs.c.job_id.in_(list(job_ids)), schema.jobs.c.windows == 0)
        removed = Removal(self._connection)
        removed.jobs(list(self._connection.execute(select(schema.jobs.c.job_id).where(*bare)).scalars()))
        self._gone_jobs = removal.forget_jobs(self._connection, job_ids)
        return removed.removed()

    def remove_video(self) -> Removed:
        """If it is still deleted, and nobody is at work on it."""
        removed = Removal(self._connection)
        removed.video(self._video.video_id)
        own = schema.videos.c.video_id == self._video.video_id
        self._is_gone = self._connection.execute(select(schema.videos.c.video_id).where(own)).one_or_none() is None
        if self._is_gone:
            job_ids = removal.jobs_of(self._connection, self._video.video_id)
            self._gone_jobs = removal.forget_jobs(self._connection, job_ids)
            self._connection.execute(indexed_videos.delete().where(indexed_videos.c.video_id == self._video.video_id))
        return removed.removed()

    @property
    def has_forgotten_jobs(self) -> bool:
        """Jobs of a video that stays are gone, which the files for people still name."""
        return bool(self._gone_jobs) and not self._is_gone

    def clear_away(self) -> None:
        """Files of what the index has forgotten; the folder is still locked."""
        if self._is_gone:
            removal.remove_video_files(self._folder, self._video.video_id)
        removal.remove_job_files(self._folder, self._gone_jobs)

    # -- files

    def write(self) -> None:
        """Write the files of what changed. The window is the commit: everything that it needs comes before it."""
        if self._is_gone:
            return
        if self._video_content is not None:
            self._put(self._video.video, self._video_content)
        self._write_runs()
        count = self._count()
        if self._window is not None:
            count += self._write_window(count + 1, *self._window)
        now = self.jobs.now()
        for job_id in self.jobs.changed:
            job_files.save(self._connection, self._folder, job_id, now)
        if not self._is_stripped:
            self._strip(count, now)
        if self._video.video.exists():
            remember(self._connection, self._video, count)

    def _write_runs(self) -> None:
        for run_id in self.jobs.failed_runs:
            self._runs().fail(self._connection, run_id)
        if self._registered is not None:
            content = self._registered.content()
            before = self._read(self._video.runs)
            if any(before.get(name) != value for name, value in content.items()):
                self._put(self._video.runs, content)

    def _strip(self, count: int, now: float) -> None:
        """Take what is left of runs that are gone out of windows and jobs, so that nothing tells of them any more."""
        removal.strip_windows(self._video, count, self._runs().removed)
        for job_id in removal.jobs_of(self._connection, self._video.video_id):
            job_files.save(self._connection, self._folder, job_id, now)
        self._runs().removed.clear()
        self._write_runs()

    def _write_window(self, number: int, claim: Claim, transaction: FileTransaction) -> int:
        content = transaction.content()
        if content is None:
            return 0
        job = claim.job
        told = {"number": number, "video_id": job.video_id, "job_id": job.job_id, "attempt": claim.attempt}
        self._put(self._video.window(number), {**told, "worker": claim.worker, **content})
        return 1

    def _runs(self) -> RegisteredRuns:
        if self._registered is None:
            self._registered = RegisteredRuns(self._read(self._video.runs))
        return self._registered

    def _count(self) -> int:
        """How many windows the index holds: all of them, since it caught up."""
        own = indexed_videos.c.video_id == self._video.video_id
        known = self._connection.execute(select(indexed_videos.c.windows).where(own)).scalar_one_or_none()
        return known or 0

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        return sealed.read(path) if path.exists() else {}

    @staticmethod
    def _put(path: Path, content: dict[str, Any]) -> None:
        make_folder(path.parent)
        sealed.write(path, content)
