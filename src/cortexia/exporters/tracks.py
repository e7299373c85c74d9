"""Tracks with the dense numbers that formats want instead of our ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cortexia.exporters.base import ExportSource
from cortexia.sightings import Sighting
from cortexia.types import Appearance, FaceTrack, Person, StoredRow, Track


@dataclass(slots=True)
class TrackNumber:
    """``number`` counts from 1 over the whole export, ``place`` within the video, both as the boxes come. ``label``:
    what the row of the track says; where there is none, what its first box says."""

    number: int
    place: int
    video_id: str
    run_id: str
    annotator: str
    track_id: str
    label: str | None
    person_id: str | None = None
    face_id: str | None = None


_Key = tuple[str, str, str]
"""Video, run and track id: a track id is unique in a video and a run."""


class Tracks:
    """Every track that has a box in the export. Memory grows with their number, not with the boxes; formats that number
    within a video ``forget`` those of the last one."""

    def __init__(self, source: ExportSource) -> None:
        self._source = source
        self._numbers: dict[_Key, TrackNumber] = {}
        self._labels: dict[_Key, str] = {}
        self._people: dict[_Key, str] = {}
        self._faces: dict[_Key, str] = {}
        self._upstream: dict[str, tuple[str, ...]] = {}
        self._video_id: str | None = None
        self._in_video = 0
        self._count = 0

    def meet(self, row: StoredRow) -> None:
        """Learn what a row about a whole track says."""
        said = row.annotation
        if not isinstance(said, Appearance) or said.track_id is None:
            return
        own = (row.video_id, row.run_id, said.track_id)
        if isinstance(said, Track) and said.label is not None:
            self._labels[own] = said.label
        elif isinstance(said, Person):
            for run_id in self._runs_behind(row):
                self._people[row.video_id, run_id, said.track_id] = said.person_id
        elif isinstance(said, FaceTrack):
            for run_id in self._runs_behind(row):
                self._faces[row.video_id, run_id, said.track_id] = said.face_id
                if said.person_id is not None:
                    self._people[row.video_id, run_id, said.track_id] = said.person_id

    def _runs_behind(self, row: StoredRow) -> tuple[str, ...]:
        """The run of a person or a face, and those that it was made from: one of them has the boxes."""
        if row.run_id not in self._upstream:
            self._upstream = {run.run_id: run.spec.upstream_ids for run in self._source.runs(row.video_id)}
        return row.run_id, *self._upstream.setdefault(row.run_id, ())

    def of(self, sighting: Sighting) -> TrackNumber | None:
        """The track of a sighting, numbered when it is first seen; ``None`` for one without."""
        row = sighting.tracked
        if row is None or row.annotation.track_id is None:
            return None
        if row.video_id != self._video_id:
            self._video_id, self._in_video = row.video_id, 0
        key = (row.video_id, row.run_id, row.annotation.track_id)
        if key not in self._numbers:
            self._in_video += 1
            self._count += 1
            label = self._labels.get(key, sighting.label)
            self._numbers[key] = TrackNumber(
                self._count, self._in_video, row.video_id, row.run_id, row.annotator, key[2], label
            )
        return self._numbers[key]

    def forget(self, video_id: str) -> None:
        """Drop what is known of a finished video. What was met of the next one stays."""
        for known in (self._numbers, self._labels, self._people, self._faces):
            for key in [key for key in known if key[0] == video_id]:
                del known[key]

    def person_of(self, track: TrackNumber) -> str | None:
        """Whose track it is, as far as rows have told by now."""
        return self._people.get((track.video_id, track.run_id, track.track_id))

    def all(self) -> Iterator[TrackNumber]:
        """In the order of their numbers, with who they are; without those that were forgotten."""
        for key, track in self._numbers.items():
            track.person_id = self.person_of(track)
            track.face_id = self._faces.get(key)
            yield track
