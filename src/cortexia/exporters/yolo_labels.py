"""Lines of YOLO's label files: a class and numbers in [0, 1], shares of the picture's width and height."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cortexia.exporters.coco_categories import UNLABELLED
from cortexia.exporters.mask_parts import largest_polygon
from cortexia.sightings import Sighting
from cortexia.types import BBox

_LEAST_CORNERS = 3
Size = tuple[int, int]
"""Width and height."""


class Labels:
    """Classes, numbered from 0 as they are met, and the lines of their things."""

    def __init__(self, segments: bool) -> None:
        self._segments = segments
        self._places: dict[str, int] = {}

    def names(self) -> list[str]:
        """In the order of their numbers."""
        return list(self._places)

    def lines(self, sightings: Iterable[Sighting], size: Size) -> list[str]:
        """A line for each thing; what lies outside of the picture has none."""
        found = []
        for sighting in sightings:
            values = _outline(sighting, size) if self._segments else _box(sighting.box, size)
            if values:
                label = UNLABELLED if sighting.label is None else sighting.label
                place = self._places.setdefault(label, len(self._places))
                found.append(f"{place} {' '.join(f'{value:.6f}' for value in values)}\n")
        return found


def _box(box: BBox, size: Size) -> Sequence[float]:
    """Centre x and y, width and height of the part inside the picture; nothing where there is none."""
    left, top, right, bottom = _inside(box, size)
    if right <= left or bottom <= top:
        return ()
    width, height = size
    return (left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height


def _outline(sighting: Sighting, size: Size) -> Sequence[float]:
    """Corners, x and y in turn: of the mask's largest part, else of the box."""
    points = largest_polygon(sighting.mask) if sighting.mask is not None else ()
    if len(points) < 2 * _LEAST_CORNERS:
        left, top, right, bottom = _inside(sighting.box, size)
        if right <= left or bottom <= top:
            return ()
        points = (left, top, right, top, right, bottom, left, bottom)
    return [min(1.0, max(0.0, value / size[place % 2])) for place, value in enumerate(points)]


def _inside(box: BBox, size: Size) -> tuple[float, float, float, float]:
    width, height = size
    return max(0.0, box.x1), max(0.0, box.y1), min(float(width), box.x2), min(float(height), box.y2)
