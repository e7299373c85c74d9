"""MOTChallenge: a folder for each video, with the boxes of tracks and of detections as lines of numbers.

Format: https://motchallenge.net, as MOT16 and MOT20 have it (Milan et al., "MOT16: A Benchmark for Multi-Object
Tracking", 2016, section 3). Frames, ids and the corner pixel count from 1.
"""

from __future__ import annotations

import configparser
import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import groupby
from typing import IO, Any, ClassVar, Literal

from cortexia.exporters.base import ExportFolder, ExportSource, VideoFacts
from cortexia.exporters.coco_categories import UNLABELLED
from cortexia.exporters.sequences import SequenceNames, frame_count, picture_stream
from cortexia.exporters.tracks import Tracks
from cortexia.sightings import APPEARANCES, BOXES, Moment, Sighting, moments
from cortexia.types import BBox, canonical_json

OFFICIAL = (
    *("pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person"),
    *("distractor", "occluder", "occluder on the ground", "occluder full", "reflection", "crowd"),
)
"""The classes of MOT16, numbered from 1."""
_ALIKE = {"person": "pedestrian", "motorcycle": "motorbike"}


class Classes:
    """Numbers of labels: those of MOT16 where it has the label, from 14 on for others, in the order in which they are
    met."""

    def __init__(self) -> None:
        self._numbers = {name: number for number, name in enumerate(OFFICIAL, 1)}

    def of(self, label: str | None) -> int:
        name = UNLABELLED if label is None else _ALIKE.get(label, label)
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def names(self) -> list[str]:
        """In the order of their numbers; ends of lines are spelled out."""
        return ["".join(map(_visible, name)) for name in self._numbers]

    def numbers(self) -> dict[str, int]:
        return dict(self._numbers)


def _visible(sign: str) -> str:
    return sign if sign.isprintable() or sign == " " else f"\\u{ord(sign):04x}"


class MotExporter:
    """Each video with boxes is a sequence: ``det/det.txt`` has every box, ``gt/gt.txt`` the boxes of tracks (only where
    there are any), ``gt/labels.txt`` the names of the classes, ``seqinfo.ini`` rate and size.

    Lines are ``frame,id,left,top,width,height`` in pixels to the thousandth; then, in ``gt.txt``, ``1,class,1`` (taken
    into account, class, visibility) and in ``det.txt``, where all ids are -1, ``confidence,class,-1,-1``. A confidence
    that is not known is 1. ``tracks.json`` tells which track of which run has which id, and the labels of the classes.
    """

    name: ClassVar[str] = "mot"
    suffix: ClassVar[str] = ""
    media_type: ClassVar[str] = "text/csv"
    target: ClassVar[Literal["folder"]] = "folder"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than detections and boxes of tracks",
        "times other than by frames and an average rate",
        "confidences of boxes in gt.txt (det.txt has them)",
        "visibility (it is always 1)",
        "less than a thousandth of a pixel",
        "the pictures themselves",
    )

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names, classes, tracks = 0, SequenceNames(), Classes(), Tracks(source)
        found = moments(source.rows_of_things(*APPEARANCES, *BOXES), tracks.meet)
        for video_id, own in groupby(found, key=lambda moment: moment.video_id):
            video = source.video(video_id)
            count += _Sequence(video, names.of(video), classes, tracks, out).write(own)
            tracks.forget(video_id)
        return count


class _Sequence:
    """The files of one video, which are replaced together once all of them are complete."""

    def __init__(self, video: VideoFacts, name: str, classes: Classes, tracks: Tracks, out: ExportFolder) -> None:
        self._video = video
        self._name = name
        self._classes = classes
        self._tracks = tracks
        self._out = out

    def write(self, found: Iterable[Moment]) -> int:
        count = last = 0
        with ExitStack() as stack:
            detected = stack.enter_context(self._file("det/det.txt"))
            truth: IO[bytes] | None = None
            for moment in found:
                last = moment.frame_index
                for sighting in moment.sightings:
                    detected.write(self._detected(moment, sighting))
                    count += 1
                    line = self._tracked(moment, sighting)
                    if line is not None:
                        truth = truth or stack.enter_context(self._file("gt/gt.txt"))
                        truth.write(line)
            if truth is not None:
                stack.enter_context(self._file("gt/labels.txt")).writelines(self._labels())
            stack.enter_context(self._file("seqinfo.ini")).write(_sequence_info(self._video, self._name, last))
            stack.enter_context(self._file("tracks.json")).write(self._sidecar())
        if truth is None:
            # what an earlier export knew of tracks would be taken for the truth of these boxes
            for stale in ("gt/gt.txt", "gt/labels.txt"):
                self._out.discard(f"{self._name}/{stale}")
        return count

    def _file(self, name: str) -> Any:
        return self._out.file(f"{self._name}/{name}")

    def _detected(self, moment: Moment, sighting: Sighting) -> bytes:
        confidence = 1.0 if sighting.region.confidence is None else sighting.region.confidence
        number = self._classes.of(sighting.label)
        return f"{moment.frame_index + 1},-1,{_sides(sighting.box)},{confidence:.6g},{number},-1,-1\n".encode()

    def _tracked(self, moment: Moment, sighting: Sighting) -> bytes | None:
        track = self._tracks.of(sighting)
        if track is None:
            return None
        number = self._classes.of(track.label)
        return f"{moment.frame_index + 1},{track.place},{_sides(sighting.box)},1,{number},1\n".encode()

    def _labels(self) -> Iterator[bytes]:
        return (f"{name}\n".encode() for name in self._classes.names())

    def _sidecar(self) -> bytes:
        video_id = self._video.identity.video_id
        tracks = {
            str(track.place): {name: value for name, value in asdict(track).items() if name not in ("number", "place")}
            for track in self._tracks.all()
        }
        facts = {"video_id": video_id, "uri": self._video.identity.uri}
        return canonical_json({**facts, "classes": self._classes.numbers(), "tracks": tracks}).encode() + b"\n"


def _sides(box: BBox) -> str:
    """Left and top, where the corner pixel is 1, width and height."""
    left, top, width, height = box.xywh
    return ",".join(_number(value) for value in (left + 1, top + 1, width, height))


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _sequence_info(video: VideoFacts, name: str, last_index: int) -> bytes:
    stream = picture_stream(video)
    told = configparser.RawConfigParser()
    # names are written as given, not in small letters
    told.optionxform = str  # type: ignore[assignment,method-assign]
    told["Sequence"] = {
        "name": name,
        "imDir": "img1",
        **({"frameRate": f"{float(stream.average_rate):.6g}"} if stream.average_rate else {}),
        "seqLength": str(frame_count(video, last_index)),
        "imWidth": str(stream.width),
        "imHeight": str(stream.height),
        "imExt": ".jpg",
    }
    text = io.StringIO()
    told.write(text, space_around_delimiters=False)
    return text.getvalue().encode()
