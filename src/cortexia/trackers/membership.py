"""The book of who belongs to whom."""

from __future__ import annotations

from array import array

import numpy as np

from cortexia.trackers.base import NO_TRACK, Integers
from cortexia.trackers.frames import Frame

NOBODY = -1
"""Instead of a tracklet's number: that of a detection which belongs to none."""


class Membership:
    """The tracklet of every detection, four bytes each, and the tracklets that are tracks, in order of confirmation.

    A tracklet is what may become a track. They are numbered from 0 as they begin.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._confirmed = array("i")
        self._numbers = array("i")

    def begin(self, count: int) -> Integers:
        """The numbers of the next ``count`` tracklets."""
        self.begun += count
        return np.arange(self.begun - count, self.begun)

    def confirm(self, numbers: Integers) -> None:
        self._confirmed.extend(numbers.tolist())

    def add(self, frame: Frame, numbers: Integers) -> None:
        """The next frame: the tracklet of each detection or ``NOBODY``, (n,) in the frame's own order."""
        as_fed = np.empty(len(numbers), np.intc)
        as_fed[frame.order] = numbers
        self._numbers.frombytes(as_fed.tobytes())

    def resolved(self) -> Integers:
        """The track of every detection as they were fed, or ``NO_TRACK``."""
        # the place after the last is that of NOBODY
        id_of = np.full(self.begun + 1, NO_TRACK, np.int64)
        id_of[_integers(self._confirmed)] = np.arange(1, len(self._confirmed) + 1)
        return id_of[_integers(self._numbers)]


def _integers(values: array[int]) -> Integers:
    return np.array(values, np.int64)
