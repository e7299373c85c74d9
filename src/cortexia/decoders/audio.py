"""Sound as mono float32 blocks on the video's clock."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.decoders.damage import Damage
from cortexia.decoders.limits import DEFAULT_LIMITS, Limits
from cortexia.decoders.mixing import Mixer
from cortexia.types import AudioBlock, Timestamp

_BLOCK_S = Fraction(1, 4)
_GAP_S = 0.05


class SoundTrack:
    """Decoded frames of one stream in, blocks of at most a quarter of a second out.

    The clock is the first frame's pts plus the samples that followed. Where the container's clock leaves it by more
    than 50 ms forward there is a gap: a new segment starts there. Backward it is an error of the container, and the
    samples go on where they were. ``index`` counts from the stream's start, whatever range is asked for. What has
    a rate beyond the limits is passed over.
    """

    def __init__(self, time_base: Fraction, rate: int, damage: Damage, limits: Limits = DEFAULT_LIMITS) -> None:
        self._time_base = time_base
        self._rate = rate
        self._damage = damage
        self._limits = limits
        self._mixer: Mixer | None = None
        self._form: tuple[str, str, int] | None = None
        # where the next sample is due, and the start and length of what came in the present form
        self._expected_s: float | None = None
        self._form_s = 0.0
        self._form_samples = 0
        self._position = 0
        self._pending: list[NDArray[np.float32]] = []
        self._pending_size = 0
        self._block_size = int(rate * _BLOCK_S)
        self.samples = 0

    def take(self, frame: Any) -> Iterator[AudioBlock]:
        """Blocks that are complete once ``frame`` is in."""
        if frame.samples <= 0 or not self._limits.allow_sound(frame.sample_rate):
            return
        base = frame.time_base or self._time_base
        if self._expected_s is None or (frame.pts is not None and frame.pts * float(base) - self._expected_s > _GAP_S):
            yield from self._end_segment()
            self._begin_segment(Fraction(0) if frame.pts is None else Fraction(frame.pts * base))
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            yield from self._drain()
            self._mixer = self._damage.call(Mixer, frame, self._rate)
            self._form = form
            self._form_s, self._form_samples = self._expected_s or 0.0, 0
        self._form_samples += frame.samples
        self._expected_s = self._form_s + self._form_samples / frame.sample_rate
        self._collect(frame)
        yield from self._blocks(self._block_size)

    def finish(self) -> Iterator[AudioBlock]:
        yield from self._end_segment()

    def _begin_segment(self, start: Fraction) -> None:
        self._expected_s = float(start)
        self._position = max(self._position, round(start * self._rate))

    def _end_segment(self) -> Iterator[AudioBlock]:
        yield from self._drain()
        yield from self._blocks(1)

    def _drain(self) -> Iterator[AudioBlock]:
        self._collect(None)
        self._mixer, self._form = None, None
        yield from self._blocks(self._block_size)

    def _collect(self, frame: Any | None) -> None:
        if self._mixer is not None:
            for samples in self._damage.call(self._mixer.mix, frame) or ():
                self._pending.append(samples)
                self._pending_size += len(samples)

    def _blocks(self, at_least: int) -> Iterator[AudioBlock]:
        if self._pending_size < max(1, at_least):
            return
        joined = np.concatenate(self._pending)
        at = 0
        while len(joined) - at >= at_least and at < len(joined):
            yield self._block(joined[at : at + self._block_size])
            at += self._block_size
        rest = joined[at:]
        self._pending = [rest] if len(rest) else []
        self._pending_size = len(rest)

    def _block(self, samples: NDArray[np.float32]) -> AudioBlock:
        clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        clean.flags.writeable = False
        block = AudioBlock(self.samples, Timestamp(self._position, Fraction(1, self._rate)), clean, self._rate)
        self.samples += len(clean)
        self._position += len(clean)
        return block
