"""People: who is to be seen in a video, one row for each, with an id of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, cast

from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.types import Annotation, Person, Track


@dataclass(frozen=True)
class People(Solver):
    """A ``Person`` for each track of a person, in order of appearance.

    ``labels``: which tracks are people's, comma-joined. ``min_seconds``: shorter tracks are nobody's, in seconds from
    the first box to the last; ``min_confidence``: nor are those whose boxes are less sure in the mean.
    Whoever leaves and comes back after the tracker's buffer is somebody new: only faces tell that they are the same.
    """

    name: ClassVar[str] = "people"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("tracks",)
    provides: ClassVar[tuple[str, ...]] = ("person",)

    labels: str = "person"
    min_seconds: float = 0.0
    min_confidence: float = 0.0

    def __post_init__(self) -> None:
        require_ranges(self, {"min_seconds": (0.0, 3600.0), "min_confidence": (0.0, 1.0)})
        require_labels(self.name, self.labels)

    @property
    def wanted(self) -> frozenset[str]:
        return labels_in(self.labels) or frozenset()

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        tracks = [track for track in cast(Iterable[Track], stored.of("track")) if self._is_somebody(track)]
        tracks.sort(key=lambda track: (track.first_frame, track.track_id))
        for number, track in enumerate(tracks, 1):
            yield _person(track, person_id(context.video_id, number))

    def _is_somebody(self, track: Track) -> bool:
        return (
            track.label in self.wanted
            and track.span.duration_s >= self.min_seconds
            and (track.confidence or 0.0) >= self.min_confidence
        )


def person_id(video_id: str, number: int) -> str:
    """``person_{first 12 of video}_{nnn}``, counted from 1 in order of appearance."""
    return f"person_{video_id[:12]}_{number:03d}"


def _person(track: Track, name: str) -> Person:
    return Person(
        span=track.span,
        label=track.label,
        confidence=track.confidence,
        frame_index=track.frame_index,
        track_id=track.track_id,
        first_frame=track.first_frame,
        last_frame=track.last_frame,
        boxes=track.boxes,
        gaps=track.gaps,
        gap_s=track.gap_s,
        person_id=name,
    )
