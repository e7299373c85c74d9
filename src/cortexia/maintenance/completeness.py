"""What is amiss in what was found in a video, as pairs of a kind and a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cortexia.stores.base import StorageBackend
from cortexia.types import MICROSECONDS, KeyPicture, Query, RunStatus, Shot, StoredRow

Issue = tuple[str, str]
_TOLD = 5


def issues_of(store: StorageBackend, video_id: str) -> Iterator[Issue]:
    """Frames without captions, more captions than frames, shots that leave gaps or overlap."""
    yield from _caption_issues(store, video_id)
    yield from _shot_issues(store, video_id)


def frames_of(rows: Sequence[StoredRow]) -> list[StoredRow]:
    """The frames that stand for their shots, of the rows of key pictures; all of them where none is marked."""
    marked = [row for row in rows if isinstance(row.annotation, KeyPicture) and row.annotation.is_representative]
    return marked or list(rows)


def _caption_issues(store: StorageBackend, video_id: str) -> Iterator[Issue]:
    """Only where there are captions: a video that nobody was asked to describe lacks none."""
    captions = list(store.find(Query(types=("caption",), video_ids=(video_id,))))
    if not captions:
        return
    frames = frames_of(list(store.find(Query(types=("key_picture",), video_ids=(video_id,)))))
    described = {moment for row in captions for moment in _moments_of(row)}
    bare = [row for row in frames if described.isdisjoint(_moments_of(row))]
    if bare:
        yield "captions", f"{len(bare)} of {len(frames)} frames have no caption: {_moments(bare)}"
    if len(captions) > len(frames):
        yield "captions", f"has {len(captions)} captions, and only {len(frames)} frames"


def _moments_of(row: StoredRow) -> tuple[tuple[str, int], ...]:
    """A caption belongs to a frame by its index, or by its start where it names no frame."""
    index = row.annotation.frame_index
    return (("us", row.start_us),) if index is None else (("us", row.start_us), ("frame", index))


def _shot_issues(store: StorageBackend, video_id: str) -> Iterator[Issue]:
    """The shots of a completed run tile the video."""
    for run in store.runs(video_id):
        if run.status is not RunStatus.COMPLETED:
            continue
        before: StoredRow | None = None
        for row in store.find(Query(types=("shot",), video_ids=(video_id,), run_ids=(run.run_id,))):
            if before is not None and not _follows(before, row):
                yield "coverage", f"shots of {run.spec.annotator} leave a gap or overlap at {_seconds(row)}"
            before = row


def _follows(before: StoredRow, row: StoredRow) -> bool:
    first, second = before.annotation, row.annotation
    assert isinstance(first, Shot)  # noqa: S101 - only shots were asked for  # nosec B101
    assert isinstance(second, Shot)  # noqa: S101  # nosec B101
    return first.last_frame + 1 == second.first_frame and before.end_us == row.start_us


def _moments(rows: Sequence[StoredRow]) -> str:
    told = ", ".join(map(_seconds, rows[:_TOLD]))
    return f"{told} and {len(rows) - _TOLD} more" if len(rows) > _TOLD else told


def _seconds(row: StoredRow) -> str:
    return f"{row.start_us / MICROSECONDS:.3f} s"
