"""Whose face it is: tracks of faces beside tracks of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from cortexia.annotators._face_tracks import Followed
from cortexia.types import BBox, Face, TrackBox

_NEAR_S = 0.5
"""Boxes of people that were looked for so much earlier or later than a face say nothing about it."""


class _Beside(NamedTuple):
    time_s: float
    people: tuple[tuple[str, BBox], ...]


def held_share(face: BBox, person: BBox, upper: float) -> float:
    """The share of the face's area inside the upper part of the person's box."""
    bottom = person.y1 + upper * person.height
    width = min(face.x2, person.x2) - max(face.x1, person.x1)
    height = min(face.y2, bottom) - max(face.y1, person.y1)
    area = face.width * face.height
    return max(width, 0.0) * max(height, 0.0) / area if area else 0.0


class Linker:
    """Links tracks of faces to people.

    ``upper``: the part of a person's box, from its top, where a face may be. ``held``: the share of a face's area that
    must lie in there. ``majority``: the share of a track's faces that a person must hold.
    """

    def __init__(self, upper: float, held: float, majority: float) -> None:
        self._upper, self._held, self._majority = upper, held, majority

    def link(self, tracks: Sequence[Followed], boxes: Iterable[TrackBox], people: Mapping[str, str]) -> dict[int, str]:
        """Person ids by index of the track. ``boxes``: in order of time; ``people``: person ids by track id.

        A track that two people hold is nobody's. Of several that are seen at once with one person, it is the one that
        most faces speak for.
        """
        faces = sorted(
            ((face.span.start.seconds, at, face) for at, track in enumerate(tracks) for face in track.faces),
            key=lambda item: item[:2],
        )
        votes: list[Counter[str]] = [Counter() for _ in tracks]
        for (_, at, face), beside in _side_by_side(faces, _people(boxes, people)):
            votes[at].update({who for who, box in beside if held_share(face.box, box, self._upper) >= self._held})
        chosen = {at: who for at, count in enumerate(votes) if (who := self._holder(count, len(tracks[at].faces)))}
        return _one_at_a_time(chosen, tracks, votes)

    def _holder(self, votes: Counter[str], faces: int) -> str | None:
        able = [who for who, count in votes.items() if count >= self._majority * faces]
        return able[0] if len(able) == 1 else None


def _people(boxes: Iterable[TrackBox], people: Mapping[str, str]) -> Iterator[_Beside]:
    """The people of each frame in which any were looked for."""
    for _, group in groupby(boxes, key=lambda box: box.frame):
        shown = list(group)
        known = tuple((people[str(box.track_id)], box.box) for box in shown if box.track_id in people)
        yield _Beside(shown[0].span.start.seconds, known)


def _side_by_side(
    faces: Iterable[tuple[float, int, Face]], frames: Iterator[_Beside]
) -> Iterator[tuple[tuple[float, int, Face], tuple[tuple[str, BBox], ...]]]:
    """Each face with the people of the nearest frame, of two the earlier. Both come in order of time."""
    before: _Beside | None = None
    after = next(frames, None)
    for item in faces:
        while after is not None and after.time_s <= item[0]:
            before, after = after, next(frames, None)
        near = [frame for frame in (before, after) if frame is not None and abs(frame.time_s - item[0]) <= _NEAR_S]
        if near:
            yield item, min(near, key=lambda frame: abs(frame.time_s - item[0])).people


def _one_at_a_time(
    chosen: Mapping[int, str], tracks: Sequence[Followed], votes: Sequence[Counter[str]]
) -> dict[int, str]:
    """Without links of tracks that overlap another of the same person that more faces speak for."""
    kept: dict[int, str] = {}
    for at in sorted(chosen, key=lambda at: (-votes[at][chosen[at]], at)):
        own = [other for other, who in kept.items() if who == chosen[at]]
        if not any(tracks[at].span.overlaps(tracks[other].span) for other in own):
            kept[at] = chosen[at]
    return kept
