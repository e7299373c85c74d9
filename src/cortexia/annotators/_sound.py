"""What sessions of sound have in common: the newest samples on the video's clock, and what a gap in it means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators.base import Emissions, StreamSession
from cortexia.types import Annotation, AudioBlock, Frame, Progress, TimeSpan, Timestamp

Samples = NDArray[np.float32]


class Tape:
    """The newest samples of a stretch of sound without gaps; older ones are cut off where nobody needs them.

    All positions are on the video's clock, in samples (units of ``1 / rate`` s): ``start`` and ``end`` of what is
    kept, ``begin`` of the stretch. ``index`` counts samples as ``AudioBlock`` does, at ``start``.
    """

    def __init__(self, rate: int, begin: int, start: int, index: int) -> None:
        self.rate = rate
        self.begin = begin
        self.start = start
        self.index = index
        self._samples: Samples = np.zeros(0, np.float32)
        self._added: list[Samples] = []
        self._added_length = 0

    @property
    def end(self) -> int:
        return self.start + len(self._samples) + self._added_length

    @property
    def until(self) -> Timestamp:
        return Timestamp(self.end, self.time_base)

    @property
    def time_base(self) -> Fraction:
        return Fraction(1, self.rate)

    def add(self, samples: Samples) -> None:
        if len(samples):
            self._added.append(samples)
            self._added_length += len(samples)

    def between(self, first: int, last: int) -> Samples:
        """Samples of ``[first, last)``, as far as they are kept. Not to be written to."""
        self._join()
        return self._samples[max(0, first - self.start) : max(0, last - self.start)]

    def forget_before(self, position: int) -> None:
        """Nothing before ``position`` is asked for any more."""
        cut = min(position, self.end) - self.start
        if cut > 0:
            self._join()
            self._samples = self._samples[cut:].copy()
            self.start += cut
            self.index += cut

    def span(self, first: int, last: int) -> TimeSpan:
        return TimeSpan(Timestamp(first, self.time_base), Timestamp(last, self.time_base))

    def positions(self, span: TimeSpan) -> tuple[int, int]:
        """Where ``span`` begins and ends."""
        return round(span.start.fraction * self.rate), round(span.end.fraction * self.rate)

    def _join(self) -> None:
        if self._added:
            self._samples = np.concatenate((self._samples, *self._added))
            self._added, self._added_length = [], 0


class SoundSession(StreamSession):
    """Hears stretches of sound without gaps, one after the other.

    A subclass says what it hears in ``hear``, what is left to say where the sound stops in ``stop``, and begins anew
    with each stretch. What it keeps are the samples that it ``needs``, which come back after a restart, and ``memory``.
    """

    def __init__(self) -> None:
        self._tape: Tape | None = None

    # -- for subclasses

    @abstractmethod
    def begin_stretch(self, tape: Tape) -> None:
        """A stretch begins; what was kept of the last one goes."""

    @abstractmethod
    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        """There is more on the tape. ``upstream``: what required annotators said by its end."""

    @abstractmethod
    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        """The stretch ends where the tape does."""

    @abstractmethod
    def needs(self, tape: Tape) -> int:
        """Position from which on samples are still needed; those before are forgotten."""

    @abstractmethod
    def final_until(self, tape: Tape) -> int:
        """Position before which no row starts that is not said yet."""

    @abstractmethod
    def memory(self) -> dict[str, Any]:
        """What it keeps of the stretch besides samples, as JSON values."""

    @abstractmethod
    def recall(self, memory: Mapping[str, Any]) -> None:
        """Become the session that had this ``memory``, after ``begin_stretch``."""

    # -- for the engine

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        blocks = cast(Sequence[AudioBlock], inputs)
        return [self._take(block, said) for block, said in zip(blocks, upstream, strict=True)]

    def _take(self, block: AudioBlock, said: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        if self._tape is None or block.timestamp.pts != self._tape.end or block.rate != self._tape.rate:
            if self._tape is not None:
                old = [row for row in said if row.span.start < self._tape.until]
                made += self.stop(self._tape, old)
                said = said[len(old) :]
            start = block.timestamp.pts
            self._tape = Tape(block.rate, start, start, block.index)
            self.begin_stretch(self._tape)
        self._tape.add(block.samples)
        made += self.hear(self._tape, said)
        self._tape.forget_before(self.needs(self._tape))
        return made

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        return [] if self._tape is None else self.stop(self._tape, upstream)

    def state(self) -> Mapping[str, Any]:
        tape = self._tape
        if tape is None:
            return {}
        return {
            "rate": tape.rate,
            "begin": tape.begin,
            "start": tape.start,
            "index": tape.index,
            "memory": self.memory(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if not state:
            return
        self._tape = Tape(state["rate"], state["begin"], state["start"], state["index"])
        self.begin_stretch(self._tape)
        self.recall(state["memory"])

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for block in cast(Sequence[AudioBlock], inputs):
            if self._tape is not None:
                self._tape.add(block.samples)

    def progress(self) -> Progress:
        tape = self._tape
        if tape is None:
            return Progress(final_until=None)
        return Progress(
            final_until=Timestamp(self.final_until(tape), tape.time_base),
            replay_from=tape.index,
        )
