"""CVAT for video 1.1: an XML file for each video, with a track for each thing.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/. Frames count from 0.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportFolder, ExportSource, VideoFacts
from cortexia.exporters.coco_categories import UNLABELLED
from cortexia.exporters.cvat_shapes import box_shape, mask_shape, polygon_shape
from cortexia.exporters.cvat_xml import Placed, Task, document
from cortexia.exporters.sequences import SequenceNames
from cortexia.exporters.sorted_spool import SortedSpool
from cortexia.exporters.tracks import Tracks
from cortexia.sightings import APPEARANCES, BOXES, Moment, Sighting, moments
from cortexia.types import canonical_json

POLYGON, MASK, NONE = "polygon", "mask", "none"
_STEPS_BRIDGED = 1.5


@dataclass(frozen=True)
class CvatExporter:
    """A file for each video with boxes. Every stored box is a keyframe with exact corners; a thing that is in no track
    is a track of one box. A mask is a second track, in one group with the first.

    Between two boxes of a track CVAT interpolates, where they lie at most one and a half times the usual distance
    between frames with boxes apart; after longer gaps, and after the last box, a box is marked ``outside``. ``masks``:
    ``polygon`` (of the largest part), ``mask`` (run lengths, which not every reader of the format knows) or ``none``.
    """

    name: ClassVar[str] = "cvat"
    suffix: ClassVar[str] = ""
    media_type: ClassVar[str] = "application/xml"
    target: ClassVar[Literal["folder"]] = "folder"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than detections, boxes of tracks, masks and faces",
        "times other than by frames",
        "holes and smaller parts of masks (with masks=mask they are there)",
        "control characters (they are spelled out)",
        "the pictures themselves",
    )

    masks: str = POLYGON

    def __post_init__(self) -> None:
        if self.masks not in (POLYGON, MASK, NONE):
            raise ConfigurationError(f"masks must be {POLYGON}, {MASK} or {NONE}, got {self.masks!r}")

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names, tracks = 0, SequenceNames(), Tracks(source)
        found = moments(source.rows(*APPEARANCES, *BOXES, "mask", "face"), tracks.meet)
        for video_id, own in groupby(found, key=lambda moment: moment.video_id):
            video = source.video(video_id)
            with out.file(f"{names.of(video)}.xml") as file, SortedSpool() as spool:
                things = _Things(tracks, spool, self.masks)
                count += things.take(own)
                file.writelines(piece.encode() for piece in document(things.task(video), things.placed()))
        return count


class _Things:
    """The things of one video, given in order of time and told thing by thing."""

    def __init__(self, tracks: Tracks, spool: SortedSpool, masks: str) -> None:
        self._tracks = tracks
        self._spool = spool
        self._masks = masks
        self._labels: dict[str, None] = {}
        self._numbers: dict[int, int] = {}
        self._count = 0
        self._last = 0
        self._steps: Counter[int] = Counter()

    def take(self, found: Iterable[Moment]) -> int:
        """Returns how many sightings there were."""
        count = 0
        for moment in found:
            if moment.frame_index > self._last and count:
                self._steps[moment.frame_index - self._last] += 1
            self._last = moment.frame_index
            for sighting in moment.sightings:
                self._place(moment.frame_index, sighting)
                count += 1
        return count

    def task(self, video: VideoFacts) -> Task:
        return Task(video, tuple(self._labels), self._last, int(_median(self._steps) * _STEPS_BRIDGED))

    def placed(self) -> Iterator[Placed]:
        for line in self._spool:
            thing, form, frame, label, tag, sides, told = json.loads(line)
            yield Placed(thing, form, frame, label, tag, dict(sides), dict(told))

    def _place(self, frame: int, sighting: Sighting) -> None:
        """The box, and behind it the mask."""
        thing = self._number(sighting)
        track = self._tracks.of(sighting)
        label = (track.label if track else sighting.label) or UNLABELLED
        self._labels.setdefault(label)
        said = {
            "confidence": sighting.region.confidence,
            "track": sighting.track_id,
            "person_id": self._tracks.person_of(track) if track else None,
            "annotation_id": sighting.row.annotation_id,
        }
        told = [(name, value) for name, value in said.items() if value is not None]
        shapes = [box_shape(sighting.box)]
        if sighting.mask is not None and self._masks != NONE:
            shapes.append(mask_shape(sighting.mask) if self._masks == MASK else polygon_shape(sighting.mask))
        for form, (tag, sides) in enumerate(shapes):
            # pairs, because readers of XML expect attributes in their usual order
            line = canonical_json([thing, form, frame, label, tag, list(sides.items()), told])
            self._spool.add((thing, form, frame), line.encode())

    def _number(self, sighting: Sighting) -> int:
        """Of the thing, from 1: all boxes of a track are one."""
        track = self._tracks.of(sighting)
        if track is None or track.number not in self._numbers:
            self._count += 1
        return self._count if track is None else self._numbers.setdefault(track.number, self._count)


def _median(counts: Counter[int]) -> int:
    """The lower median of what was counted; 1 where nothing was."""
    left = counts.total() / 2
    for value, amount in sorted(counts.items()):
        left -= amount
        if left <= 0:
            return value
    return 1
