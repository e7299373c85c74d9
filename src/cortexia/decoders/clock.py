"""The time rule: each picture gets one strictly increasing time, and says where it came from."""

from __future__ import annotations

from fractions import Fraction

from cortexia.types import TimeSource

_FALLBACK_RATE = Fraction(25)
_GLITCH = Fraction(1)


class PictureClock:
    """Times of the pictures of one stream, in presentation order, in units of its time base.

    - A pts that goes on is kept as it is.
    - No pts: the previous time plus whole periods of the rate since the last pts (``INDEX``).
    - A pts that does not go on: within 1 s it is a glitch, one tick after the previous; beyond, the container's clock
      was set anew and the difference is carried from there on (both ``REBASED``).
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None, highest_rate: Fraction) -> None:
        usable = rate if rate is not None and rate > 0 else _FALLBACK_RATE
        self._period = 1 / min(usable, highest_rate) / time_base
        self._glitch = _GLITCH / time_base
        self._last: int | None = None
        self._offset = 0
        self._anchor = 0
        self._since_anchor = 0

    @property
    def nominal(self) -> int:
        """A picture's duration by the rate, in ticks; at least one."""
        return max(1, round(self._period))

    @property
    def carried(self) -> bool:
        """Whether the container's own clock has been set anew."""
        return self._offset != 0

    def stamp(self, pts: int | None) -> tuple[int, TimeSource]:
        """Time of the next picture in ticks, and its source."""
        if pts is None:
            time, source = self._from_index(), TimeSource.INDEX
        else:
            time, source = self._from_pts(pts)
            self._anchor, self._since_anchor = time, 0
        self._last = time
        return time, source

    def _from_index(self) -> int:
        if self._last is None:
            return 0
        self._since_anchor += 1
        return max(self._last + 1, self._anchor + round(self._period * self._since_anchor))

    def _from_pts(self, pts: int) -> tuple[int, TimeSource]:
        time = pts + self._offset
        if self._last is None or time > self._last:
            return time, TimeSource.REBASED if self._offset else TimeSource.PTS
        if self._last - time >= self._glitch:
            rebased = self._last + self.nominal
            self._offset += rebased - time
            return rebased, TimeSource.REBASED
        return self._last + 1, TimeSource.REBASED
