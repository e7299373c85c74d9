"""Videos with people in them, as annotators would have stored them, and the truth about who is who.

Human being ``n`` is always seen at ``x = 100 n``, so that a box tells who somebody is, whatever the rows call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from filling import media

from cortexia.stores.base import RunWindow, StorageBackend, Window
from cortexia.types import (
    Annotation,
    AnnotationRecord,
    BBox,
    Embedding,
    FaceTrack,
    Identity,
    JobState,
    Person,
    RunSpec,
    RunStatus,
    TimeSpan,
    Timestamp,
    TrackBox,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    annotation_id,
)
from cortexia.types.embedding import packed

BASE = Fraction(1, 1000)
SIZE = 32


@dataclass(frozen=True)
class Shown:
    """Human being ``who`` from ``start`` to ``end`` (seconds)."""

    who: int
    start: int = 0
    end: int = 4


def video_id(number: int) -> str:
    return f"{number:012x}" + 52 * "0"


def span(start_s: float, end_s: float) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s * 1000), BASE), Timestamp(round(end_s * 1000), BASE))


def face_box(who: int) -> BBox:
    return BBox(100.0 * who + 10, 20, 100.0 * who + 50, 60)


def body_box(who: int) -> BBox:
    return BBox(100.0 * who, 10, 100.0 * who + 60, 210)


def vector(who: int, video: int, spread: float = 0.08) -> np.ndarray:
    """Of unit length; the same human being looks a little different in each video."""
    centre = np.random.default_rng(1000 + who).normal(size=SIZE)
    made = centre / np.linalg.norm(centre) + spread * np.random.default_rng([who, video]).normal(size=SIZE)
    return made / np.linalg.norm(made)


def faces(number: int, shown: Sequence[Shown], ids: Sequence[int] | None = None, model: str | None = "m") -> list:
    """Rows of ``face_groups``. ``ids``: number in the face id of each, else 1, 2, ...; ``model=None``: no vectors."""
    rows: list[Annotation] = []
    for at, one in enumerate(shown):
        face_id = f"face_{video_id(number)[:12]}_{(ids[at] if ids else at + 1):03d}"
        rows.append(_face_track(one, f"face_track_{at + 1:03d}", face_id))
        if model is not None:
            rows.append(
                Embedding(
                    span=span(one.start, one.end),
                    frame_index=25 * one.start,
                    track_id=f"face_track_{at + 1:03d}",
                    model=model,
                    of="face",
                    attributes={"face_id": face_id},
                    **packed(vector(one.who, number)),
                )
            )
    return rows


def _face_track(one: Shown, track_id: str, face_id: str) -> FaceTrack:
    box = face_box(one.who)
    path = [[25 * second, float(second), box.x1, box.y1, box.x2, box.y2] for second in range(one.start, one.end)]
    return FaceTrack(
        span=span(one.start, one.end),
        label="face",
        frame_index=25 * one.start,
        track_id=track_id,
        first_frame=25 * one.start,
        last_frame=25 * one.end - 1,
        boxes=5 * (one.end - one.start),
        face_id=face_id,
        attributes={"path": path},
    )


def persons(number: int, shown: Sequence[Shown], ids: Sequence[int] | None = None) -> tuple[list, list]:
    """Rows of ``people``, and of ``tracks``."""
    people, boxes = [], []
    for at, one in enumerate(shown):
        name = ids[at] if ids else at + 1
        people.append(
            Person(
                span=span(one.start, one.end),
                label="person",
                track_id=f"track_{name}",
                first_frame=25 * one.start,
                last_frame=25 * one.end - 1,
                boxes=5 * (one.end - one.start),
                person_id=f"person_{video_id(number)[:12]}_{name:03d}",
            )
        )
        boxes += [
            TrackBox(
                span=span(one.start + 0.2 * step, one.start + 0.2 * step + 0.04),
                label="person",
                frame_index=25 * one.start + 5 * step,
                track_id=f"track_{name}",
                bbox=body_box(one.who),
            )
            for step in range(5 * (one.end - one.start))
        ]
    return people, boxes


def store_rows(
    store: StorageBackend,
    number: int,
    annotator: str,
    rows: Sequence[Annotation],
    frames: int = 100,
    upstream: tuple[str, ...] = (),
    **options,
) -> str:
    """A completed run with these rows; its key."""
    spec = RunSpec(video_id(number), annotator, "1", options, upstream=upstream)
    store.save_video(VideoIdentity(spec.video_id, f"/videos/{number}.mp4", f"{number}.mp4", 10), media())
    store.register_runs([spec], {})
    job_id = store.submit_job(
        VideoIdentity(spec.video_id, f"/videos/{number}.mp4", f"{number}.mp4", 10), [spec.run_id], {"annotators": []}
    )
    claim = store.claim("w", 30.0, job_id)
    assert claim is not None
    records = tuple(
        AnnotationRecord(annotation_id(spec.run_key, row.type, row.span.start.pts, at), row, at, at)
        for at, row in enumerate(rows)
    )
    part = RunWindow(spec.run_id, 0, records, len(rows), None, None, {}, RunStatus.COMPLETED)
    verdict = Verdict(VerdictStatus.OK, frames_decoded=frames)
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(spec.video_id, (part,), verdict=verdict))
    store.release(claim, JobState.COMPLETED, None, None)
    return spec.run_key


def who(row: Identity) -> int:
    """The human being that a row is about, by its box."""
    assert row.bbox is not None
    return int(row.bbox.x1 // 100)
