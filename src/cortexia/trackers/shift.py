"""A turn of the camera, told from the boxes alone."""

from __future__ import annotations

import numpy as np

from cortexia.trackers.base import Floats

FEWEST = 4
"""Boxes that tell of a shift, at least."""
_LEAST = 0.05
_AGREEMENT = 2.0


def common_shift(surprises: Floats, sides: Floats) -> Floats | None:
    """By how many pixels, (2, 1), everything moved that should not have: the camera began, ended or changed a move.

    ``surprises`` (2, n): centres of boxes less where they were expected. ``sides`` (2, m): of boxes, pixels. The median
    is taken where at least four boxes tell, where it is more than a twentieth of a mean side, and where half of the
    boxes lie closer to it than half its length; for x and y apart. ``None``: neither says anything. A steady move of
    the camera is part of the speed of all boxes, and surprises nobody.
    """
    count = surprises.shape[1]
    if count < FEWEST:
        return None
    middle = np.sort(surprises, axis=1)[:, count // 2, None]
    length = np.abs(middle)
    least = _LEAST * sides.sum() / sides.size
    if length.max() <= least:
        return None
    around = np.sort(np.abs(surprises - middle), axis=1)[:, count // 2, None]
    is_common = (length > least) & (length > _AGREEMENT * around)
    return np.where(is_common, middle, 0.0) if is_common.any() else None
