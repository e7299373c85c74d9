"""From scores of windows to intervals of sound, each label by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._levels import hop_length
from cortexia.annotators._listeners import Listener, Score
from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators._sound_edges import ending, onset
from cortexia.types import Annotation, SoundEvent

_LONGEST = 600 * 16_000
"""Samples of an event: what goes on for longer goes on in the next one. So rows come out in time, whatever lasts."""
_FAINT = 10 * 16_000
"""Samples: for as long, at most, a sound is faint before it is heard. So rows come out in time, whatever hums."""


@dataclass(frozen=True)
class EventLimits:
    """``thresholds``: score from which on each label is heard. ``hysteresis``: share of it from which on a window may
    be part of an event. ``min_length``: shorter events are dropped, ``min_gap``: shorter gaps are bridged (samples)."""

    thresholds: Mapping[str, float]
    hysteresis: float
    min_length: int
    min_gap: int


@dataclass(slots=True)
class OpenEvent:
    """Heard, or faintly so far. ``start``, ``end``: samples of the stretch. ``last``: the newest window in which it was
    heard. ``peak``: the highest score, and ``finer`` what was heard then."""

    start: int
    end: int
    last: int
    peak: float
    finer: str | None


@dataclass
class EventsSession(SoundSession):
    """Asks the listener about windows on a grid that begins with the stretch; the last one is filled up with silence.

    An event is made of windows whose scores reach ``hysteresis`` of the label's threshold, with gaps of at most
    ``min_gap``; one of them reaches the threshold, at most 10 s after the event began. A window stands for its middle,
    as long as a hop; where there is a pause around it, the event begins or ends with the pause.
    """

    listener: Listener
    limits: EventLimits
    model: str
    _open: dict[str, OpenEvent] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def begin_stretch(self, tape: Tape) -> None:
        self._begin = tape.begin
        self._step = 0
        self._open, self._ended = {}, {}

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._at + self.listener.window <= tape.end:
            made += self._listen(tape)
        return made

    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        covered = self._at - self.listener.hop + self.listener.window if self._step else self._begin
        if tape.end > covered:
            made += self._listen(tape)
        self._run_on(tape)
        return made + self._close(tape, sorted(self._open))

    def _run_on(self, tape: Tape) -> None:
        """What sounds in the last window, without a pause after it, sounds until the stretch ends."""
        window = tape.between(self._at - self.listener.hop, tape.end)
        if len(window) >= hop_length(tape.rate) and ending(window, 0, tape.rate) is None:
            for event in self._open.values():
                if event.last == self._step - 1:
                    event.end = tape.end - self._begin

    @property
    def _at(self) -> int:
        """Where the next window begins, on the clock."""
        return self._begin + self._step * self.listener.hop

    def _listen(self, tape: Tape) -> list[Annotation]:
        heard = tape.between(self._at - self.listener.lead, self._at + self.listener.window)
        missing = max(0, self._begin - self._at + self.listener.lead)
        length = self.listener.lead + self.listener.window
        heard = np.pad(heard, (missing, length - missing - len(heard)))
        window = heard[self.listener.lead :]
        before = tape.between(self._at - self.listener.hop, self._at) if self._step else window[:0]
        scores = self.listener.scores(heard)
        if any(score.value >= self.limits.thresholds[score.label] * self.limits.hysteresis for score in scores):
            self._note(scores, self._bounds(before, window, tape.rate))
        self._step += 1
        gap = max(1, -(-self.limits.min_gap // self.listener.hop))
        return self._close(tape, [label for label, event in self._open.items() if self._is_over(event, gap)])

    def _is_over(self, event: OpenEvent, gap: int) -> bool:
        return self._step - event.last > gap or event.end - event.start >= _LONGEST

    def _bounds(self, before: NDArray[np.float32], window: NDArray[np.float32], rate: int) -> tuple[int, int]:
        """Samples of the stretch from which, and to which, something heard in this window sounds."""
        hop, length = self.listener.hop, self.listener.window
        first, last = (length - hop) // 2, (length + hop) // 2
        begins, ends = onset(before, window, last, rate), ending(window, first, rate)
        if begins is None and not self._step:
            begins = 0  # the sound was there when the stretch began
        at = self._step * hop
        return at + (first if begins is None else begins), at + (last if ends is None else ends)

    def _note(self, scores: Sequence[Score], bounds: tuple[int, int]) -> None:
        for label, value, finer in scores:
            threshold = self.limits.thresholds[label]
            event = self._open.get(label)
            if value < threshold * self.limits.hysteresis:
                continue
            if event is None:
                start = max(bounds[0], self._ended.get(label, 0))
                event = self._open[label] = OpenEvent(start, bounds[1], self._step, value, finer)
            event.end, event.last = max(event.end, bounds[1]), self._step
            if event.peak < threshold:
                event.start = max(event.start, bounds[0] - _FAINT)
            if value > event.peak:
                event.peak, event.finer = value, finer

    def _close(self, tape: Tape, labels: Sequence[str]) -> list[Annotation]:
        made: list[Annotation] = []
        for label in labels:
            event = self._open.pop(label)
            end = min(event.end, tape.end - self._begin)
            self._ended[label] = end
            is_heard = event.peak >= self.limits.thresholds[label]
            if is_heard and end - event.start >= max(1, self.limits.min_length):
                made.append(self._row(tape, label, event, end))
        oldest = (self._step - 1) * self.listener.hop
        self._ended = {label: end for label, end in self._ended.items() if end > oldest}
        return made

    def _row(self, tape: Tape, label: str, event: OpenEvent, end: int) -> SoundEvent:
        facts = {"model": self.model, "threshold": self.limits.thresholds[label]}
        if event.finer is not None and event.finer != label:
            facts["class"] = event.finer
        return SoundEvent(
            span=tape.span(self._begin + event.start, self._begin + end),
            label=label,
            confidence=event.peak,
            attributes=facts,
        )

    def needs(self, tape: Tape) -> int:
        return max(self._begin, self._at - max(self.listener.hop, self.listener.lead))

    def final_until(self, tape: Tape) -> int:
        starts = [self._begin + event.start for event in self._open.values()]
        return min([max(self._begin, self._at - self.listener.hop), *starts])

    def memory(self) -> dict[str, Any]:
        return {
            "step": self._step,
            "open": {label: list(astuple(event)) for label, event in self._open.items()},
            "ended": dict(self._ended),
        }

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._step = memory["step"]
        self._open = {label: OpenEvent(*event) for label, event in memory["open"].items()}
        self._ended = dict(memory["ended"])

    def close(self) -> None:
        self.listener.close()
