"""From one store to another, video by video: each is copied whole, counted and compared before the next.

What has arrived stays: after an interruption, the same move goes on with what is missing. The source keeps everything
unless it is asked to let go of what has arrived, so that a move is undone by moving back, or by doing nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortexia.errors import ConfigurationError, DataInconsistencyError, StoreBusyError
from cortexia.maintenance.checksum import VideoChecksum, video_checksum
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import StorageBackend
from cortexia.stores.transfer import VideoHead, transfer_of
from cortexia.stores.upkeep import Report, say_nothing, upkeep_of
from cortexia.types import JobState


@dataclass(frozen=True, slots=True)
class MoveReport:
    """``moved``: videos that came now; ``kept``: those that had arrived before. ``checksums``: of all, in order."""

    source: str
    target: str
    moved: int
    kept: int
    rows: int
    checksums: tuple[VideoChecksum, ...]
    source_is_emptied: bool = False


def move(
    source: StorageBackend, target: StorageBackend, delete_source: bool = False, report: Report = say_nothing
) -> MoveReport:
    """Bring every video of ``source`` to ``target``, with its runs, windows, jobs and pictures.

    ``delete_source``: mark each video as deleted in ``source`` once it has arrived; 'cortexia db gc' removes it later.
    Raises ``ConfigurationError`` for one store on both sides, ``StoreBusyError`` while a worker is at a video,
    ``DataInconsistencyError`` for damaged rows, and where ``target`` holds something else of a video.
    """
    if source.location == target.location:
        raise ConfigurationError(f"{source.location} is both ends of the move; name another store to move to")
    video_ids = transfer_of(source).video_ids()
    checksums, moved = [], 0
    for number, video_id in enumerate(video_ids):
        report("videos", number, len(video_ids))
        if video_id in _deleted(target) - _deleted(source):
            # it went from here to there before, and now comes back: what is here is old
            upkeep_of(target).remove_video(video_id)
        checksum, is_new = _bring(source, target, video_id)
        checksums.append(checksum)
        moved += is_new
        if delete_source:
            upkeep_of(source).delete_video(video_id)
    report("videos", len(video_ids), len(video_ids))
    done = MoveReport(
        source.location,
        target.location,
        moved,
        len(video_ids) - moved,
        sum(checksum.rows for checksum in checksums),
        tuple(checksums),
        delete_source,
    )
    _remember(source, target, done)
    return done


def _bring(source: StorageBackend, target: StorageBackend, video_id: str) -> tuple[VideoChecksum, bool]:
    """The checksum of a video that is in both stores now, and whether it came now."""
    wanted = video_checksum(source, video_id)
    is_new = not transfer_of(target).holds(video_id)
    if is_new:
        with transfer_of(source).reading(video_id) as (head, windows):
            _require_rest(head)
            transfer_of(target).write(head, windows, source.blobs)
    found = video_checksum(target, video_id)
    if found != wanted:
        what = "changed on the way" if is_new else "is there already, and is not the same"
        raise DataInconsistencyError(
            f"video {video_id[:12]} {what}: {wanted.runs} runs and {wanted.rows} rows in {source.location},"
            f" {found.runs} and {found.rows} in {target.location}; the source was left as it is"
        )
    return found, is_new


def _require_rest(head: VideoHead) -> None:
    for job in head.tables["jobs"]:
        if job["status"] == JobState.RUNNING:
            raise StoreBusyError(
                f"video {head.video_id[:12]} is being annotated by {job['worker']}; stop it, or wait, and run again"
            )


def _deleted(store: StorageBackend) -> set[str]:
    return {record.identity.video_id for record in upkeep_of(store).deleted_videos()}


def _remember(source: StorageBackend, target: StorageBackend, done: MoveReport) -> None:
    numbers = {"videos": len(done.checksums), "rows": done.rows}
    upkeep_of(source).remember(AuditEvent("store.moved_out", target.location, numbers))
    upkeep_of(target).remember(AuditEvent("store.moved_in", source.location, numbers))
