"""Who has a box in a frame: places that people pointed at are found again, whatever the runs call them now."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cortexia.people.members import Floats, Member, Place, VideoPeople
from cortexia.stores.base import StorageBackend
from cortexia.types import BBox, Query, TrackBox

NEAR_S = 1.0
"""A track that has no box at the very time is asked for one so much earlier or later."""
_OVERLAP = 0.3
"""Intersection over union from which on two boxes are of the same thing."""
_INSIDE = 0.7
"""The share of a smaller box inside a larger one from which on it belongs to it."""


class Finder:
    """Finds members by place. Boxes of people are read where no face fits, a second or two of them."""

    def __init__(self, store: StorageBackend) -> None:
        self._store = store

    def member_at(self, video: VideoPeople, place: Place) -> Member | None:
        """The member whose face is there; else the one whose body is, or is around it; ``None`` where nobody fits."""
        faces = [(box.overlap(place.box), member) for member, box in _faces_at(video, place.time_s)]
        found = _best(faces, _OVERLAP)
        if found is not None:
            return found
        bodies = self._bodies_at(video, place.time_s)
        return (
            _best([(box.overlap(place.box), member) for member, box in bodies], _OVERLAP)
            or _best([(place.box.share_in(box), member) for member, box in bodies], _INSIDE)
            or _best([(box.share_in(place.box), member) for member, box in _faces_at(video, place.time_s)], _INSIDE)
        )

    def place_of(self, video: VideoPeople, member: Member) -> Place | None:
        """Where ``member`` can be found again: in the middle of its longest stay."""
        for seen in sorted(member.stays, key=lambda one: (-one.seconds, one.track_id)):
            if seen.place is not None:
                return seen.place
            middle = (seen.span.start.seconds + seen.span.end.seconds) / 2
            for around in (middle, seen.span.start.seconds):
                rows = [row for row in self._boxes(video, around) if row.track_id == seen.track_id]
                if rows:
                    row = min(rows, key=lambda row: (abs(row.span.start.seconds - around), row.frame))
                    return Place(row.frame, round(row.span.start.seconds, 6), row.box)
        return None

    def _bodies_at(self, video: VideoPeople, time_s: float) -> list[tuple[Member, BBox]]:
        members = video.persons()
        nearest: dict[str, TrackBox] = {}
        for row in self._boxes(video, time_s) if members else ():
            held = nearest.get(str(row.track_id))
            if held is None or _distance(row, time_s) < _distance(held, time_s):
                nearest[str(row.track_id)] = row
        return [(members[track], row.box) for track, row in nearest.items() if track in members]

    def _boxes(self, video: VideoPeople, time_s: float) -> Iterable[TrackBox]:
        at = time_s - video.offset_s
        query = Query(
            types=("track_box",), video_ids=(video.video_id,), start_s=max(at - NEAR_S, 0.0), end_s=at + NEAR_S
        )
        return (row.annotation for row in self._store.find(query) if isinstance(row.annotation, TrackBox))


def _distance(row: TrackBox, time_s: float) -> float:
    return abs(row.span.start.seconds - time_s)


def _faces_at(video: VideoPeople, time_s: float) -> list[tuple[Member, BBox]]:
    found = ((member, box_at(path, time_s)) for member in video.members for path in member.paths)
    return [(member, box) for member, box in found if box is not None]


def box_at(path: Floats, time_s: float) -> BBox | None:
    """Where a track (k, 6) is at ``time_s``: between two boxes near each other on the way from one to the other, else
    at the nearest one; ``None`` where that is further than ``NEAR_S``."""
    times = path[:, 1]
    after = int(np.searchsorted(times, time_s))
    if 0 < after < len(times) and times[after] - times[after - 1] <= 2 * NEAR_S:
        share = (time_s - times[after - 1]) / (times[after] - times[after - 1])
        return BBox(*map(float, path[after - 1, 2:] + share * (path[after, 2:] - path[after - 1, 2:])))
    near = min((at for at in (after - 1, after) if 0 <= at < len(times)), key=lambda at: abs(times[at] - time_s))
    return BBox(*map(float, path[near, 2:])) if abs(times[near] - time_s) <= NEAR_S else None


def _best(candidates: list[tuple[float, Member]], least: float) -> Member | None:
    score, member = max(candidates, key=lambda item: item[0], default=(0.0, None))
    return member if score >= least else None
