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
_Kind = tuple[str, str, int]
"""The run that made the track (nothing outside of tracks), the label, and the form: 0 for boxes, 1 for masks."""


@dataclass(frozen=True)
class CvatExporter:
    """A file for each video with boxes. Every stored box is a keyframe with exact corners; a thing that is in no track
    is a track of one box. A mask is a second track, in one group with the first.

    Between two shapes of a track CVAT interpolates, where they lie at most one and a half times the usual distance
    between frames with such shapes apart; after longer gaps, and after the last one, it is ``outside``. ``masks``:
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
        found = moments(source.rows_of_things(*APPEARANCES, *BOXES, "mask", "face"), tracks.meet)
        for video_id, own in groupby(found, key=lambda moment: moment.video_id):
            video = source.video(video_id)
            with out.file(f"{names.of(video)}.xml") as file, SortedSpool() as spool:
                things = _Things(tracks, spool, self.masks)
                count += things.take(own)
                file.writelines(piece.encode() for piece in document(things.task(video), things.placed()))
            tracks.forget(video_id)
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
        self._kinds: dict[_Kind, _Steps] = {}

    def take(self, found: Iterable[Moment]) -> int:
        """Returns how many sightings there were."""
        count = 0
        for moment in found:
            self._last = moment.frame_index
            for sighting in moment.sightings:
                self._place(moment.frame_index, sighting)
                count += 1
        return count

    def task(self, video: VideoFacts) -> Task:
        return Task(video, tuple(self._labels), self._last)

    def placed(self) -> Iterator[Placed]:
        bridged = {(run_id, label, form): steps.bridged() for (run_id, label, form), steps in self._kinds.items()}
        for line in self._spool:
            thing, form, frame, label, run_id, tag, sides, told = json.loads(line)
            yield Placed(thing, form, frame, label, bridged[run_id, label, form], tag, dict(sides), dict(told))

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
        run_id = track.run_id if track else ""
        told = [(name, value) for name, value in said.items() if value is not None]
        shapes = [box_shape(sighting.box)]
        if sighting.mask is not None and self._masks != NONE:
            shapes.append(mask_shape(sighting.mask) if self._masks == MASK else polygon_shape(sighting.mask))
        for form, (tag, sides) in enumerate(shapes):
            # pairs, because readers of XML expect attributes in their usual order
            self._kinds.setdefault((run_id, label, form), _Steps()).look(frame)
            line = canonical_json([thing, form, frame, label, run_id, tag, list(sides.items()), told])
            self._spool.add((thing, form, frame), line.encode())

    def _number(self, sighting: Sighting) -> int:
        """Of the thing, from 1: all boxes of a track are one."""
        track = self._tracks.of(sighting)
        if track is None or track.number not in self._numbers:
            self._count += 1
        return self._count if track is None else self._numbers.setdefault(track.number, self._count)


class _Steps:
    """From frame to frame with shapes of one kind: annotators look at rates of their own."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._counts: Counter[int] = Counter()

    def look(self, frame: int) -> None:
        if self._last is not None and frame > self._last:
            self._counts[frame - self._last] += 1
        self._last = frame

    def bridged(self) -> int:
        """Frames by which two shapes of a track may lie apart: one and a half times the lower median of the steps."""
        left = self._counts.total() / 2
        for step, amount in sorted(self._counts.items()):
            left -= amount
            if left <= 0:
                return int(step * _STEPS_BRIDGED)
        return 1
