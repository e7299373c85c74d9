"""A change to one video, its runs and its jobs: first the index, where all rules are checked, then the files, and at
last the index is committed. A death between any two of these leaves files that the next change reads first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from cortexia.files import make_folder
from cortexia.stores import lifecycle
from cortexia.stores.base import BlobStore, Claim
from cortexia.stores.files import jobs as job_files
from cortexia.stores.files import sealed
from cortexia.stores.files.folder import StoreFolder
from cortexia.stores.files.index import indexed_videos
from cortexia.stores.files.jobs import FileJobRows
from cortexia.stores.files.records import RegisteredRuns, video_content
from cortexia.stores.files.replay import Replay, remember
from cortexia.stores.files.windows import FileTransaction
from cortexia.stores.lifecycle import Rules
from cortexia.stores.sql import videos
from cortexia.stores.sql.windows import SqlTransaction
from cortexia.types import JobState, MediaInfo, RunSpec, VideoIdentity


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
        if any(before.get(name) != value for name, value in content.items()):
            self._video_content = content

    def register(self, spec: RunSpec, provenance: Mapping[str, Any]) -> None:
        self._runs().register(self._connection, spec, provenance, self._count())

    def transaction(self, claim: Claim, blobs: BlobStore) -> FileTransaction:
        inner = SqlTransaction(self._connection, claim, blobs, self.jobs)
        made = FileTransaction(self._connection, inner)
        self._window = (claim, made)
        return made

    # -- files

    def write(self) -> None:
        """Write the files of what changed. The window is the commit: everything that it needs comes before it."""
        if self._video_content is not None:
            self._put(self._video.video, self._video_content)
        self._write_runs()
        count = self._count()
        if self._window is not None:
            count += self._write_window(count + 1, *self._window)
        now = self.jobs.now()
        for job_id in self.jobs.changed:
            job_files.save(self._connection, self._folder, job_id, now)
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
