"""``stores.upkeep.Upkeep`` over a folder: asked of the index, changed in the files."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from cortexia.errors import CortexiaError
from cortexia.files import translate_os_error
from cortexia.stores.audit import AuditEntry, AuditEvent
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.files import layout, removal, sealed
from cortexia.stores.files.audit_log import AuditLog
from cortexia.stores.files.change import Change
from cortexia.stores.files.folder import StoreFolder, VideoFolder, held
from cortexia.stores.files.freshness import Freshness
from cortexia.stores.files.index import IndexDoor
from cortexia.stores.files.snapshot import FolderTar
from cortexia.stores.sql.schema import annotation_rows, jobs, runs, windows
from cortexia.stores.sql.upkeep import SqlUpkeep
from cortexia.stores.upkeep import Removed, Report, Snapshot, StoreCounts

Changing = Callable[[str], AbstractContextManager[Change]]


class FileUpkeep(SqlUpkeep):
    """``changing``: a change to one video, whose folder is locked meanwhile."""

    def __init__(
        self, folder: StoreFolder, door: IndexDoor, blobs: FolderBlobStore, freshness: Freshness, changing: Changing
    ) -> None:
        super().__init__(door, blobs)
        self._store = folder
        self._log = AuditLog(folder.audit)
        self._freshness = freshness
        self._changing = changing
        freshness.of_all(at_once=True)

    # -- the audit log

    def remember(self, *events: AuditEvent) -> None:
        self._log.append(events)

    def audit(self, after: int = 0) -> Iterator[AuditEntry]:
        return self._log.entries(after)

    # -- soundness

    def integrity(self) -> Iterator[str]:
        """Every file against the digest that it says of itself, and the windows of the index against those of files."""
        yield from super().integrity()
        jobs_and_marker = [self._store.marker, *map(self._store.job, self._store.job_ids())]
        yield from (problem for _, problem in self._read(jobs_and_marker) if problem)
        for video_id in self._store.video_ids():
            yield from self._of_video(self._store.video(video_id))

    def _of_video(self, video: VideoFolder) -> Iterator[str]:
        try:
            numbers = range(1, video.windows() + 1)
        except CortexiaError as error:
            yield str(error)
            return
        records = [path for path in (video.video, video.runs) if path.exists()]
        committed: set[tuple[str, int, str]] = set()
        for content, problem in self._read([*records, *map(video.window, numbers)]):
            if problem:
                yield problem
            parts = content.get("parts", ())
            committed.update((one["run_id"], one["ordinal"], one["rows_sha256"]) for one in parts)
        columns = (windows.c.run_id, windows.c.ordinal, windows.c.rows_sha256)
        joined = select(*columns).join(runs, runs.c.run_id == windows.c.run_id)
        with self._door.read() as connection:
            indexed = connection.execute(joined.where(runs.c.video_id == video.video_id))
            alone = sorted({(row.run_id, row.ordinal, row.rows_sha256) for row in indexed} - committed)
        for run_id, ordinal, _ in alone:
            yield f"window {ordinal} of run {run_id} is in the index, and in no file: delete {self._store.index}"

    @staticmethod
    def _read(paths: Sequence[Path]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """The content of each file, or what is wrong with it."""
        for path in paths:
            try:
                yield sealed.read(path, layout.NEWEST), None
            except CortexiaError as error:
                yield {}, str(error)

    def counts(self) -> StoreCounts:
        with self._door.read() as connection:
            size = sum(path.stat().st_size for path in self._store.path.rglob("*.json*") if path.is_file())
            return self._counted(connection, size)

    # -- putting away

    def delete_video(self, video_id: str) -> None:
        with self._changing(video_id) as change:
            change.delete()

    def restore_video(self, video_id: str) -> None:
        with self._changing(video_id) as change:
            change.undelete()

    def old_jobs(self, age_s: float) -> Sequence[str]:
        """Window files name their job also where none of their rows counts any more."""
        old = super().old_jobs(age_s)
        with self._door.read() as connection:
            busy = set(connection.execute(select(jobs.c.job_id).where(jobs.c.windows > 0)).scalars())
        return [job_id for job_id in old if job_id not in busy]

    def remove_runs(self, run_ids: Collection[str]) -> Removed:
        rows: dict[str, int] = {}
        for video_id, own in self._by_video(run_ids, runs.c.run_id, runs.c.video_id).items():
            with self._changing(video_id) as change:
                _add(rows, change.remove_runs(own))
        return Removed(rows)

    def remove_jobs(self, job_ids: Collection[str]) -> Removed:
        rows: dict[str, int] = {}
        for video_id, own in self._by_video(job_ids, jobs.c.job_id, jobs.c.video_id).items():
            with self._changing(video_id) as change:
                _add(rows, change.remove_jobs(own))
        return Removed(rows)

    def remove_video(self, video_id: str) -> Removed:
        if not self._store.video(video_id).path.is_dir():
            return Removed()
        with self._changing(video_id) as change:
            return change.remove_video()

    def _by_video(self, ids: Collection[str], column: object, owner: object) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        with self._door.read() as connection:
            for key, video_id in connection.execute(select(column, owner).where(column.in_(list(ids)))):  # type: ignore[attr-defined, call-overload]
                found[video_id].append(key)
        return found

    def remove_unused_blobs(self, grace_s: float, report: Report) -> Removed:
        removal.clear_leftovers(self._store)
        return super().remove_unused_blobs(grace_s, report)

    # -- copies

    def snapshot(self, target: Path, report: Report) -> Snapshot:
        """Each video with its jobs as of one moment, the log as of the last."""
        video_ids = self._store.video_ids()
        rows = 0
        with translate_os_error(target), contextlib.closing(FolderTar(self._store, target)) as archive:
            for number, video_id in enumerate(video_ids):
                report("videos", number, len(video_ids))
                rows += self._add_video(archive, video_id)
            archive.add(self._store.summary)
            with held(self._store.path):
                archive.add(self._store.marker)
            head = self._add_log(archive)
        records = tuple(self.blob_records())
        revision = str(sealed.read(self._store.marker, layout.NEWEST)["format"])
        made_at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        return Snapshot("files", revision, rows, made_at, head, records)

    def _add_video(self, archive: FolderTar, video_id: str) -> int:
        """How many rows it has."""
        video = self._store.video(video_id)
        self._freshness.of_video(video_id)
        with held(video.path), self._door.read() as connection:
            archive.add_video(video)
            for job_id in removal.jobs_of(connection, video_id):
                archive.add(self._store.job(job_id))
            counted = select(func.count()).where(annotation_rows.c.video_id == video_id)
            return int(connection.execute(counted).scalar_one())

    def _add_log(self, archive: FolderTar) -> str | None:
        if not self._log.path.exists():
            return None
        with held(self._store.audit):
            archive.add(self._log.path)
            return self._log.head()


def _add(rows: dict[str, int], removed: Removed) -> None:
    for name, count in removed.rows.items():
        rows[name] = rows.get(name, 0) + count
