"""How far boxes overlap, and who gets whom."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from cortexia.trackers.base import Floats, Integers

_NOTHING = np.empty(0, np.int64)
_TINY = 1e-9


def overlaps(tracks: Floats, boxes: Floats) -> Floats:
    """Intersection over union (n, m) of edges (4, n) and (4, m)."""
    sides = _shared_sides(tracks, boxes)
    np.maximum(sides, 0.0, out=sides)
    common = sides[0] * sides[1]
    width, height = tracks[2:] - tracks[:2]
    other_width, other_height = boxes[2:] - boxes[:2]
    return _ratio(common, (width * height)[:, None] + other_width * other_height)


def wide_overlaps(tracks: Floats, boxes: Floats, margins: Floats) -> Floats:
    """The same where all edges, also those of ``boxes``, are moved outwards by ``margins`` (n,) pixels.

    So boxes overlap that lie near each other (buffered intersection over union: Yang et al., WACV 2023).
    """
    twice = margins + margins
    sides = _shared_sides(tracks, boxes)
    sides += twice[:, None]
    np.maximum(sides, 0.0, out=sides)
    width, height = tracks[2:] - tracks[:2] + twice
    other_width, other_height = boxes[2:] - boxes[:2]
    areas = twice[:, None] * (other_width + other_height)
    areas += (width * height + twice * twice)[:, None]
    areas += other_width * other_height
    return _ratio(sides[0] * sides[1], areas)


def _shared_sides(tracks: Floats, boxes: Floats) -> Floats:
    """Width and height of what each two share, (2, n, m); below 0 where they lie apart."""
    sides: Floats = np.minimum(tracks[2:, :, None], boxes[2:, None])
    sides -= np.maximum(tracks[:2, :, None], boxes[:2, None])
    return sides


def _ratio(common: Floats, areas: Floats) -> Floats:
    areas -= common
    shared: Floats = common / np.maximum(areas, _TINY, out=areas)
    return shared


def assign(likeness: Floats) -> tuple[Integers, Integers]:
    """Rows and columns of pairs, each in one pair at most, whose ``likeness`` (n, m) is the highest in sum.

    No pair is of likeness 0 or less: whoever may not have each other is told apart before the sum is made.
    """
    if not likeness.size:
        return _NOTHING, _NOTHING
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    kept = likeness[rows, columns] > 0.0
    if kept.all():
        return rows, columns
    return rows[kept], columns[kept]
