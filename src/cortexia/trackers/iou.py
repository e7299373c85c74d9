"""Plain tracking by overlap: no motion, no bands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.trackers.assignment import assign, overlaps
from cortexia.trackers.base import Floats, Integers, TrackerOptions
from cortexia.trackers.frames import Intake
from cortexia.trackers.roster import Roster

_LEAST = 0.3
"""Intersection over union of two neighbouring boxes of a track, at least."""


class IouTracker:
    """Each box goes to the last box of a tracklet: pairs with the highest intersection over union in sum.

    After Bochinski et al., "High-Speed Tracking-by-Detection Without Using Image Information", AVSS 2017, with an
    optimal assignment instead of a greedy one, and a buffer. Right for things that move by less than their own length
    from frame to frame; cheap, and easy to tell why it did what it did.
    """

    def __init__(self, options: TrackerOptions) -> None:
        self._intake = Intake(options)
        self._roster = Roster(options, (4,))

    def update(self, time_s: float, boxes: Floats, scores: Floats, vectors: NDArray[Any] | None = None) -> None:
        frame = self._intake.take(time_s, boxes, scores, vectors)
        if frame is None:
            return
        roster = self._roster
        roster.open(frame)
        live = roster.live
        if len(live):
            alike = overlaps(live.states, frame.edges[:, : frame.usable])
            rows, columns = assign(np.where(alike >= _LEAST, alike, 0.0))
            live.states[:, rows] = frame.edges[:, columns]
            roster.extend(frame, rows, columns)
        if len(new := roster.unclaimed(frame)):
            roster.begin(frame, new, frame.edges[:, new])
        roster.close(frame)

    def finish(self) -> Integers:
        return self._roster.resolved()
