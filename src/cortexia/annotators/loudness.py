"""Loudness: how loud each second is, and when anything is to be heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._activity import ActivityLimits, ActivityTracker
from cortexia.annotators._levels import Hop, SecondMeter, hop_length, hops_of
from cortexia.annotators.base import Emissions, Medium, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.types import Annotation, AudioBlock, Frame, Progress, Timestamp


@dataclass(frozen=True)
class Loudness(StreamAnnotator):
    """Level per second, and intervals of activity, from mono sound in hops of 5 ms.

    A ``Measure`` labelled ``loudness`` per second of the clock: ``rms_dbfs`` and ``peak_dbfs`` (1.0 is 0 dBFS, so a
    full-scale sine has an RMS of -3.01; digital silence is -120), ``active_fraction`` of its hops, and in the
    attributes ``envelope``, the RMS level of each 50 ms in whole dBFS.

    A ``SoundEvent`` labelled ``sound`` per interval of activity. A hop is active when its level reaches both
    ``threshold_dbfs`` and ``margin_db`` above the running noise floor, and stays so until it falls ``hysteresis_db``
    below that. Silences shorter than ``min_gap_s`` are bridged, intervals shorter than ``min_length_s`` dropped.
    The floor follows the level downwards at once (minimum tracking after R. Martin, "Spectral subtraction based on
    minimum statistics", EUSIPCO 1994, in its simplest form) and rises ``floor_rise_db_s`` a second, up to
    ``floor_ceiling_dbfs``: steady sound becomes background, unless it is ``margin_db`` louder than that.
    Confidence: 1 - 10^(-e/10), e being by how many dB the loudest hop exceeds the threshold.
    """

    name: ClassVar[str] = "loudness"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    provides: ClassVar[tuple[str, ...]] = ("measure", "sound_event")
    cost: ClassVar[float] = 0.002

    threshold_dbfs: float = -50.0
    margin_db: float = 10.0
    hysteresis_db: float = 6.0
    min_gap_s: float = 0.2
    min_length_s: float = 0.005
    floor_rise_db_s: float = 4.0
    floor_ceiling_dbfs: float = -35.0

    def __post_init__(self) -> None:
        ranges = {
            "threshold_dbfs": (-120.0, 0.0),
            "margin_db": (0.0, 120.0),
            "hysteresis_db": (0.0, 60.0),
            "min_gap_s": (0.0, 60.0),
            "min_length_s": (0.0, 60.0),
            "floor_rise_db_s": (0.0, 1000.0),
            "floor_ceiling_dbfs": (-120.0, 0.0),
        }
        for option, (low, high) in ranges.items():
            if not low <= getattr(self, option) <= high:
                raise ConfigurationError(
                    f"option {option!r} of annotator 'loudness' must lie in {low:g} .. {high:g}, "
                    f"got {getattr(self, option)}"
                )

    def session(self, context: SessionContext) -> LoudnessSession:
        return LoudnessSession(ActivityLimits(**self.options()))


class LoudnessSession(StreamSession):
    """Cuts sound into hops on a grid that begins with the first sample, and anew after a gap in the clock.

    State: the meters, and where the clock stands. The samples of an unfinished hop (fewer than 5 ms) come back
    through ``replay``. What is left of a hop before a gap or at the end counts as a short hop.
    """

    def __init__(self, limits: ActivityLimits) -> None:
        self._limits = limits
        self._tracker: ActivityTracker | None = None
        self._meter: SecondMeter | None = None
        self._rate = 0
        self._index = 0
        self._pts = 0
        self._carried: NDArray[np.float32] = np.empty(0, np.float32)

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [self._take(block) for block in cast(Sequence[AudioBlock], inputs)]

    def _take(self, block: AudioBlock) -> list[Annotation]:
        """``_pts`` is the time of the first carried sample: the next expected one comes after those."""
        if not len(block.samples):
            return []
        made: list[Annotation] = []
        if self._tracker is None:
            self._begin(block.rate, block.timestamp.pts)
        elif block.timestamp.pts > self._pts + len(self._carried):
            made += self._drain()
            self._pts = block.timestamp.pts
        samples = np.concatenate((self._carried, block.samples)) if len(self._carried) else block.samples
        made += self._measure(samples)
        self._index = block.index + len(block.samples)
        return made

    def _begin(self, rate: int, pts: int) -> None:
        self._rate, self._pts = rate, pts
        self._tracker = ActivityTracker(self._limits, rate)

    def _measure(self, samples: NDArray[np.float32]) -> list[Annotation]:
        made: list[Annotation] = []
        length = hop_length(self._rate)
        for hop in hops_of(samples, self._pts, length):
            made += self._add(hop)
        used = len(samples) // length * length
        self._pts += used
        self._carried = samples[used:].copy()
        return made

    def _add(self, hop: Hop) -> list[Annotation]:
        made: list[Annotation] = []
        if self._meter is not None and hop.start // self._rate != self._meter.start // self._rate:
            made.append(self._close_second())
        if self._meter is None:
            self._meter = SecondMeter(hop.start)
        is_active, events = cast(ActivityTracker, self._tracker).add(hop)
        self._meter.add(hop, is_active)
        return [*made, *events]

    def _close_second(self) -> Annotation:
        meter, self._meter = cast(SecondMeter, self._meter), None
        return meter.measure(Fraction(1, self._rate))

    def _drain(self) -> list[Annotation]:
        """The sound stops here: the rest as a short hop, the second and the interval as far as they got."""
        made: list[Annotation] = []
        if len(self._carried):
            for hop in hops_of(self._carried, self._pts, len(self._carried)):
                made += self._add(hop)
            self._carried = self._carried[:0]
        if self._meter is not None:
            made.append(self._close_second())
        return [*made, *(self._tracker.end() if self._tracker else ())]

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        return self._drain()

    def state(self) -> Mapping[str, Any]:
        if self._tracker is None:
            return {}
        return {
            "rate": self._rate,
            "index": self._index,
            "pts": self._pts,
            "meter": self._meter.state() if self._meter else None,
            "tracker": self._tracker.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if not state:
            return
        self._begin(state["rate"], state["pts"])
        self._index = state["index"]
        self._meter = SecondMeter.from_state(state["meter"]) if state["meter"] else None
        cast(ActivityTracker, self._tracker).restore(state["tracker"])

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for block in cast(Sequence[AudioBlock], inputs):
            self._carried = np.concatenate((self._carried, block.samples))

    def progress(self) -> Progress:
        if self._tracker is None:
            return Progress(final_until=None)
        starts = (self._pts, self._meter.start if self._meter else None, self._tracker.open_since)
        return Progress(
            final_until=Timestamp(min(at for at in starts if at is not None), Fraction(1, self._rate)),
            replay_from=self._index - len(self._carried),
        )
