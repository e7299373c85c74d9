"""Non-maximum suppression: of boxes of one class that overlap, the one with the highest score stays."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray


def suppress(
    boxes: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]],
    classes: NDArray[np.int64],
    max_overlap: float,
) -> NDArray[np.int64]:
    """Indexes of the boxes that stay, by falling score; equal scores keep the order they came in.

    Greedy, class by class: a box goes when its intersection over union with a box that stays exceeds ``max_overlap``.
    ``boxes``: (n, 4) xyxy; ``scores``: (n,); ``classes``: (n,). Computed in float64, so that the type of the boxes
    decides nothing.
    """
    order = np.argsort(-scores, kind="stable")
    edges = boxes[order].astype(np.float64)
    kinds = classes[order]
    areas = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
    stays = np.ones(len(order), bool)
    for place in range(len(order)):
        if not stays[place]:
            continue
        rivals = place + 1 + np.flatnonzero(stays[place + 1 :] & (kinds[place + 1 :] == kinds[place]))
        common = _intersections(edges[place], edges[rivals])
        union = areas[place] + areas[rivals] - common
        stays[rivals[common > max_overlap * union]] = False
    return order[stays]


def _intersections(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas that ``box`` (4,) shares with ``others`` (n, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    return cast(NDArray[np.float64], np.clip(high - low, 0.0, None).prod(axis=1))
