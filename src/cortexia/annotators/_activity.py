"""When anything is to be heard: levels against a running noise floor, with hysteresis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from cortexia.annotators._levels import HOPS_PER_S, Hop, power_to_dbfs
from cortexia.types import SoundEvent, TimeSpan, Timestamp


@dataclass(frozen=True, slots=True)
class ActivityLimits:
    """Thresholds of activity; units in the names. ``Loudness`` says what they mean."""

    threshold_dbfs: float
    margin_db: float
    hysteresis_db: float
    min_gap_s: float
    min_length_s: float
    floor_rise_db_s: float
    floor_ceiling_dbfs: float


@dataclass(slots=True)
class _Interval:
    """Sound from ``start`` to ``end`` (samples on the clock) so far. ``excess_db``: the most above the threshold;
    ``peak``: the largest magnitude."""

    start: int
    end: int
    excess_db: float
    peak: float


class ActivityTracker:
    """Takes hop after hop; tells whether each is active, and gives intervals once the gap after them is long enough."""

    def __init__(self, limits: ActivityLimits, rate: int) -> None:
        self._limits = limits
        self._rate = rate
        # What is loud from the first moment is sound, not background.
        self._lowest_dbfs = limits.threshold_dbfs - limits.margin_db
        self._floor_dbfs = self._lowest_dbfs
        self._is_active = False
        self._open: _Interval | None = None

    def add(self, hop: Hop) -> tuple[bool, list[SoundEvent]]:
        """Whether this hop is active, and the intervals that came to an end."""
        level = power_to_dbfs(hop.power)
        needed = max(self._limits.threshold_dbfs, self._floor_dbfs + self._limits.margin_db)
        self._is_active = level >= needed - (self._limits.hysteresis_db if self._is_active else 0.0)
        risen = self._floor_dbfs + self._limits.floor_rise_db_s / HOPS_PER_S
        self._floor_dbfs = max(self._lowest_dbfs, min(level, risen, self._limits.floor_ceiling_dbfs))
        if self._is_active:
            self._extend(hop, level - needed)
            return True, []
        return False, self._end_if_silent(hop.start + hop.samples)

    def _extend(self, hop: Hop, excess_db: float) -> None:
        if self._open is None:
            self._open = _Interval(hop.start, hop.start, 0.0, hop.peak)
        self._open.end = hop.start + hop.samples
        self._open.excess_db = max(self._open.excess_db, excess_db)
        self._open.peak = max(self._open.peak, hop.peak)

    def _end_if_silent(self, now: int) -> list[SoundEvent]:
        if self._open is None or now - self._open.end < self._limits.min_gap_s * self._rate:
            return []
        return self.end()

    def end(self) -> list[SoundEvent]:
        """The interval still open, if it is long enough. For the end of the sound, and for gaps in it."""
        interval, self._open, self._is_active = self._open, None, False
        if interval is None or interval.end - interval.start < self._limits.min_length_s * self._rate:
            return []
        base = Fraction(1, self._rate)
        return [
            SoundEvent(
                span=TimeSpan(Timestamp(interval.start, base), Timestamp(interval.end, base)),
                label="sound",
                confidence=round(1.0 - 10.0 ** (-interval.excess_db / 10.0), 4),
                attributes={"peak_dbfs": round(power_to_dbfs(interval.peak * interval.peak), 2)},
            )
        ]

    @property
    def open_since(self) -> int | None:
        return self._open.start if self._open else None

    def state(self) -> dict[str, Any]:
        return {
            "floor_dbfs": self._floor_dbfs,
            "is_active": self._is_active,
            "open": asdict(self._open) if self._open else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._floor_dbfs = state["floor_dbfs"]
        self._is_active = state["is_active"]
        self._open = _Interval(**state["open"]) if state["open"] else None
