"""Who and what is in a video and when, and what was said about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cortexia.report.series import Series, Span, runs_of
from cortexia.types import Caption, Classification, FaceTrack, Person, StoredRow, Track, TrackBox

Key = tuple[str, str]
"""Run and track id."""
_STEPS_BRIDGED = 1.5
_TRACK_ID = re.compile("t[0-9]+")


@dataclass(slots=True)
class TrackFacts:
    """``boxes``: when it has one; ``spans``: what rows of whole tracks say, for tracks whose boxes are not stored."""

    label: str | None
    boxes: Series = field(default_factory=Series)
    spans: list[Span] = field(default_factory=list)
    count: int = 0
    confidence: float | None = None


@dataclass(slots=True)
class Words:
    """A text about a moment. ``is_composed``: put together from other rows, not seen in the picture."""

    start: int
    end: int
    text: str
    is_composed: bool


@dataclass(slots=True)
class Tag:
    """``best``: the greatest confidence, where any has one."""

    rows: int = 0
    length: int = 0
    best: float | None = None


class Presence(NamedTuple):
    """Somebody or something over time. ``key``: its first track."""

    name: str
    label: str | None
    key: Key
    spans: list[Span]
    boxes: int
    confidence: float | None

    @property
    def length(self) -> int:
        return sum(span.end - span.start for span in self.spans)


class Seen:
    """``upstream``: of each run those that it was made from."""

    def __init__(self, upstream: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._upstream = upstream or {}
        self.tracks: dict[Key, TrackFacts] = {}
        self.people: dict[Key, str] = {}
        self._person_rows: dict[Key, TrackFacts] = {}
        self.face_tracks: dict[Key, TrackFacts] = {}
        self.faces: dict[Key, tuple[str, str | None]] = {}
        self.captions: list[Words] = []
        self.tags: dict[str, Tag] = {}

    def take(self, row: StoredRow) -> bool:
        """Whether ``row`` is told here."""
        said = row.annotation
        if isinstance(said, TrackBox):
            track = self._track(self.tracks, row)
            track.boxes.add(row.start_us, row.end_us)
            track.label = track.label or said.label
        elif isinstance(said, Track):
            _told(self._track(self.tracks, row), row, said)
        elif isinstance(said, Person):
            self._take_person(row, said)
        elif isinstance(said, FaceTrack):
            _told(self._track(self.face_tracks, row), row, said)
            for run_id in self._runs_behind(row.run_id):
                self.faces[run_id, said.track_id or ""] = (said.face_id, said.person_id)
        elif isinstance(said, Caption):
            is_composed = bool(said.attributes.get("composed")) or said.label == "composed"
            if said.bbox is None:
                self.captions.append(Words(row.start_us, row.end_us, said.text, is_composed))
        elif isinstance(said, Classification):
            self._take_tag(row, said)
        else:
            return False
        return True

    def _track(self, among: dict[Key, TrackFacts], row: StoredRow) -> TrackFacts:
        key = (row.run_id, row.annotation.track_id or "")
        if key not in among:
            among[key] = TrackFacts(row.annotation.label)
        return among[key]

    def _take_person(self, row: StoredRow, said: Person) -> None:
        for run_id in self._runs_behind(row.run_id):
            self.people[run_id, said.track_id or ""] = said.person_id
        _told(self._track(self._person_rows, row), row, said)

    def _runs_behind(self, run_id: str) -> tuple[str, ...]:
        """A run of people or faces, and those that it was made from: one of them has the boxes."""
        return run_id, *self._upstream.get(run_id, ())

    def _take_tag(self, row: StoredRow, said: Classification) -> None:
        tag = self.tags.setdefault(said.label or "", Tag())
        tag.rows += 1
        tag.length += row.end_us - row.start_us
        if said.confidence is not None:
            tag.best = max(said.confidence, tag.best or 0.0)

    def present(self) -> list[Presence]:
        """People, then tracks that are nobody's; of each the longest present first."""
        grouped: dict[str, list[tuple[Key, TrackFacts]]] = {}
        for key, track in (*self._people_without_tracks(), *self.tracks.items()):
            grouped.setdefault(self.people.get(key) or f"\0{key}", []).append((key, track))
        made = (_presence(self.name(own[0][0]), own) for own in grouped.values())
        return sorted(made, key=lambda one: (one.key not in self.people, -one.length, one.spans[0].start, one.name))

    def _people_without_tracks(self) -> Iterator[tuple[Key, TrackFacts]]:
        """Those whose tracks are not stored, or not shown. Tracks that say no confidence have that of their person."""
        for (run_id, track_id), person in self._person_rows.items():
            own = [self.tracks[run, track_id] for run in self._runs_behind(run_id) if (run, track_id) in self.tracks]
            if not own:
                yield (run_id, track_id), person
            for track in own:
                track.confidence = person.confidence if track.confidence is None else track.confidence

    def present_faces(self) -> list[tuple[Presence, str | None]]:
        """Faces with the person whose they are: the longest present first."""
        grouped: dict[str, list[Key]] = {}
        for key in self.face_tracks:
            grouped.setdefault(self.faces[key][0], []).append(key)
        made = []
        for face_id, keys in grouped.items():
            owner = next((self.faces[key][1] for key in keys if self.faces[key][1]), None)
            made.append((_presence(tail(face_id), [(key, self.face_tracks[key]) for key in keys]), owner))
        return sorted(made, key=lambda pair: (-pair[0].length, pair[0].spans[0].start, pair[0].name))

    def turns(self) -> dict[Key, int]:
        """Whose turn it is to take a colour: all tracks of a person, and all of a face, have one, in the order in which
        they begin."""
        tracks = {**self._person_rows, **self.face_tracks, **self.tracks}
        ordered = sorted(tracks, key=lambda key: (_begins(tracks[key]), _natural(key[1]), key))
        turns: dict[str, int] = {}
        for key in ordered:
            turns.setdefault(self._owner(key), len(turns))
        known = dict.fromkeys((*ordered, *self.people, *self.faces))
        return {key: turns[owner] for key in known if (owner := self._owner(key)) in turns}

    def _owner(self, key: Key) -> str:
        face_id, person_id = self.faces.get(key, ("", None))
        return self.people.get(key) or person_id or face_id or f"\0{key}"

    def name(self, key: Key) -> str:
        """Of a track: whose it is, else its label and its id."""
        whose = self.people.get(key) or self.faces.get(key, ("", None))[0]
        if whose:
            return tail(whose)
        track = self.tracks.get(key) or self.face_tracks.get(key)
        return f"{(track.label if track else None) or 'track'} #{tail(key[1])}"


def tail(name: str) -> str:
    """What an id says within a video: ``person 001`` for ``person_0123456789ab_001``, ``7`` for the track ``t0007``."""
    if _TRACK_ID.fullmatch(name):
        return str(int(name[1:]))
    kind, _, rest = name.partition("_")
    number = rest.rpartition("_")[2]
    return f"{kind} {number}" if kind and number and rest else name


def _begins(track: TrackFacts) -> int:
    return min([*track.boxes.starts[:1], *(span.start for span in track.spans)], default=0)


def _natural(name: str) -> tuple[int, str]:
    """``9`` before ``10``."""
    return len(name), name


def _told(track: TrackFacts, row: StoredRow, said: Track | Person | FaceTrack) -> None:
    track.label = said.label or track.label
    track.spans.append(Span(row.start_us, row.end_us))
    track.count, track.confidence = said.boxes, said.confidence


def _presence(name: str, own: list[tuple[Key, TrackFacts]]) -> Presence:
    together = Series()
    spans = sorted(span for _, track in own for span in _spans(track))
    for span in spans:
        together.add(span.start, span.end)
    known = [track.confidence for _, track in own if track.confidence is not None]
    mean = sum(known) / len(known) if known else None
    boxes = sum(len(track.boxes) or track.count for _, track in own)
    return Presence(name, own[0][1].label, own[0][0], list(runs_of(together, 0)), boxes, mean)


def _spans(track: TrackFacts) -> Iterator[Span]:
    """Stretches with boxes, which follow each other by one and a half of their usual steps at most; of tracks without
    stored boxes from the first to the last."""
    boxes = track.boxes
    if not len(boxes):
        yield from track.spans
        return
    bridged = boxes.step * _STEPS_BRIDGED
    start, last, end = boxes.starts[0], boxes.starts[0], boxes.ends[0]
    for first, until in zip(boxes.starts, boxes.ends, strict=True):
        if first > max(end, last + bridged):
            yield Span(start, end)
            start = first
        last, end = first, max(end, until)
    yield Span(start, end)
