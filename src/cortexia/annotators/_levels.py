"""Levels of sound: hops of 5 ms, and what they add up to in a second."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cortexia.types import Measure, TimeSpan, Timestamp

HOPS_PER_S = 200
FLOOR_DBFS = -120.0
_HOPS_PER_STEP = 10
ENVELOPE_STEP_S = _HOPS_PER_STEP / HOPS_PER_S


def hop_length(rate: int) -> int:
    """Samples of a hop (80 at 16 kHz)."""
    return rate // HOPS_PER_S


def power_to_dbfs(power: float) -> float:
    """Mean square to dB re full scale (mean square 1.0 is 0 dBFS), never below -120."""
    return max(FLOOR_DBFS, 10.0 * math.log10(power)) if power > 0 else FLOOR_DBFS


def dbfs_to_power(level: float) -> float:
    """Mean square of a level; the floor of -120 dBFS counts as 10^-12."""
    return float(10.0 ** (level / 10.0))


class Hop(NamedTuple):
    """``samples`` samples from ``start`` on (``rate`` units a second), with their mean square and largest magnitude."""

    start: int
    samples: int
    power: float
    peak: float


def hops_of(samples: NDArray[np.float32], start: int, length: int) -> Iterator[Hop]:
    """Whole hops of ``length`` samples; each row is summed by itself, so that a hop is the same in any block."""
    rows = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)
    powers = (np.add.reduce(rows * rows, axis=1) / length).tolist()
    peaks = np.abs(rows).max(axis=1, initial=0.0).tolist()
    for ordinal, (power, peak) in enumerate(zip(powers, peaks, strict=True)):
        yield Hop(start + ordinal * length, length, power, peak)


@dataclass(slots=True)
class SecondMeter:
    """Adds hops up to one ``Measure`` per second of the clock."""

    start: int
    samples: int = 0
    energy: float = 0.0
    peak: float = 0.0
    hops: int = 0
    active: int = 0
    step_energy: float = 0.0
    step_samples: int = 0
    envelope: list[int] = field(default_factory=list)

    def add(self, hop: Hop, is_active: bool) -> None:
        self.samples += hop.samples
        self.energy += hop.power * hop.samples
        self.peak = max(self.peak, hop.peak)
        self.hops += 1
        self.active += is_active
        self.step_energy += hop.power * hop.samples
        self.step_samples += hop.samples
        if self.hops % _HOPS_PER_STEP == 0:
            self._close_step()

    def _close_step(self) -> None:
        self.envelope.append(round(power_to_dbfs(self.step_energy / self.step_samples)))
        self.step_energy, self.step_samples = 0.0, 0

    def measure(self, time_base: Fraction) -> Measure:
        """What the hops come to; ``time_base`` is that of their starts."""
        if self.step_samples:
            self._close_step()
        start = Timestamp(self.start, time_base)
        return Measure(
            span=TimeSpan(start, Timestamp(self.start + self.samples, time_base)),
            label="loudness",
            values={
                "rms_dbfs": round(power_to_dbfs(self.energy / self.samples), 2),
                "peak_dbfs": round(power_to_dbfs(self.peak * self.peak), 2),
                "active_fraction": round(self.active / self.hops, 4),
            },
            attributes={"envelope": list(self.envelope), "envelope_step_s": ENVELOPE_STEP_S},
        )

    def state(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SecondMeter:
        return cls(**{**state, "envelope": list(state["envelope"])})
