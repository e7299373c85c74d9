"""ByteTrack-class association: two bands of confidence, a Kalman filter, optimal assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.trackers import kalman
from cortexia.trackers.assignment import assign, overlaps, wide_overlaps
from cortexia.trackers.base import Flags, Floats, Integers, TrackerOptions
from cortexia.trackers.frames import Frame, Intake
from cortexia.trackers.kalman import SPEED, VALUE, VALUE_VARIANCE
from cortexia.trackers.roster import Roster
from cortexia.trackers.shift import FEWEST, common_shift

_LEAST = 0.3
"""Likeness that a pair has at least."""
_LEAST_LOW = 0.4
"""The same where the detection is of low confidence."""
_LEAST_LOOK = 0.4
"""Cosine of looks that a pair has at least."""
_MARGIN = 0.5
"""Margin in standard deviations of the centre as the filter expects it,"""
_STEADY = 0.06
"""beyond so many sizes: what is followed steadily has no margin."""
_Pairs = tuple[Integers, Integers]


class ByteTracker:
    """After Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022.

    Boxes of high confidence go to tracks first, those of tracks out of sight among them, by the overlap with where the
    filter expects them (weighed by the cosine of their looks where there are vectors). Then what is left, of low
    confidence too, goes to what was seen a moment ago. What is still left may be the beginning of a track.

    Where it differs: time is in seconds, so that any sampling will do. Boxes are compared with a margin that grows with
    the filter's own doubt (little at 25 frames a second, half a box at 2 a second), and likeness falls as it
    grows. What surprises all boxes alike is a move of the camera, and is taken off before they are compared again. A
    track claims its boxes from the first one on.
    """

    def __init__(self, options: TrackerOptions) -> None:
        self._intake = Intake(options)
        self._roster = Roster(options, (5, 4))

    def update(self, time_s: float, boxes: Floats, scores: Floats, vectors: NDArray[Any] | None = None) -> None:
        frame = self._intake.take(time_s, boxes, scores, vectors)
        if frame is None:
            return
        roster = self._roster
        centres = kalman.centred(frame.edges)
        roster.open(frame)
        if len(roster.live):
            rows, columns = self._pairs(frame, centres)
            states = roster.live.states
            states[..., rows] = kalman.corrected(states[..., rows], centres[:, columns])
            roster.extend(frame, rows, columns)
        if len(new := roster.unclaimed(frame)):
            roster.begin(frame, new, kalman.begun(centres[:, new]))
        roster.close(frame)

    def finish(self) -> Integers:
        return self._roster.resolved()

    def _pairs(self, frame: Frame, centres: Floats) -> _Pairs:
        live = self._roster.live
        kalman.predict(live.states, frame.since * 1e-6)
        recent = live.seen >= frame.now - self._roster.moment(frame)
        likeness, looks = self._likeness(frame), self._looks(frame)
        first = self._first(frame, likeness, looks)
        if self._follow_camera(frame, centres, first, recent):
            likeness = self._likeness(frame)
            first = self._first(frame, likeness, looks)
        if len(first[0]) in likeness.shape:
            return first  # nobody is left, or no box
        if looks is not None:
            likeness[:, : frame.high] *= looks
        return _both(first, _second(frame, likeness, first, recent))

    def _likeness(self, frame: Frame) -> Floats:
        """(live, usable): overlap with the margins of doubt, less where they are wide."""
        states = self._roster.live.states
        expected, boxes = kalman.cornered(states[VALUE]), frame.edges[:, : frame.usable]
        doubt = states[VALUE_VARIANCE, 0]
        if doubt.max() <= _STEADY**2:
            return overlaps(expected, boxes)
        margins = _MARGIN * np.maximum(np.sqrt(doubt) - _STEADY, 0.0)
        alike = wide_overlaps(expected, boxes, margins * kalman.sizes(states[VALUE]))
        alike /= (1.0 + margins)[:, None]
        return alike

    def _looks(self, frame: Frame) -> Floats | None:
        """(live, high): how alike things look, the cosine or, where that is small, 0; ``None`` where nobody knows."""
        looks = self._roster.live.looks
        if not len(looks):
            return None
        # not a product of matrices: its sums would depend on the library and on its threads
        cosines: Floats = np.einsum("dn,dm->nm", looks, frame.vectors[:, : frame.high])
        return np.where(cosines >= _LEAST_LOOK, cosines, 0.0)

    def _first(self, frame: Frame, likeness: Floats, looks: Floats | None) -> _Pairs:
        """Tracks, also those out of sight, and boxes of high confidence."""
        live = self._roster.live
        alike = likeness[:, : frame.high]
        worth = np.where(alike >= _LEAST, alike, 0.0)
        if np.count_nonzero(live.is_track) < len(live):
            worth[~live.is_track] = 0.0
        return assign(worth if looks is None else worth * looks)

    def _follow_camera(self, frame: Frame, centres: Floats, pairs: _Pairs, recent: Flags) -> bool:
        """Whether the camera moved; then all boxes are where they should be."""
        rows, columns = pairs
        if len(rows) < FEWEST:
            return False
        states = self._roster.live.states
        surprises = centres[:2, columns] - states[VALUE, :2][:, rows]
        if np.count_nonzero(recent) < len(recent):
            surprises = surprises[:, recent[rows]]
        shift = common_shift(surprises, centres[2:])
        if shift is None:
            return False
        states[VALUE, :2] += shift
        states[SPEED, :2] += shift / (frame.since * 1e-6)
        return True


def _second(frame: Frame, likeness: Floats, first: _Pairs, recent: Flags) -> _Pairs:
    """What was seen a moment ago, tracks or not, and any boxes that are left."""
    is_free = np.ones(frame.usable, bool)
    is_free[first[1]] = False
    left = recent.copy()
    left[first[0]] = False
    rows, columns = left.nonzero()[0], is_free.nonzero()[0]
    if not (len(rows) and len(columns)):
        return rows[:0], columns[:0]
    alike = likeness[rows][:, columns]
    least = np.where(columns < frame.high, _LEAST, _LEAST_LOW)
    found = assign(np.where(alike >= least, alike, 0.0))
    return rows[found[0]], columns[found[1]]


def _both(one: _Pairs, other: _Pairs) -> _Pairs:
    if not len(other[0]):
        return one
    return np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))
