"""Whose faces they are: faces followed over time, linked to people, and grouped within a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._cuts import cuts_in
from cortexia.annotators._face_links import Votes, linked
from cortexia.annotators._face_sums import Kept, Sums
from cortexia.annotators._face_tracks import follow
from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.clustering import grouped
from cortexia.types import Annotation, Embedding, Face, FaceTrack, Person, TrackBox
from cortexia.types.embedding import packed

_ID_DIGITS = 12
_RANGES = {
    "buffer_s": (0.0, 3600.0),
    "upper_part": (0.05, 1.0),
    "containment": (0.05, 1.0),
    "majority": (0.05, 1.0),
    "similarity": (0.01, 1.0),
}
Vectors = Sequence[NDArray[np.float64] | None]


@dataclass(frozen=True)
class FaceGroups(Solver):
    """Tracks of faces, and which of them are of one person.

    A ``FaceTrack`` for each face followed over time; ``buffer_s``: seconds for which one that is out of sight may be
    found again; none goes on into the next shot. Its attribute ``path`` says where it was, once a second: frame index,
    seconds, corners in pixels.

    With ``link_people`` a track gets the ``person_id`` of the one person in the upper part of whose box (``upper_part``
    of its height) most of its faces lie: ``majority`` of the faces, with ``containment`` of their area, beside the
    nearest frame in which people were followed (0.5 s at most). Where two people do, it gets none.

    Tracks of one person, and those whose mean vectors are alike, get one ``face_id``, numbered by first appearance:
    average linkage down to a cosine of ``similarity``. Tracks that overlap in time are never one. Vectors are weighted
    by the quality of their faces. The mean vector of each track comes as an ``Embedding`` with the attribute
    ``face_id``. Without vectors there is one ``face_id`` for each person, else for each track.
    """

    name: ClassVar[str] = "face_groups"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("faces", "shots")
    provides: ClassVar[tuple[str, ...]] = ("face_track", "embedding")

    link_people: bool = True
    buffer_s: float = 2.0
    upper_part: float = 0.5
    containment: float = 0.7
    majority: float = 0.5
    similarity: float = 0.363

    def __post_init__(self) -> None:
        require_ranges(self, _RANGES)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.requires, "tracks", "people") if self.link_people else self.requires

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        tracks, model = self._followed(stored, context.media.origin)
        people = linked(tracks, self.majority)
        vectors = [track.vector(model) for track in tracks]
        groups = self._groups(tracks, people, vectors)
        for at, (track, vector) in enumerate(zip(tracks, vectors, strict=True)):
            face_id = f"face_{context.video_id[:_ID_DIGITS]}_{groups[at] + 1:03d}"
            made = _row(track, f"face_track_{at + 1:03d}", face_id, people.get(at))
            yield made
            if vector is not None:
                yield _embedding(made, model, vector)

    def _followed(self, stored: StoredAnnotations, origin: Fraction) -> tuple[list[Kept], str]:
        """All tracks, and the model that made most of their vectors. Faces are read, and let go, shot by shot."""
        next_look = stored.next_look("faces")
        votes, sums = self._votes(stored), Sums(cast(Iterable[Embedding], stored.of("embedding")))
        tracks: list[Kept] = []
        for shown in follow(_faces(stored), self.buffer_s, cuts_in(stored)):
            told = zip(shown, votes.over(shown), sums.over(shown), strict=True)
            tracks += [
                Kept.of(track, counted, summed, track.gaps(next_look, origin)) for track, counted, summed in told
            ]
        return tracks, sums.model

    def _votes(self, stored: StoredAnnotations) -> Votes:
        if not self.link_people:
            return Votes(self.upper_part, self.containment, (), {})
        persons = cast(Iterable[Person], stored.of("person"))
        ids = {person.track_id: person.person_id for person in persons if person.track_id is not None}
        return Votes(self.upper_part, self.containment, cast(Iterable[TrackBox], stored.of("track_box")), ids)

    def _groups(self, tracks: Sequence[Kept], people: Mapping[int, str], vectors: Vectors) -> list[int]:
        """The group of each track, numbered by first appearance."""
        size = next((len(vector) for vector in vectors if vector is not None), 1)
        table = np.zeros((len(vectors), size))
        for at, vector in enumerate(vectors):
            if vector is not None:
                table[at] = vector
        return [int(group) for group in grouped(table, self.similarity, of_one(people), _at_once(tracks))]


def _faces(stored: StoredAnnotations) -> Iterable[Face]:
    return cast(Iterable[Face], stored.of("face"))


def of_one(people: Mapping[int, str]) -> list[tuple[int, int]]:
    """Pairs that link all tracks of one person, each to the next. ``people``: person ids by track."""
    tracks_of: dict[str, list[int]] = {}
    for at, person_id in people.items():
        tracks_of.setdefault(person_id, []).append(at)
    return [pair for own in tracks_of.values() for pair in pairwise(own)]


def _at_once(tracks: Sequence[Kept]) -> Iterator[tuple[int, int]]:
    """Pairs of tracks that overlap in time."""
    spans = [track.span for track in tracks]
    open_ones: list[int] = []
    for at in sorted(range(len(spans)), key=lambda at: (spans[at].start, at)):
        open_ones = [other for other in open_ones if spans[other].end > spans[at].start]
        yield from ((other, at) for other in open_ones)
        open_ones.append(at)


def _row(track: Kept, track_id: str, face_id: str, person_id: str | None) -> FaceTrack:
    return FaceTrack(
        span=track.span,
        label="face",
        confidence=track.confidence,
        frame_index=track.first_frame,
        track_id=track_id,
        first_frame=track.first_frame,
        last_frame=track.last_frame,
        boxes=track.boxes,
        gaps=track.gaps,
        gap_s=track.gap_s,
        face_id=face_id,
        person_id=person_id,
        attributes={"path": track.path},
    )


def _embedding(track: FaceTrack, model: str, vector: NDArray[np.float64]) -> Embedding:
    attributes: dict[str, Any] = {"face_id": track.face_id}
    return Embedding(
        span=track.span,
        frame_index=track.first_frame,
        track_id=track.track_id,
        model=model,
        of="face",
        attributes=attributes,
        **packed(vector),
    )
