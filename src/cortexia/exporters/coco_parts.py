"""The parts of COCO's files: images, categories and annotations of things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from cortexia.exporters.coco_categories import UNLABELLED, category, category_ids
from cortexia.exporters.mask_parts import mask_polygons
from cortexia.sightings import Moment, Sighting
from cortexia.types import MICROSECONDS, Mask, Pose, canonical_json
from cortexia.types.skeletons import COCO_17

RLE, POLYGONS = "rle", "polygons"
SURE_JOINT = 0.3
"""Joints of at least this score count as seen."""
_LABELLED, _VISIBLE = 1, 2
_NO_KEYPOINTS = b'"keypoints":[%s],"num_keypoints":0,' % b",".join([b"0"] * 3 * len(COCO_17.joints))


def encode(value: Any) -> bytes:
    return canonical_json(value).encode()


HEAD = b'{"info":{"description":"cortexia"},"licenses":[],"images":['


def write_tail(out: IO[bytes], annotations: Annotations) -> int:
    """The last sections, ``categories`` and ``annotations``; returns how many annotations."""
    out.write(b'],"categories":[')
    write_list(out, annotations.categories())
    out.write(b'],"annotations":[')
    count = write_list(out, annotations.lines())
    out.write(b"]}\n")
    return count


def write_list(out: IO[bytes], items: Iterable[bytes]) -> int:
    """Elements of a JSON array, one a line; returns how many."""
    count = 0
    for count, item in enumerate(items, 1):
        out.write((b"\n" if count == 1 else b",\n") + item)
    if count:
        out.write(b"\n")
    return count


class Annotations:
    """Annotations that wait in ``spool`` until every label, and so every id of a category, is known."""

    def __init__(self, spool: IO[bytes], segmentation: str) -> None:
        self._spool = spool
        self._segmentation = segmentation
        self._places: dict[str, int] = {}
        self._posed: set[str] = set()
        self._count = 0

    def add(self, sighting: Sighting, moment: Moment, more: dict[str, Any], label: str | None) -> None:
        """A thing of an image, of the category ``label``; ``more``: the fields that name its image and its track."""
        self._count += 1
        label = UNLABELLED if label is None else label
        made = {"id": self._count, **_annotation(sighting, moment, self._segmentation), **more}
        if "keypoints" in made:
            self._posed.add(label)
        self._spool.write(b"%d %d %s\n" % (self.place(label), "keypoints" in made, encode(made)))

    def place(self, label: str) -> int:
        """Labels are counted from 0 as they are met."""
        return self._places.setdefault(label, len(self._places))

    def ids(self) -> dict[str, int]:
        """The id of every category, those of COCO and those that were met."""
        return category_ids(self._places)

    def categories(self) -> Iterator[bytes]:
        """With joints and bones where there are poses."""
        bones = [[first + 1, second + 1] for first, second in COCO_17.bones]
        joints = {"keypoints": list(COCO_17.joints), "skeleton": bones}
        for name, number in self.ids().items():
            yield encode(category(name, number) | (joints if name in self._posed else {}))

    def lines(self) -> Iterator[bytes]:
        """Every annotation with its category. Where some of a category have a pose, the others say that they have
        none: who scores poses wants that of all."""
        ids = self.ids()
        by_place = [ids[label] for label in self._places]
        posed = {self._places[label] for label in self._posed}
        self._spool.seek(0)
        for line in self._spool:
            place, has_pose, text = line.rstrip(b"\n").split(b" ", 2)
            filled = _NO_KEYPOINTS if int(place) in posed and not int(has_pose) else b""
            yield b'{"category_id":%d,' % by_place[int(place)] + filled + text.removeprefix(b"{")


def _annotation(sighting: Sighting, moment: Moment, segmentation: str) -> dict[str, Any]:
    """``score``, ``segmentation`` and ``keypoints`` only where there are any."""
    box = sighting.box
    made: dict[str, Any] = {
        "bbox": list(box.xywh),
        "area": box.width * box.height,
        "iscrowd": 0,
        "frame_index": moment.frame_index,
        "time_s": moment.start_us / MICROSECONDS,
        "annotation_id": sighting.row.annotation_id,
        "annotator": sighting.row.annotator,
    }
    if sighting.region.confidence is not None:
        made["score"] = sighting.region.confidence
    if sighting.mask is not None:
        made |= {"segmentation": _segmentation(sighting.mask, segmentation), "area": sighting.mask.area}
    if sighting.pose is not None:
        made |= _keypoints(sighting.pose)
    return made


def _segmentation(mask: Mask, form: str) -> Any:
    if form == RLE:
        return {"size": list(mask.segmentation["size"]), "counts": mask.segmentation["counts"]}
    return [list(points) for points in mask_polygons(mask)]


def _keypoints(pose: Pose) -> dict[str, Any]:
    """x, y and v of every joint: v is 2 from a score of 0.3 on, 1 below it, and 0, at no place, for a score of 0."""
    if pose.skeleton != "coco-17" or len(pose.keypoints) != len(COCO_17.joints):
        return {}
    flat: list[float] = []
    for x, y, score in pose.keypoints:
        flat += [x, y, _VISIBLE if score >= SURE_JOINT else _LABELLED] if score > 0 else [0, 0, 0]
    scores = [score for _, _, score in pose.keypoints]
    return {"keypoints": flat, "num_keypoints": sum(score > 0 for score in scores), "keypoint_scores": scores}
