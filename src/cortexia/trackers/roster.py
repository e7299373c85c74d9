"""Which tracklets are alive, from their first box to their last, and which of them are tracks."""

from __future__ import annotations

import numpy as np

from cortexia.trackers.base import Floats, Integers, TrackerOptions
from cortexia.trackers.frames import Frame, micros
from cortexia.trackers.live import Live
from cortexia.trackers.membership import NOBODY, Membership

_MOMENT = micros(0.25)
_MOMENT_STEPS = 5  # halves
_NEW_LOOK = 0.1
_TINY = 1e-9


class Roster:
    """``live``: those that may still get a box. Where they are by now is the tracker's own affair.

    For each frame ``open``, then ``extend`` and ``begin``, then ``close``.
    """

    def __init__(self, options: TrackerOptions, state_shape: tuple[int, ...]) -> None:
        self._options = options
        self._buffer = micros(options.buffer_s)
        self._members = Membership()
        self._owners = np.empty(0, np.int64)
        none = np.empty(0, np.int64)
        self.live = Live(
            none, np.empty((*state_shape, 0)), np.empty((0, 0)), none, none, np.empty(0), none.astype(bool)
        )

    def open(self, frame: Frame) -> None:
        """Those out of sight for longer than the buffer are gone, those that are no tracks yet after a moment."""
        self._owners = np.full(len(frame.scores), NOBODY)
        live, moment = self.live, self.moment(frame)
        if len(live) and frame.now - int(live.seen.min()) > moment:
            patience = np.where(live.is_track, self._buffer, moment)
            self.live = live.kept(frame.now - live.seen <= patience)

    def moment(self, frame: Frame) -> int:
        """Microseconds for which something counts as just seen: a quarter of a second, or two steps and a half."""
        return min(self._buffer, max(_MOMENT, _MOMENT_STEPS * frame.step // 2))

    def extend(self, frame: Frame, rows: Integers, columns: Integers) -> None:
        """The live tracklets ``rows`` have the boxes ``columns`` of the frame."""
        live = self.live
        self._owners[columns] = live.number[rows]
        live.seen[rows] = frame.now
        live.hits[rows] += 1
        live.peak[rows] = np.maximum(live.peak[rows], frame.scores[columns])
        if len(live.looks):
            mean = (1.0 - _NEW_LOOK) * live.looks[:, rows] + _NEW_LOOK * frame.vectors[:, columns]
            live.looks[:, rows] = mean / np.maximum(np.sqrt((mean * mean).sum(axis=0)), _TINY)

    def unclaimed(self, frame: Frame) -> Integers:
        """The usable boxes that nobody has."""
        columns: Integers = (self._owners[: frame.usable] == NOBODY).nonzero()[0]
        return columns

    def begin(self, frame: Frame, columns: Integers, states: Floats) -> None:
        """A tracklet begins at each of the boxes ``columns``, with ``states`` (..., n)."""
        numbers = self._members.begin(len(columns))
        self._owners[columns] = numbers
        begun = Live.begun(numbers, states, frame, columns)
        self.live = self.live.joined(begun) if len(self.live) else begun

    def close(self, frame: Frame) -> None:
        """Whoever was seen has its box, and is a track as soon as it has earned it."""
        live = self.live
        if np.count_nonzero(live.is_track) < len(live):
            earned = ~live.is_track
            earned &= live.hits >= self._options.min_hits
            earned &= live.peak >= self._options.birth
            self._members.confirm(live.number[earned])
            live.is_track |= earned
        self._members.add(frame, self._owners)

    def resolved(self) -> Integers:
        return self._members.resolved()
