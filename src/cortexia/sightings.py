"""What stands in a frame, thing by thing: rows of several annotators that speak of the same thing are put together.

A box of a track is the detection whose label and box it repeats. A mask and a pose belong to the thing of their track;
without one, to the thing of a like label that their box overlaps most, from half on. What belongs to nothing is a thing
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from cortexia.types import Appearance, BBox, Face, Mask, Pose, Region, StoredRow, TrackBox

BOXES = ("detection", "track_box")
REGIONS = (*BOXES, "mask", "pose", "face")
APPEARANCES = ("track", "person", "face_track")
LEAST_OVERLAP = 0.5
_CERTAIN = 2.0
_UNSAID = {"face": "face", "pose": "person"}
"""The label of a row that has none, by its type."""


@dataclass(slots=True)
class Sighting:
    """One thing in one frame: the row that stands for it, and what other rows of that frame say of it."""

    row: StoredRow
    region: Region
    track: StoredRow | None = None
    mask: Mask | None = None
    pose: Pose | None = None

    @property
    def box(self) -> BBox:
        return self.region.box

    @property
    def label(self) -> str | None:
        return self.region.label or _UNSAID.get(self.region.type)

    @property
    def tracked(self) -> StoredRow | None:
        """The row that says to which track it belongs."""
        return self.track or (self.row if self.region.track_id is not None else None)

    @property
    def track_id(self) -> str | None:
        return self.tracked.annotation.track_id if self.tracked else None


@dataclass(slots=True)
class Moment:
    """A frame with something in it. ``start_us``: its time from the video's origin in microseconds."""

    video_id: str
    frame_index: int
    start_us: int
    sightings: list[Sighting] = field(default_factory=list)


def moments(
    rows: Iterator[StoredRow], on_appearance: Callable[[StoredRow], None] = lambda row: None
) -> Iterator[Moment]:
    """Frames in order of video and time, of ``rows`` in that order. ``on_appearance`` is told of rows of whole tracks,
    people and faces before the frame in which they begin."""
    for (video_id, start_us), together in groupby(rows, key=lambda row: (row.video_id, row.start_us)):
        frames: dict[int, list[tuple[StoredRow, Region]]] = {}
        for row in together:
            if isinstance(row.annotation, Appearance):
                on_appearance(row)
            elif isinstance(row.annotation, Region):
                frames.setdefault(row.annotation.frame, []).append((row, row.annotation))
        for index in sorted(frames):
            yield Moment(video_id, index, start_us, put_together(frames[index]))


def put_together(rows: list[tuple[StoredRow, Region]]) -> list[Sighting]:
    """The things of one frame: detections first, then what is left of track boxes, masks and poses; faces are things of
    their own."""
    found = [Sighting(row, region) for row, region in rows if not isinstance(region, TrackBox | Mask | Pose | Face)]
    for row, region in rows:
        if isinstance(region, TrackBox):
            _add_track(found, row, region)
    _join(found, [(row, region) for row, region in rows if isinstance(region, Mask)])
    _join(found, [(row, region) for row, region in rows if isinstance(region, Pose)])
    return found + [Sighting(row, region) for row, region in rows if isinstance(region, Face)]


def _add_track(found: list[Sighting], row: StoredRow, region: TrackBox) -> None:
    for sighting in found:
        own = sighting.region
        if sighting.track is None and own.type == "detection" and (own.label, own.bbox) == (region.label, region.bbox):
            sighting.track = row
            return
    found.append(Sighting(row, region, track=row))


def _join(found: list[Sighting], rows: list[tuple[StoredRow, Region]]) -> None:
    """The best pairs first, each row and each thing once; of equals the first."""
    pairs = [
        (-score, number, place)
        for number, (_, region) in enumerate(rows)
        for place, sighting in enumerate(found)
        if (score := _likeness(sighting, region)) >= LEAST_OVERLAP
    ]
    taken: set[int] = set()
    joined: set[int] = set()
    for _, number, place in sorted(pairs):
        if number not in joined and place not in taken:
            joined.add(number)
            taken.add(place)
            _attach(found[place], rows[number][1])
    for number, (row, region) in enumerate(rows):
        if number not in joined:
            found.append(Sighting(row, region))
            _attach(found[-1], region)


def _attach(sighting: Sighting, region: Region) -> None:
    if isinstance(region, Mask):
        sighting.mask = region
    elif isinstance(region, Pose):
        sighting.pose = region


def _likeness(sighting: Sighting, region: Region) -> float:
    """Above 1 for the same track, 0 for another track or label, else intersection over union of the boxes."""
    if sighting.track_id is not None and region.track_id is not None:
        return _CERTAIN if sighting.track_id == region.track_id else 0.0
    labels = {sighting.label, region.label or _UNSAID.get(region.type)} - {None}
    return sighting.box.overlap(region.box) if len(labels) < 2 else 0.0
