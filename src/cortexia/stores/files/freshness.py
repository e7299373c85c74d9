"""Whether the index has seen all files, asked before each answer: a few looks at the file system for each video."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection

from sqlalchemy import Connection, select

from cortexia.errors import ValidationError
from cortexia.stores.files import sealed
from cortexia.stores.files.folder import StoreFolder
from cortexia.stores.files.index import IndexDoor, indexed_jobs, indexed_videos
from cortexia.stores.files.jobs import note
from cortexia.stores.files.replay import Replay, is_current
from cortexia.stores.sql import schema
from cortexia.types import Query

LOOK_EVERY_S = 1.0
"""Between looks at all videos: what a process left that died between a file and the index is seen so late at most."""


class Freshness:
    """``catch_up(video_id, new_jobs)`` is called for videos whose files say more than the index."""

    def __init__(self, folder: StoreFolder, door: IndexDoor, catch_up: Callable[[str, Collection[str]], None]) -> None:
        self._folder = folder
        self._door = door
        self._catch_up = catch_up
        self._looked_at = float("-inf")
        self._looked_into = 0

    def of_query(self, query: Query) -> None:
        if not query.video_ids:
            self.of_all()
        for video_id in query.video_ids:
            self.of_video(video_id)

    def of_video(self, video_id: str | None) -> None:
        """``None``: of all."""
        if video_id is None:
            self.of_all()
            return
        try:
            self._folder.video(video_id)
        except ValidationError:
            return
        with self._door.read() as connection:
            known = connection.execute(
                select(indexed_videos).where(indexed_videos.c.video_id == video_id)
            ).one_or_none()
            columns = (indexed_jobs.c.job_id, indexed_jobs.c.mark)
            rows = connection.execute(select(*columns).where(indexed_jobs.c.video_id == video_id))
            is_fresh = is_current(self._folder, video_id, known, {row.job_id: row.mark for row in rows})
        if not is_fresh:
            self._settle(video_id, ())

    def of_run(self, run_id: str) -> None:
        with self._door.read() as connection:
            column = schema.runs.c.video_id
            video_id = connection.execute(select(column).where(schema.runs.c.run_id == run_id)).scalar_one_or_none()
        self.of_video(video_id)

    def of_job(self, job_id: str) -> None:
        with self._door.read() as connection:
            column = indexed_jobs.c.video_id
            video_id = connection.execute(select(column).where(indexed_jobs.c.job_id == job_id)).scalar_one_or_none()
        self.of_video(video_id)

    def of_all(self, at_once: bool = False) -> None:
        """Unless somebody looked a moment ago (``at_once``: also then)."""
        index = self._door.follow()
        is_recent = index == self._looked_into and time.monotonic() < self._looked_at + LOOK_EVERY_S
        if is_recent and not at_once:
            return
        with self._door.read() as connection:
            stale = self._stale(connection)
        for video_id, new_jobs in stale.items():
            self._settle(video_id, new_jobs)
        self._looked_at, self._looked_into = time.monotonic(), index

    def _stale(self, connection: Connection) -> dict[str, set[str]]:
        """Videos whose files say more than the index, with jobs of theirs that it does not know."""
        videos = {row.video_id: row for row in connection.execute(select(indexed_videos))}
        known: dict[str, dict[str, str]] = defaultdict(dict)
        job_ids = set()
        for row in connection.execute(select(indexed_jobs)):
            known[row.video_id][row.job_id] = row.mark
            job_ids.add(row.job_id)
        stale: dict[str, set[str]] = defaultdict(set)
        for job_id in self._folder.job_ids():
            if job_id not in job_ids and self._folder.job(job_id).exists():
                stale[sealed.read(self._folder.job(job_id))["video_id"]].add(job_id)
        for video_id in {*self._folder.video_ids(), *videos}:
            if not is_current(self._folder, video_id, videos.get(video_id), known[video_id]):
                stale[video_id] |= set()
        return stale

    def _settle(self, video_id: str, new_jobs: Collection[str]) -> None:
        folder = self._folder.video(video_id)
        if folder.path.exists():
            self._catch_up(video_id, new_jobs)
        else:
            self._forget(video_id, new_jobs)

    def _forget(self, video_id: str, jobs: Collection[str]) -> None:
        """The folder of the video is gone: somebody deleted it, and what is left of it are jobs."""
        with self._door.write() as connection:
            Replay(connection, self._folder, video_id).run(jobs)
            for job_id in jobs:
                note(connection, job_id, video_id, sealed.mark(self._folder.job(job_id)))
