"""Reading COCO object detection back, with every fault of the file named at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortexia.errors import ValidationError
from cortexia.exporters.coco_categories import UNLABELLED
from cortexia.files import check_name, translate_os_error
from cortexia.types import BBox

_FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CocoBox:
    """A box of a COCO file; what only cortexia writes is ``None`` in files of others, also where they have a field of
    that name with another kind of value.

    ``bbox`` in pixels of the image. Its right and lower edges are ``x + width`` and ``y + height`` as floats, which may
    differ from those that were stored in the last bit.
    """

    file_name: str
    image_id: int
    label: str | None
    bbox: BBox
    confidence: float | None = None
    video_id: str | None = None
    frame_index: int | None = None
    time_s: float | None = None
    track_id: str | None = None
    annotation_id: str | None = None


def read_coco(path: Path) -> list[CocoBox]:
    """The boxes of a COCO file in its order.

    Raises ``ValidationError`` that lists the faults: dangling or repeated ids, negative or infinite sizes, names that
    lead elsewhere, text that is no JSON; ``ResourceError`` where it cannot be read.
    """
    with translate_os_error(path):
        text = path.read_bytes()
    data = _parse(text, path)
    faults = list(_faults(data))
    if faults:
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise ValidationError(f"{path} is no sound COCO file: {'; '.join(faults[:_FAULTS_SHOWN])}{more}")
    images = {image["id"]: image for image in data["images"]}
    names = {category["id"]: category["name"] for category in data["categories"]}
    return [_box(item, images[item["image_id"]], names[item["category_id"]]) for item in data["annotations"]]


def _parse(text: bytes, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"{path} is no JSON that can be used: {error}") from error
    sections = ("images", "categories", "annotations")
    if not isinstance(data, dict) or not all(_is_list_of_objects(data.get(name)) for name in sections):
        raise ValidationError(f"{path} is no COCO file: {', '.join(sections)} must be lists of objects")
    return data


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return made


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    for section in ("images", "categories", "annotations"):
        yield from _id_faults(section, data[section])
    for image in data["images"]:
        yield from _image_faults(image)
    for category in data["categories"]:
        if not isinstance(category.get("name"), str):
            yield f"category {category.get('id')!r} has no name"
    images = {_key(image.get("id")) for image in data["images"]}
    categories = {_key(category.get("id")) for category in data["categories"]}
    for item in data["annotations"]:
        if _key(item.get("image_id")) not in images:
            yield f"annotation {item.get('id')!r} is on image {item.get('image_id')!r}, which is not there"
        if _key(item.get("category_id")) not in categories:
            yield f"annotation {item.get('id')!r} is of category {item.get('category_id')!r}, which is not there"
        yield from _box_faults(item)


def _key(number: Any) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _id_faults(section: str, items: list[dict[str, Any]]) -> Iterator[str]:
    seen: set[int | None] = set()
    for item in items:
        key = _key(item.get("id"))
        if key is None:
            yield f"{section}: id {item.get('id')!r} is no whole number"
        elif key in seen:
            yield f"{section}: id {key} is there twice"
        seen.add(key)


def _image_faults(image: Mapping[str, Any]) -> Iterator[str]:
    who = f"image {image.get('id')!r}"
    for side in ("width", "height"):
        value = _key(image.get(side))
        if value is None or value < 1:
            yield f"{who}: {side} {image.get(side)!r} is no number of pixels"
    try:
        check_name(str(image.get("file_name") or ""))
    except ValidationError as error:
        yield f"{who}: {error}"


def _box_faults(item: Mapping[str, Any]) -> Iterator[str]:
    sides = item.get("bbox")
    who = f"annotation {item.get('id')!r}"
    if not (isinstance(sides, list) and len(sides) == 4 and all(map(_is_number, sides))):
        yield f"{who}: bbox must be four numbers"
    elif sides[2] < 0 or sides[3] < 0 or not all(map(math.isfinite, (sides[0] + sides[2], sides[1] + sides[3]))):
        yield f"{who}: box {sides} has a negative or infinite size"
    score = item.get("score")
    if score is not None and not (_is_number(score) and 0 <= score <= 1):
        yield f"{who}: score {score!r} does not lie in [0, 1]"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _box(item: Mapping[str, Any], image: Mapping[str, Any], name: str) -> CocoBox:
    time_s = image.get("time_s")
    return CocoBox(
        file_name=image["file_name"],
        image_id=image["id"],
        label=None if name == UNLABELLED else name,
        bbox=BBox.from_xywh(*item["bbox"]),
        confidence=item.get("score"),
        video_id=_text(image.get("video_id")),
        frame_index=_key(image.get("frame_index")),
        time_s=time_s if _is_number(time_s) else None,
        track_id=_text(item.get("track_id")),
        annotation_id=_text(item.get("annotation_id")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
