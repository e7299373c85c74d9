"""The protocol of trackers: which boxes of one sequence belong to the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_TRACK = 0
"""The id of a detection that belongs to no track."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerOptions:
    """What every tracker is told. Thresholds are confidences in [0, 1].

    ``buffer_s``: seconds from one box of a track to the next, at most. ``min_hits``: boxes that a track needs.
    ``birth``: a track needs one box of at least that confidence. ``high``: boxes from there on are given out first, and
    they alone bring back what was out of sight; those below it, from ``low`` on, go to what was seen a moment ago. What
    is below ``low`` is left out. Raises ``ConfigurationError`` for what makes no sense.
    """

    buffer_s: float = 2.0
    min_hits: int = 3
    low: float = 0.1
    high: float = 0.4
    birth: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.high <= self.birth <= 1.0:
            raise ConfigurationError(
                f"tracker: low, high and birth must rise within 0 .. 1, got {self.low}, {self.high}, {self.birth}"
            )
        if not 0.0 <= self.buffer_s <= 3600.0:
            raise ConfigurationError(f"tracker: buffer_s must lie in 0 .. 3600, got {self.buffer_s}")
        if self.min_hits < 1:
            raise ConfigurationError(f"tracker: min_hits must be at least 1, got {self.min_hits}")


class Tracker(Protocol):
    """Made for one sequence by ``Class(TrackerOptions())``, fed frame by frame in order, then asked once.

    Tracking looks back: a track claims all boxes from its first one on, also those that came before it was known to be
    one. So nothing is answered before the end. Results depend on the frames alone, not on what else runs, and on the
    order of detections within a frame only where two of them are equal in box and confidence. A frame without
    detections changes nothing and need not be told: time passes all the same.
    """

    def __init__(self, options: TrackerOptions) -> None: ...

    def update(self, time_s: float, boxes: Floats, scores: Floats, vectors: NDArray[Any] | None = None) -> None:
        """The detections of the next frame, at ``time_s`` seconds from anywhere, taken to the microsecond.

        ``boxes``: (n, 4) float64, xyxy in pixels. ``scores``: (n,) float64 in [0, 1]. ``vectors``: (n, d) of length 1
        (L2), how each looks, in all frames or in none. Raises ``ValidationError`` where shapes do not fit, a number is
        not finite, a box ends before it starts or time does not move on.
        """
        ...

    def finish(self) -> Integers:
        """The track of each detection, (detections fed,) in the order in which they came: 1, 2, 3 and on, in the order
        in which tracks were confirmed, or ``NO_TRACK``. A track has at most one box in a frame."""
        ...
