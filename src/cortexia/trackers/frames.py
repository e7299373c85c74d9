"""Frames as trackers take them: checked, in an order of their own, with time in whole microseconds."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.trackers.base import Floats, Integers, TrackerOptions

_MICROSECONDS = 1_000_000
_STEPS_KEPT = 15


@dataclass(frozen=True, slots=True)
class Frame:
    """The detections of a frame by falling score; of equal scores by the box, from its left edge on.

    ``now``: microseconds. ``since``: those that passed since the frame before, 0 for the first. ``step``: from frame to
    frame as of late, the median. ``order``: (n,), where each detection stood. ``edges``: (4, n), x1, y1, x2, y2.
    ``vectors``: (d, n), d 0 where there are none. ``high``, ``usable``: so many have at least the confidence ``high``,
    ``low``.
    """

    now: int
    since: int
    step: int
    order: Integers
    edges: Floats
    scores: Floats
    vectors: Floats
    high: int
    usable: int


class Intake:
    """Takes the frames of one sequence. Spans of time do not depend on where time is counted from."""

    def __init__(self, options: TrackerOptions) -> None:
        self._options = options
        self._told = -math.inf
        self._before: int | None = None
        self._steps: deque[int] = deque(maxlen=_STEPS_KEPT)
        self._dimension: int | None = None

    def take(self, time_s: float, boxes: Floats, scores: Floats, vectors: NDArray[Any] | None) -> Frame | None:
        """The frame, or ``None`` if there is nothing in it: then it leaves no trace. Errors: see ``Tracker.update``."""
        count = len(scores)
        if boxes.shape != (count, 4) or scores.shape != (count,):
            raise ValidationError(f"tracker: boxes {boxes.shape} and scores {scores.shape} do not fit each other")
        now = self._tick(time_s)
        if not count:
            return None
        looks = self._looks(vectors, count)
        _check(boxes, scores)
        since = now - (now if self._before is None else self._before)
        self._before = now
        if since:
            self._steps.append(since)
        order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], -scores))
        sure = scores[order]
        return Frame(
            now=now,
            since=since,
            step=sorted(self._steps)[len(self._steps) // 2] if self._steps else 0,
            order=order,
            edges=np.ascontiguousarray(boxes[order].T),
            scores=sure,
            vectors=looks[:, order],
            high=_reaching(sure, self._options.high),
            usable=_reaching(sure, self._options.low),
        )

    def _tick(self, time_s: float) -> int:
        if not math.isfinite(time_s):
            raise ValidationError(f"tracker: the time of a frame must be finite, got {time_s}")
        now = micros(time_s)
        if now <= self._told:
            raise ValidationError(
                f"tracker: frames must come in order of time, got {time_s} s after {self._told / 1e6} s"
            )
        self._told = now
        return now

    def _looks(self, vectors: NDArray[Any] | None, count: int) -> Floats:
        looks = np.empty((count, 0)) if vectors is None else vectors.astype(np.float64)
        if looks.ndim != 2 or len(looks) != count:
            raise ValidationError(f"tracker: vectors {looks.shape} do not fit {count} boxes")
        if self._dimension not in (None, looks.shape[1]):
            raise ValidationError(f"tracker: vectors of {looks.shape[1]} numbers after those of {self._dimension}")
        if looks.size and not math.isfinite(looks.sum()):
            raise ValidationError("tracker: a vector is not finite")
        self._dimension = looks.shape[1]
        return looks.T


def _reaching(falling: Floats, least: float) -> int:
    """How many of ``falling`` numbers are at least ``least``."""
    return len(falling) if falling[-1] >= least else int(np.count_nonzero(falling >= least))


def micros(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)


def _check(boxes: Floats, scores: Floats) -> None:
    sides = boxes[:, 2:] - boxes[:, :2]
    # what is not finite makes a side or the sum so, too
    if not math.isfinite(sides.max() + scores.sum()):
        raise ValidationError("tracker: a box or a score is not finite")
    if sides.min() < 0.0:
        raise ValidationError("tracker: a box ends before it starts")
