"""Key pictures with what was found in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cortexia.report.gather import Facts, ShotFacts
from cortexia.report.near import Near
from cortexia.report.pictures import data_uri, encoded, evenly, fetched, fitted
from cortexia.report.shapes import Shape, make_shapes
from cortexia.report.style import Style
from cortexia.report.words import plural
from cortexia.sightings import Sighting
from cortexia.types import BBox, VideoStream
from cortexia.wording import clock

SAMPLES_SHOWN = 12
_BOXES_SHOWN = 40
_SIDE = 640
_NAME_LIMIT, _NAME_HEIGHT, _SIGN = 35.0, 7.5, 1.75


@dataclass(frozen=True, slots=True)
class Box:
    """Edges in percent of the picture from its top left; ``is_high``, ``is_right``: no room for its name above it, to
    its right. ``is_named``: whether the name is always shown, or only when pointed at."""

    left: str
    top: str
    width: str
    height: str
    shade: int
    label: str
    confidence: str
    is_high: bool
    is_right: bool
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """``view``: width and height in which ``shapes`` are told."""

    source: str
    width: int
    height: int
    title: str
    note: str
    boxes: list[Box]
    shapes: list[Shape]
    view: tuple[int, int]


def make_samples(facts: Facts, video: VideoStream | None, style: Style, blob: Callable[[str], bytes]) -> list[Sample]:
    """At most twelve shots in which something was found, spread over the video; where as many were looked at in their
    very frame, only such."""
    if video is None:
        return []
    candidates = [shot for shot in facts.shots if shot.number in facts.near]
    exact = [shot for shot in candidates if not facts.near[shot.number].main.distance]
    if len(exact) >= SAMPLES_SHOWN:
        candidates = exact
    chosen = [candidates[place] for place in evenly(candidates, SAMPLES_SHOWN)]
    made = (_sample(shot, facts.near[shot.number], video, style, blob) for shot in chosen)
    return [sample for sample in made if sample is not None]


def _sample(
    shot: ShotFacts, near: Near, video: VideoStream, style: Style, blob: Callable[[str], bytes]
) -> Sample | None:
    assert shot.picture is not None  # noqa: S101 - things are kept of shots with a picture only  # nosec B101
    picture = fetched(blob, shot.picture.picture)
    if picture is None:
        return None
    small = fitted(picture, _SIDE, _SIDE)
    size = (video.width, video.height)
    found = near.sightings()
    drawn = sorted(found, key=lambda sighting: -(sighting.region.confidence or 0.0))[:_BOXES_SHOWN]
    return Sample(
        source=data_uri(encoded(small, 72)),
        width=small.width,
        height=small.height,
        title=f"Shot {shot.number} · {clock(shot.picture_start, 2)} · frame {shot.picture.frame_index}",
        note=_note(shot, near, len(found), len(drawn)),
        boxes=_uncrowded([_box(sighting, size, style) for sighting in drawn]),
        shapes=make_shapes(drawn, size, style),
        view=size,
    )


def _note(shot: ShotFacts, near: Near, found: int, drawn: int) -> str:
    amount = plural(found, "box", "boxes")
    text = f"{amount} of this very frame"
    if near.main.distance:
        away = (near.main.start - shot.picture_start) / 1e6
        side = "later" if away > 0 else "earlier"
        text = f"{amount} of frame {near.main.index}, {abs(away):.2f} s {side}: the nearest with detections"
    return text if drawn == found else f"{text}; the {drawn} surest are drawn"


def _box(sighting: Sighting, size: tuple[int, int], style: Style) -> Box:
    box = clipped(sighting.box, size)
    across, down = 100 / size[0], 100 / size[1]
    confidence = sighting.region.confidence
    return Box(
        left=f"{box.x1 * across:.2f}",
        top=f"{box.y1 * down:.2f}",
        width=f"{box.width * across:.2f}",
        height=f"{box.height * down:.2f}",
        shade=style.shade(sighting),
        label=style.name(sighting) or sighting.label or "",
        confidence="" if confidence is None else f"{confidence:.2f}",
        is_high=box.y1 * down < 8,
        is_right=box.x1 * across > 100 - _NAME_LIMIT,
    )


def _uncrowded(boxes: list[Box]) -> list[Box]:
    """The surest first on the list, last in the page and so on top; names that would lie on one that is surer go."""
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for box in boxes:
        place = _name_place(box)
        is_free = all(place[0] >= x2 or x1 >= place[2] or place[1] >= y2 or y1 >= place[3] for x1, y1, x2, y2 in taken)
        if is_free:
            taken.append(place)
        found.append(replace(box, is_named=is_free))
    return found[::-1]


def _name_place(box: Box) -> tuple[float, float, float, float]:
    """Where a name will be about, in percent of a picture of usual width: left, top, right, bottom."""
    width = min(_NAME_LIMIT, _SIGN * (len(box.label) + len(box.confidence) + 2))
    left = float(box.left) + float(box.width) - width if box.is_right else float(box.left)
    top = float(box.top) - (0 if box.is_high else _NAME_HEIGHT)
    return left, top, left + width, top + _NAME_HEIGHT


def clipped(box: BBox, size: tuple[int, int]) -> BBox:
    """The part of a box inside a picture of ``size`` (width, height)."""
    width, height = size
    x1, y1 = min(max(0.0, box.x1), width), min(max(0.0, box.y1), height)
    return BBox(x1, y1, max(x1, min(box.x2, width)), max(y1, min(box.y2, height)))
