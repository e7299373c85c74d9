"""Means over the cells of a grid, as an integral image gives them."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Means = NDArray[np.float64]


def cell_means(plane: NDArray[Any], columns: int, rows: int) -> Means:
    """Means of ``plane`` (height, width), uint8 or float32, over equal cells, as (rows, columns) float64.

    Borders may cross pixels, which then count by the share of their area: any size of plane will do. Between its
    corners an integral image (F. Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984) is bilinear, so that
    interpolating it is exact.
    """
    sums = cv2.integral(plane)
    height, width = plane.shape
    corners = _between(_between(sums, rows).T, columns).T
    cells = np.diff(np.diff(corners, axis=0), axis=1)
    return cast(Means, cells * (rows * columns / (height * width)))


def _between(sums: NDArray[Any], parts: int) -> Means:
    """Rows of ``sums`` at the ``parts + 1`` borders that divide its height equally."""
    size = sums.shape[0] - 1
    borders = np.arange(parts + 1) * size / parts
    below = np.minimum(borders.astype(np.intp), size - 1)
    share = (borders - below)[:, None]
    return cast(Means, sums[below] * (1 - share) + sums[below + 1] * share)
