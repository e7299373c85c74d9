"""Masks, poses and faces of a sample picture as paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cortexia.errors import ValidationError
from cortexia.outlines import polygons_of
from cortexia.report.overlays import SURE_JOINT, head_axes
from cortexia.report.style import Style
from cortexia.rle import decode
from cortexia.sightings import Sighting
from cortexia.types import Face, Mask, Pose
from cortexia.types.skeletons import SKELETONS

_CORNERS_PER_SIDE = 400
_AXIS_LOOKS = ("axis-left", "axis-top", "axis-nose")
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Path data in pixels of the display. ``look``: area, bones, joints or an axis; ``shade``: place in the palette."""

    look: str
    path: str
    shade: int


def make_shapes(found: Iterable[Sighting], size: tuple[int, int], style: Style) -> list[Shape]:
    """What cannot be told by boxes, areas first. ``size``: width and height of the display."""
    areas: list[Shape] = []
    lines: list[Shape] = []
    for sighting in found:
        shade = style.shade(sighting)
        if sighting.mask is not None:
            areas += _area(sighting.mask, max(size) / _CORNERS_PER_SIDE, shade)
        if sighting.pose is not None:
            lines += _pose(sighting.pose, shade)
        if isinstance(sighting.region, Face):
            lines += _face(sighting.region, shade)
    return areas + lines


def _area(mask: Mask, tolerance: float, shade: int) -> list[Shape]:
    try:
        parts = polygons_of(decode(mask.segmentation), tolerance)
    except ValidationError:
        return []
    closed = "".join(_line(list(zip(part[::2], part[1::2], strict=True))) + "z" for part in parts)
    return [Shape("area", closed, shade)]


def _pose(pose: Pose, shade: int) -> list[Shape]:
    skeleton = SKELETONS.get(pose.skeleton)
    joints = {place: (x, y) for place, (x, y, score) in enumerate(pose.keypoints) if score >= SURE_JOINT}
    bones = [pair for pair in (skeleton.bones if skeleton else ()) if set(pair) <= set(joints)]
    path = "".join(_line([joints[first], joints[second]]) for first, second in bones)
    return [Shape("bones", path, shade), Shape("joints", _dots(list(joints.values())), shade)]


def _face(face: Face, shade: int) -> list[Shape]:
    shapes = [Shape("joints", _dots([(x, y) for x, y in face.landmarks]), shade)] if face.landmarks else []
    if face.yaw is None or face.pitch is None:
        return shapes
    centre = (face.box.x1 + face.box.x2) / 2, (face.box.y1 + face.box.y2) / 2
    length = 0.55 * min(face.box.width, face.box.height)
    for (x, y), look in zip(head_axes(face.yaw, face.pitch, face.roll or 0.0), _AXIS_LOOKS, strict=True):
        shapes.append(Shape(look, _line([centre, (centre[0] + x * length, centre[1] + y * length)]), shade))
    return shapes


def _line(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _dots(points: Sequence[Point]) -> str:
    """Lines without a length, which round ends make visible."""
    return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
