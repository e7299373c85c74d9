"""Outlines of masks, as stored or from their pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cortexia.outlines import polygons_of
from cortexia.rle import decode
from cortexia.types import Mask


def mask_polygons(mask: Mask) -> Sequence[Sequence[float]]:
    """Every part: x and y in turn, in pixels of the picture."""
    return mask.polygons or polygons_of(decode(mask.segmentation))


def largest_polygon(mask: Mask) -> Sequence[float]:
    """The part of the greatest area, the first of equals."""
    return max(mask_polygons(mask), key=_double_area)


def _double_area(points: Sequence[float]) -> float:
    """By the shoelace formula."""
    x, y = np.asarray(points, np.float64).reshape(-1, 2).T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
