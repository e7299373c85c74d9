"""Putting away in a folder: runs go out of the windows that they share with others, jobs and videos with their files.

``runs.json`` comes first: from then on no window counts for a run that is gone, and a death leaves only what the next
removal clears away. Files of jobs and videos go after the index has forgotten them: what a death leaves is read again.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Connection, select

from cortexia.files import sync_folder, translate_os_error
from cortexia.stores.files import sealed
from cortexia.stores.files.folder import StoreFolder, VideoFolder
from cortexia.stores.files.index import indexed_jobs
from cortexia.stores.files.windows import named_blobs
from cortexia.stores.sql.schema import jobs

_GONE = ".removed-"


def strip_windows(video: VideoFolder, count: int, removed: Collection[str]) -> None:
    """Write the first ``count`` windows of a video again without the rows of runs that are gone."""
    for number in range(1, count + 1):
        path = video.window(number)
        content = sealed.read(path)
        kept = [part for part in content["parts"] if part["run_id"] not in removed]
        if len(kept) < len(content["parts"]):
            sealed.write(path, {**content, "blobs": named_blobs(content, kept), "parts": kept})


def jobs_of(connection: Connection, video_id: str) -> list[str]:
    statement = select(indexed_jobs.c.job_id).where(indexed_jobs.c.video_id == video_id)
    return list(connection.execute(statement.order_by(indexed_jobs.c.job_id)).scalars())


def forget_jobs(connection: Connection, job_ids: Collection[str]) -> list[str]:
    """Those of ``job_ids`` whose rows are gone from the index, which forgets their files too."""
    kept = set(connection.execute(select(jobs.c.job_id).where(jobs.c.job_id.in_(list(job_ids)))).scalars())
    gone = sorted(set(job_ids) - kept)
    connection.execute(indexed_jobs.delete().where(indexed_jobs.c.job_id.in_(gone)))
    return gone


def remove_job_files(folder: StoreFolder, job_ids: Collection[str]) -> None:
    for job_id in job_ids:
        _remove(folder.jobs / job_id, folder.path)


def remove_video_files(folder: StoreFolder, video_id: str) -> None:
    _remove(folder.video(video_id).path, folder.path)


def clear_leftovers(folder: StoreFolder) -> None:
    """What a death in the middle of a removal left."""
    for path in folder.path.glob(f"{_GONE}*"):
        shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path, base: Path) -> None:
    """Away at once: nobody meets half a folder."""
    if not path.is_dir():
        return
    target = base / f"{_GONE}{path.name}-{secrets.token_hex(4)}"
    with translate_os_error(path):
        path.rename(target)
        sync_folder(path.parent)
    shutil.rmtree(target, ignore_errors=True)
