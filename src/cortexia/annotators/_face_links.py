"""Whose face it is: tracks of faces beside tracks of people."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from cortexia.annotators._face_sums import Kept
from cortexia.annotators._face_tracks import Followed
from cortexia.types import BBox, TimeSpan, Timestamp, TrackBox

_NEAR_S = 0.5
"""Boxes of people that were looked for so much earlier or later than a face say nothing about it."""


class _Beside(NamedTuple):
    time_s: float
    people: tuple[tuple[str, BBox], ...]


def held_share(face: BBox, person: BBox, upper: float) -> float:
    """The share of the face's area inside the upper part of the person's box."""
    return face.share_in(BBox(person.x1, person.y1, person.x2, person.y1 + upper * person.height))


class Votes:
    """Counts which people hold the faces of a track.

    ``upper``: the part of a person's box, from its top, where a face may be. ``held``: the share of a face's area that
    must lie in there. ``boxes``: of people, in order of time; ``people``: person ids by track id.
    """

    def __init__(self, upper: float, held: float, boxes: Iterable[TrackBox], people: Mapping[str, str]) -> None:
        self._upper, self._held = upper, held
        self._frames = _people(boxes, people)
        self._before: _Beside | None = None
        self._after = next(self._frames, None)

    def over(self, tracks: Sequence[Followed]) -> list[Counter[str]]:
        """For each track, how many of its faces each person holds. Tracks of a later call begin after those of an
        earlier one have ended."""
        faces = sorted(
            ((face.span.start.seconds, at, face) for at, track in enumerate(tracks) for face in track.faces),
            key=lambda item: item[:2],
        )
        votes: list[Counter[str]] = [Counter() for _ in tracks]
        for time_s, at, face in faces:
            beside = self._people_at(time_s)
            votes[at].update({who for who, box in beside if held_share(face.box, box, self._upper) >= self._held})
        return votes

    def _people_at(self, time_s: float) -> tuple[tuple[str, BBox], ...]:
        """Those of the nearest frame, of two the earlier; asked in order of time."""
        while self._after is not None and self._after.time_s <= time_s:
            self._before, self._after = self._after, next(self._frames, None)
        near = [
            frame
            for frame in (self._before, self._after)
            if frame is not None and abs(frame.time_s - time_s) <= _NEAR_S
        ]
        return min(near, key=lambda frame: abs(frame.time_s - time_s)).people if near else ()


def _people(boxes: Iterable[TrackBox], people: Mapping[str, str]) -> Iterator[_Beside]:
    """The people of each frame in which any were looked for."""
    for _, group in groupby(boxes, key=lambda box: box.frame):
        shown = list(group)
        known = tuple((people[str(box.track_id)], box.box) for box in shown if box.track_id in people)
        yield _Beside(shown[0].span.start.seconds, known)


def linked(tracks: Sequence[Kept], majority: float) -> dict[int, str]:
    """Person ids by index of the track. ``majority``: the share of a track's faces that a person must hold.

    A track that two people hold is nobody's. Of several that are seen at once with one person, it is the one that
    most faces speak for.
    """
    tracks_of: dict[str, list[int]] = {}
    for at, track in enumerate(tracks):
        able = [who for who, count in track.votes.items() if count >= majority * track.boxes]
        if len(able) == 1:
            tracks_of.setdefault(able[0], []).append(at)
    return {at: who for who, own in tracks_of.items() for at in _one_at_a_time(tracks, own, who)}


def _one_at_a_time(tracks: Sequence[Kept], own: Iterable[int], who: str) -> Iterator[int]:
    """Those of ``own`` that overlap no other for which more faces speak."""
    taken: list[TimeSpan] = []
    for at in sorted(own, key=lambda at: (-tracks[at].votes[who], at)):
        span = tracks[at].span
        place = bisect_left(taken, _begin(span), key=_begin)
        # those before and after do not overlap each other, so no other can be in the way
        if not any(span.overlaps(other) for other in taken[max(place - 1, 0) : place + 1]):
            taken.insert(place, span)
            yield at


def _begin(span: TimeSpan) -> tuple[Timestamp, Timestamp]:
    return span.start, span.end
