"""Masks as polygons and back, in pixels of the picture.

Polygons follow the centres of a mask's border pixels (Suzuki and Abe 1985, as OpenCV has it). Holes are not told: what
needs them takes the run lengths.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cortexia.rle import Bitmap


def polygons_of(bitmap: Bitmap, tolerance: float = 0.0) -> list[list[float]]:
    """Outer borders of the parts of ``bitmap`` (height, width): x and y in turn, the largest part first.

    ``tolerance``: pixels by which corners may be off; 0 keeps each. Parts with fewer than three corners (a point, a
    line) become the rectangle of their pixels. An empty mask has none.
    """
    found, _ = cv2.findContours(bitmap.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    ordered = sorted(found, key=lambda points: (-cv2.contourArea(points), points.ravel().tolist()))
    return [_corners(cv2.approxPolyDP(points, tolerance, True) if tolerance else points) for points in ordered]


def _corners(points: cv2.typing.MatLike) -> list[float]:
    flat = points.reshape(-1, 2)
    if len(flat) < 3:
        (x1, y1), (x2, y2) = flat.min(axis=0), flat.max(axis=0) + 1
        flat = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    return [float(value) for value in flat.ravel()]


def bitmap_of(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> Bitmap:
    """The pixels (height, width) that ``polygons`` hold, their borders included. ``size``: height and width."""
    canvas = np.zeros(size, np.uint8)
    for polygon in polygons:
        points = np.round(np.asarray(polygon, np.float64).reshape(-1, 2)).astype(np.int32)
        cv2.fillPoly(canvas, [points], 1)
    return canvas.astype(bool)
