"""Boxes and masks as the attributes of CVAT's shapes."""

from __future__ import annotations

import numpy as np

from cortexia.exporters.mask_parts import largest_polygon
from cortexia.rle import decode, encode, run_lengths
from cortexia.types import BBox, Mask

Shape = tuple[str, dict[str, str]]
"""The name of an element, and its attributes of place."""


def box_shape(box: BBox) -> Shape:
    """Corners as the shortest text that is exactly they."""
    return "box", {"xtl": repr(box.x1), "ytl": repr(box.y1), "xbr": repr(box.x2), "ybr": repr(box.y2)}


def polygon_shape(mask: Mask) -> Shape:
    """The largest part of a mask."""
    points = largest_polygon(mask)
    return "polygon", {"points": ";".join(f"{x:g},{y:g}" for x, y in zip(points[::2], points[1::2], strict=True))}


def mask_shape(mask: Mask) -> Shape:
    """Run lengths, row by row, of the rectangle that holds all pixels."""
    bitmap = decode(mask.segmentation)
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    runs = run_lengths(encode(bitmap[top:bottom, left:right].T))
    place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return "mask", {"rle": ",".join(map(str, runs)), **{name: str(value) for name, value in place.items()}}
