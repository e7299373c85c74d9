"""Squares cut out of pictures; beyond the edge of the picture its outermost pixels go on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.types import Picture


@dataclass(frozen=True, slots=True)
class Square:
    """Left and top edge, and the side, in whole pixels of the picture. It may reach beyond the picture."""

    left: int
    top: int
    side: int


def square_around(box: NDArray[np.floating], scale: float) -> Square:
    """The square with the middle of ``box`` (4,) xyxy, ``scale`` times its longer side, at least one pixel."""
    x1, y1, x2, y2 = (float(edge) for edge in box)
    side = max(1, round(max(x2 - x1, y2 - y1) * scale))
    return Square(round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side)


def cut(picture: Picture, square: Square) -> Picture:
    """The pixels of ``square``, (side, side, 3)."""
    height, width = picture.shape[:2]
    rows = np.arange(square.top, square.top + square.side)
    columns = np.arange(square.left, square.left + square.side)
    if min(rows[0], columns[0]) >= 0 and rows[-1] < height and columns[-1] < width:
        return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(picture[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))], np.uint8)
