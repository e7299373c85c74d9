"""Brings the rows of one video in the index to what its files say. Its folder is locked meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.files import jobs as job_files
from cortexia.stores.files import sealed, windows
from cortexia.stores.files.folder import StoreFolder, VideoFolder
from cortexia.stores.files.index import indexed_jobs, indexed_videos
from cortexia.stores.files.records import RegisteredRuns, load_video
from cortexia.stores.sql import schema
from cortexia.stores.sql import videos as video_rows
from cortexia.types import JobState, RunStatus

_ENDED = tuple(state.value for state in JobState if state.is_final)


@dataclass(frozen=True, slots=True)
class JobEnd:
    """The end of a job that its last window tells, and perhaps not its file."""

    job_id: str
    attempt: int
    status: JobState
    reason: str | None
    message: str | None


def marks_of(folder: VideoFolder, count: int) -> dict[str, Any]:
    """Which versions of the files of a video there are, of which ``count`` windows."""
    return {
        "video_mark": sealed.mark(folder.video),
        "runs_mark": sealed.mark(folder.runs),
        "window_mark": sealed.mark(folder.window(count)) if count else "",
        "windows": count,
    }


def is_current(folder: StoreFolder, video_id: str, known: Any, job_marks: Mapping[str, str]) -> bool:
    """Whether the index holds all that the files say. ``known``: its row of ``indexed_videos``."""
    own = folder.video(video_id)
    if known is None:
        return own.is_empty
    return (
        is_same(own, known)
        and not own.window(known.windows + 1).exists()
        and all(sealed.mark(folder.job(job_id)) == mark for job_id, mark in job_marks.items())
    )


def is_same(folder: VideoFolder, known: Any) -> bool:
    """Whether the files of which the index holds rows are still those; later windows may have come."""
    return all(getattr(known, name) == value for name, value in marks_of(folder, known.windows).items())


class Replay:
    """Of one video, within a transaction of the index."""

    def __init__(self, connection: Connection, folder: StoreFolder, video_id: str) -> None:
        self._connection = connection
        self._folder = folder
        self._video = folder.video(video_id)
        self._video_id = video_id
        self._own = indexed_videos.c.video_id == video_id

    def run(self, new_jobs: Collection[str] = ()) -> list[JobEnd]:
        """Ends of jobs that were met on the way. ``new_jobs``: of this video, and perhaps not in the index yet."""
        known = self._connection.execute(select(indexed_videos).where(self._own)).one_or_none()
        marks = self._job_marks()
        if not set(new_jobs) - set(marks) and is_current(self._folder, self._video_id, known, marks):
            return []
        if known is not None and self._video.path.exists():
            self._require_windows(known.windows)
        if known is not None and is_same(self._video, known):
            self._load_jobs({*marks, *new_jobs}, marks)
            return self._load_windows(known.windows)
        return self._reload({*marks, *new_jobs})

    def _require_windows(self, known: int) -> None:
        if self._video.windows() < known:
            raise DataInconsistencyError(
                f"{self._video.window(known)} is missing; restore it from a backup"
                f" (or delete {self._folder.index}, if it is right that it is gone)"
            )

    def _reload(self, job_ids: Collection[str]) -> list[JobEnd]:
        """Drop the rows of the video and read everything again."""
        self._drop()
        if self._video.is_empty:
            return []
        load_video(self._connection, sealed.read(self._video.video))
        registered = self._registered()
        registered.load(self._connection, self._video_id)
        self._load_jobs(job_ids, {})
        ends = self._load_windows(0)
        registered.load_failures(self._connection)
        return ends

    def _drop(self) -> None:
        rows, aside, runs = schema.annotation_rows, schema.quarantined_annotations, schema.runs
        of_video = select(runs.c.run_id).where(runs.c.video_id == self._video_id)
        reset = {"status": RunStatus.PENDING.value, "superseded_by": None}
        for statement in (
            delete(rows).where(rows.c.video_id == self._video_id),
            delete(aside).where(aside.c.video_id == self._video_id),
            delete(schema.windows).where(schema.windows.c.run_id.in_(of_video)),
            delete(schema.job_runs).where(schema.job_runs.c.run_id.in_(of_video)),
            update(runs).where(runs.c.video_id == self._video_id).values(**reset),
            delete(runs).where(runs.c.video_id == self._video_id),
            delete(schema.jobs).where(schema.jobs.c.video_id == self._video_id),
            delete(schema.videos).where(schema.videos.c.video_id == self._video_id),
            delete(indexed_videos).where(self._own),
            delete(indexed_jobs).where(indexed_jobs.c.video_id == self._video_id),
        ):
            self._connection.execute(statement)

    def _load_jobs(self, job_ids: Collection[str], marks: Mapping[str, str]) -> None:
        contents = []
        for job_id in sorted(job_ids):
            mark = sealed.mark(self._folder.job(job_id))
            if not mark or mark != marks.get(job_id):
                content = sealed.read(self._folder.job(job_id))
                contents.append(content)
                job_files.note(self._connection, job_id, self._video_id, mark)
        removed = self._registered().removed
        for content in sorted(contents, key=lambda content: (content["changed_at"], content["seq"])):
            if job_files.load(self._connection, content, removed):
                video_rows.set_status(self._connection, self._video_id, JobState(content["status"]))

    def _load_windows(self, done: int) -> list[JobEnd]:
        """Windows after the first ``done``."""
        registered = self._registered()
        count = self._video.windows()
        ends = []
        if done == 0:
            registered.load_wanted(self._connection, self._video_id, 0)
        for number in range(done + 1, count + 1):
            path = self._video.window(number)
            content = sealed.read(path)
            windows.load(self._connection, path, content, registered)
            registered.load_wanted(self._connection, self._video_id, number)
            if content["ends_job"] is not None:
                end = content["ends_job"]
                status = JobState(end["status"])
                ends.append(JobEnd(content["job_id"], content["attempt"], status, end["reason"], end["message"]))
        remember(self._connection, self._video, count)
        return ends

    def _registered(self) -> RegisteredRuns:
        is_bare = not self._video.runs.exists() and not self._video.window(1).exists()
        return RegisteredRuns({} if is_bare else sealed.read(self._video.runs))

    def _job_marks(self) -> dict[str, str]:
        columns = (indexed_jobs.c.job_id, indexed_jobs.c.mark)
        rows = self._connection.execute(select(*columns).where(indexed_jobs.c.video_id == self._video_id))
        return {row.job_id: row.mark for row in rows}


def remember(connection: Connection, folder: VideoFolder, count: int) -> None:
    """Note which versions of the files the index holds, and whether the named files are due."""
    own = indexed_videos.c.video_id == folder.video_id
    known = connection.execute(select(indexed_videos.c.written).where(own)).one_or_none()
    values = {**marks_of(folder, count), "is_due": has_ended(connection, folder.video_id)}
    if known is None:
        connection.execute(insert(indexed_videos).values(video_id=folder.video_id, **values))
    else:
        connection.execute(update(indexed_videos).where(own).values(**values))


def has_ended(connection: Connection, video_id: str) -> bool:
    """Whether a job of the video has ended and none of it waits or runs."""
    statement = select(schema.jobs.c.status).where(schema.jobs.c.video_id == video_id)
    statuses = connection.execute(statement).scalars().all()
    return bool(statuses) and all(status in _ENDED for status in statuses)
