"""Somebody in one video, as annotators found them: what identities are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.types import Annotation, BBox, Embedding, FaceTrack, Identity, Person, PersonNote, TimeSpan

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """A box in a frame. ``time_s``: when the frame is shown, in seconds as the video counts them."""

    frame_index: int
    time_s: float
    box: BBox


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody seen without a break: a track of a person with those of its face, or of a face alone."""

    span: TimeSpan
    first_frame: int
    seconds: float
    track_id: str
    person_id: str | None = None
    faces: tuple[FaceTrack, ...] = ()

    @property
    def place(self) -> Place | None:
        """The middle of the path of its longest track of a face; ``None`` where no face is."""
        paths = [path_of(face) for face in self.faces]
        longest = max(paths, key=len, default=())
        if not len(longest):
            return None
        frame, time_s, *corners = longest[len(longest) // 2]
        return Place(int(frame), float(time_s), BBox(*map(float, corners)))


def path_of(face: FaceTrack) -> Sequence[Sequence[float]]:
    """Frame index, seconds and corners, once a second."""
    found: Sequence[Sequence[float]] = face.attributes.get("path", ())
    return found


@dataclass(frozen=True)
class Member:
    """Whoever has a ``face_id`` in a video, or a ``person_id`` where no face was linked. ``vector``: (d,) of length 1,
    by ``model``."""

    video_id: str
    face_id: str | None
    stays: tuple[Stay, ...]
    vector: Floats | None = None
    model: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All that its runs call it."""
        persons = {seen.person_id for seen in self.stays if seen.person_id is not None}
        return frozenset(persons | ({self.face_id} if self.face_id else set()))

    @property
    def name(self) -> str:
        """Its face id, else its person id."""
        return self.face_id or next(iter(sorted(self.ids)))

    @cached_property
    def paths(self) -> tuple[Floats, ...]:
        """(k, 6) each: frame index, seconds and corners of a track of its face."""
        paths = [path_of(face) for seen in self.stays for face in seen.faces]
        return tuple(np.asarray(path, np.float64) for path in paths if len(path))


@dataclass(frozen=True)
class VideoPeople:
    """What is stored of one video. ``source``: digest of the runs that ``members`` come from. ``offset_s``: seconds
    that the video counts before the origin of stored times. ``known``: the identities of the last time."""

    video_id: str
    filename: str
    job_id: str
    source: str
    offset_s: float = 0.0
    members: tuple[Member, ...] = ()
    notes: tuple[PersonNote, ...] = ()
    known: tuple[Identity, ...] = ()

    def member_with(self, name: str | None) -> Member | None:
        """The one that its runs call ``name``."""
        return next((member for member in self.members if name in member.ids), None)

    def persons(self) -> dict[str, Member]:
        """Members by the tracks of their persons."""
        seen = ((one, member) for member in self.members for one in member.stays)
        return {one.track_id: member for one, member in seen if one.person_id is not None}


def members_of(video_id: str, rows: Iterable[Annotation], are_linked: bool) -> tuple[Member, ...]:
    """Members by first appearance, from rows of ``face_groups`` and of ``people``. ``are_linked``: whether the person
    ids of faces are those of the people; else faces and people are told apart."""
    rows = list(rows)
    faces = [row if are_linked else replace(row, person_id=None) for row in rows if isinstance(row, FaceTrack)]
    persons = [row for row in rows if isinstance(row, Person)]
    vectors = {row.track_id: row for row in rows if isinstance(row, Embedding) and row.of == "face"}
    made = [_with_face(video_id, face_id, faces, persons, vectors) for face_id in {face.face_id: 0 for face in faces}]
    linked = {face.person_id for face in faces}
    made += [Member(video_id, None, (_person(row, ()),)) for row in persons if row.person_id not in linked]
    return tuple(sorted(made, key=lambda member: (member.stays[0].span.start, member.name)))


def _with_face(
    video_id: str,
    face_id: str,
    faces: Iterable[FaceTrack],
    persons: Iterable[Person],
    vectors: dict[str | None, Embedding],
) -> Member:
    own = [face for face in faces if face.face_id == face_id]
    linked = {face.person_id for face in own if face.person_id is not None}
    there = [row for row in persons if row.person_id in linked]
    seen = [_person(row, tuple(face for face in own if face.person_id == row.person_id)) for row in there]
    shown = {row.person_id for row in there}
    seen += [_face(face) for face in own if face.person_id not in shown]
    seen.sort(key=lambda one: (one.span.start, one.track_id))
    model, vector = _mean([(vectors[face.track_id], face.boxes) for face in own if face.track_id in vectors])
    return Member(video_id, face_id, tuple(seen), vector, model)


def _person(row: Person, faces: tuple[FaceTrack, ...]) -> Stay:
    seconds = max(row.span.duration_s - row.gap_s, 0.0)
    return Stay(row.span, row.first_frame, seconds, str(row.track_id), row.person_id, faces)


def _face(row: FaceTrack) -> Stay:
    seconds = max(row.span.duration_s - row.gap_s, 0.0)
    return Stay(row.span, row.first_frame, seconds, str(row.track_id), None, (row,))


def _mean(found: list[tuple[Embedding, int]]) -> tuple[str | None, Floats | None]:
    """The mean of the vectors of the model that most are of, each weighted by its boxes."""
    counts = Counter(row.model for row, _ in found)
    if not counts:
        return None, None
    model = min(counts, key=lambda name: (-counts[name], name))
    total: Any = sum(row.values().astype(np.float64) * boxes for row, boxes in found if row.model == model)
    length = float(np.linalg.norm(total))
    return (model, total / length) if length else (None, None)
