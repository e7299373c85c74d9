"""``stores.transfer.Transfer`` for the store that is a folder. A video that comes in is written beside the others, and
gets its name when it is whole; the index is then built from its files, as always."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, create_engine

from cortexia.errors import DataInconsistencyError
from cortexia.files import sync_folder, translate_os_error
from cortexia.stores.base import BlobStore
from cortexia.stores.files import jobs as job_files
from cortexia.stores.files import sealed
from cortexia.stores.files.folder import StoreFolder, VideoFolder, held
from cortexia.stores.files.freshness import Freshness
from cortexia.stores.files.index import IndexDoor, own
from cortexia.stores.files.records import run_entry, video_content
from cortexia.stores.files.windows import PROGRESS, RUN
from cortexia.stores.sql import quarantine, schema, videos
from cortexia.stores.sql import runs as run_rows
from cortexia.stores.sql.rows import COLUMNS, CONTENT
from cortexia.stores.sql.transfer import SqlTransfer, copy_blob, write_head
from cortexia.stores.transfer import Values, VideoHead, WindowRows
from cortexia.types import RunStatus, VideoIdentity, canonical_json

_CREATED = COLUMNS.index("created_at")

CatchUp = Callable[[Connection, str, Collection[str]], object]


class FileTransfer(SqlTransfer):
    """``catch_up(connection, video_id, job_ids)`` brings the index to what the files of a video say;
    ``name_files(video_id)`` writes the files that its pipelines are named by."""

    def __init__(
        self,
        door: IndexDoor,
        blobs: BlobStore,
        folder: StoreFolder,
        freshness: Freshness,
        catch_up: CatchUp,
        name_files: Callable[[str], None],
    ) -> None:
        super().__init__(door, blobs)
        self._folder = folder
        self._freshness = freshness
        self._catch_up = catch_up
        self._name_files = name_files

    def video_ids(self) -> list[str]:
        self._freshness.of_all(at_once=True)
        return super().video_ids()

    def holds(self, video_id: str) -> bool:
        self._freshness.of_video(video_id)
        return super().holds(video_id)

    @contextlib.contextmanager
    def reading(self, video_id: str, as_it_is: bool = False) -> Iterator[tuple[VideoHead, Iterator[WindowRows]]]:
        self._freshness.of_video(video_id)
        with super().reading(video_id, as_it_is) as read:
            yield read

    def write(self, head: VideoHead, windows: Iterable[WindowRows], blobs: BlobStore) -> None:
        if self.holds(head.video_id):
            raise DataInconsistencyError(f"video {head.video_id[:12]} is in {self._folder.path} already")
        staged = VideoFolder(self._folder.incoming / head.video_id)
        with translate_os_error(staged.path):
            shutil.rmtree(staged.path, ignore_errors=True)
        staged.make()
        with _scratch() as connection:
            write_head(connection, head)
            _write_records(connection, staged, head)
            self._write_windows(connection, staged, head, windows, blobs)
            for job in head.tables["jobs"]:
                job_files.save(connection, self._folder, job["job_id"], job["heartbeat_at"] or 0.0)
        self._enter(staged, {job["job_id"] for job in head.tables["jobs"]})

    def _write_windows(
        self,
        connection: Connection,
        staged: VideoFolder,
        head: VideoHead,
        windows: Iterable[WindowRows],
        blobs: BlobStore,
    ) -> None:
        files = _WindowFiles(connection, staged, head)
        for window in windows:
            for row in window.blobs:
                copy_blob(blobs, self._blobs, row)
            files.add(window)
        files.close()

    def _enter(self, staged: VideoFolder, job_ids: Collection[str]) -> None:
        """The video gets its name. Its folder is locked meanwhile: nobody reads it before its jobs are known."""
        video_id = staged.video_id
        with held(staged.path):
            with translate_os_error(self._folder.path):
                staged.path.rename(self._folder.video(video_id).path)
                sync_folder(self._folder.path)
            with self._door.write() as connection:
                self._catch_up(connection, video_id, job_ids)
        self._name_files(video_id)


@contextlib.contextmanager
def _scratch() -> Iterator[Connection]:
    """An index of nothing, in memory: the rows of one video, from which its files are written."""
    engine = create_engine("sqlite://", json_serializer=canonical_json)
    try:
        with engine.begin() as connection:
            schema.metadata.create_all(connection)
            own.create_all(connection)
            yield connection
    finally:
        engine.dispose()


def _write_records(connection: Connection, staged: VideoFolder, head: VideoHead) -> None:
    (video,) = head.tables["videos"]
    identity = VideoIdentity(video["video_id"], video["file_path"], video["filename"], video["size_bytes"])
    media = None if video["media"] is None else videos.media_from_json(video["media"])
    sealed.write(staged.video, video_content(connection, identity, media, {}))
    found = run_rows.find(connection, schema.runs.c.video_id == head.video_id)
    entries = {run.run_id: run_entry(connection, run.spec, run.provenance, 0) for run in found}
    for run in head.tables["runs"]:
        if run["status"] == RunStatus.FAILED:
            entries[run["run_id"]]["failed"] = {name: run[name] for name in ("reason", "message", "completed_at")}
    if entries or head.tables["jobs"]:
        sealed.write(staged.runs, {"runs": list(entries.values()), "wanted": [], "removed": []})


class _WindowFiles:
    """The windows of a video as files, one for each window of a run."""

    def __init__(self, connection: Connection, staged: VideoFolder, head: VideoHead) -> None:
        self._connection = connection
        self._staged = staged
        self._video = head.tables["videos"][0]
        self._runs = {run["run_id"]: run for run in head.tables["runs"]}
        self._jobs = {job["job_id"]: job for job in head.tables["jobs"]}
        # commits of a job are counted from its files: all of them at its first one
        self._commits = {job_id: job["windows"] for job_id, job in self._jobs.items()}
        self._rows: Counter[str] = Counter()
        self._last: dict[str, Any] | None = None
        self._count = 0

    def add(self, window: WindowRows) -> None:
        self._flush()
        blobs = [[row["sha256"], row["suffix"], row["size_bytes"]] for row in window.blobs]
        self._last = self._file(window.window["job_id"], [self._part(window)], blobs)

    def close(self) -> None:
        """What a pass learned of the video is told by the last file; commits without rows are one more file."""
        silent = [job_id for job_id, commits in self._commits.items() if commits]
        for job_id in silent:
            self._flush()
            self._last = self._file(job_id, [], [])
        if self._last is not None:
            self._last["anchors"] = self._video["anchors"]
            self._last["verdict"] = self._video["verdict"] if self._video["verdict_source"] == videos.PASS else None
        self._flush()

    def _flush(self) -> None:
        if self._last is not None:
            sealed.write(self._staged.window(self._count), self._last)
            self._last = None

    def _file(self, job_id: str, parts: list[dict[str, Any]], blobs: list[list[Any]]) -> dict[str, Any]:
        self._count += 1
        return {
            "number": self._count,
            "video_id": self._video["video_id"],
            "job_id": job_id,
            "attempt": self._jobs[job_id]["attempt"],
            "worker": "move",
            "windows": self._commits.pop(job_id, 0),
            "parts": parts,
            "anchors": [],
            "verdict": None,
            "blobs": blobs,
            "columns": list(CONTENT),
            "ends_job": None,
        }

    def _part(self, window: WindowRows) -> dict[str, Any]:
        mark = window.window
        self._rows[mark["run_id"]] += mark["row_count"]
        return {
            "run_id": mark["run_id"],
            "ordinal": mark["ordinal"],
            "created_at": window.rows[0][_CREATED] if window.rows else mark["created_at"],
            "rows_sha256": mark["rows_sha256"],
            "run": self._run_after(mark),
            "rows": [list(row[: len(CONTENT)]) for row in window.rows],
            "quarantined": [{name: item[name] for name in quarantine.CONTENT} for item in window.quarantined],
        }

    def _run_after(self, mark: Values) -> dict[str, Any]:
        """What the row of the run said after a window: as it is now after the last one."""
        run = self._runs[mark["run_id"]]
        now = {name: run[name] for name in RUN}
        if run["status"] == RunStatus.SUPERSEDED:
            now["status"] = RunStatus.COMPLETED.value
        if mark["ordinal"] + 1 == run["windows"]:
            return now
        then = {"position": mark["position"], "final_until_us": mark["final_until_us"]}
        then |= {"annotation_count": self._rows[mark["run_id"]], "windows": mark["ordinal"] + 1}
        unknown = dict.fromkeys(set(PROGRESS) - set(then))
        return {**now, **unknown, **then, "status": RunStatus.RUNNING.value, "completed_at": None}
