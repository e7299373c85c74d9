"""Who speaks in each piece, when how well it fits each speaker is known, and that speakers do not change all the time.

The most likely path (A. J. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
algorithm", IEEE Trans. Information Theory 13 (1967)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


def likeliest_path(scores: Reals, interval: Integers, within: float, between: float) -> Integers:
    """The speaker (n,) of each piece. ``scores``: (n, speakers), as logarithms. A change of speaker costs ``within`` an
    interval of speech, and ``between`` where a new one begins (``interval`` (n,): of each piece)."""
    count, speakers = scores.shape
    came_from = np.empty((count, speakers), np.int32)
    best = scores[0].copy()
    stay = np.arange(speakers)
    for at in range(1, count):
        leader = int(best.argmax())
        changed = best[leader] - (within if interval[at] == interval[at - 1] else between)
        came_from[at] = np.where(best >= changed, stay, leader)
        best = np.maximum(best, changed) + scores[at]
    path = np.empty(count, np.int64)
    path[-1] = best.argmax()
    for at in range(count - 1, 0, -1):
        path[at - 1] = came_from[at, path[at]]
    return path


def shares_of(scores: Reals, sharpness: float) -> Reals:
    """(n, speakers): how likely each speaker is, of sum 1. ``sharpness`` is what ``scores`` are multiplied by: below 1
    where what they count is not independent."""
    sharp = sharpness * scores
    weights = np.exp(sharp - sharp.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
