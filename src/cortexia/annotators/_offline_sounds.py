"""Laughter and applause without weights of their own: measures of the sound, and a network that knows speech."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._listeners import Score
from cortexia.annotators._sound_signs import APPLAUSE, LAUGHTER, RATE, measure, score
from cortexia.models.silero import CHUNK, SpeechDetector

SIGNS = {"laughter": LAUGHTER, "applause": APPLAUSE}
LABELS = tuple(SIGNS)
VOICED = "laughter"
"""What may be taken for speech."""
THRESHOLD = 0.6
_WORTH_ASKING = 0.3
"""Below, no event goes on; so speech itself, which lacks the signs, costs no run of the network."""
_HEARD_DB = 25.0
_SURE, _NONE = 0.7, 0.1
"""Mean probability of speech at which a second is speech, and at which it is none."""


class OfflineListener:
    """Scores of ``LABELS``: how far the weakest of a label's signs is there. One of laughter is that nobody speaks.

    A window is a second. The network Silero VAD, whose weights come with a package, begins anew half a second
    before each, and is asked only where the rest says laughter.
    """

    lead = RATE // 2
    window = RATE
    hop = RATE // 4

    def __init__(self, labels: Sequence[str] = LABELS) -> None:
        self._labels = tuple(labels)
        self._speech = SpeechDetector()

    def scores(self, samples: NDArray[np.float32]) -> list[Score]:
        found = measure(samples[self.lead :])
        values = {label: 0.0 if found is None else score(found, SIGNS[label]) for label in self._labels}
        if values.get(VOICED, 0.0) >= _WORTH_ASKING:
            silent = (_SURE - self._talk(samples)) / (_SURE - _NONE)
            values[VOICED] = min(values[VOICED], max(0.0, silent))
        return [Score(label, round(value, 4)) for label, value in values.items()]

    def _talk(self, samples: NDArray[np.float32]) -> float:
        """Mean probability of speech over the chunks of the window within 25 dB of its loudest."""
        self._speech.reset()
        chunks = samples[: len(samples) // CHUNK * CHUNK].reshape(-1, CHUNK)
        odds = np.array([self._speech.probability(chunk) for chunk in chunks])
        powers = np.add.reduce(chunks.astype(np.float64) ** 2, axis=1)
        judged = np.arange(len(chunks)) * CHUNK >= self.lead
        heard = judged & (powers >= powers[judged].max() * 10 ** (-_HEARD_DB / 10))
        return float(odds[heard].mean())

    def close(self) -> None:
        """Nothing to give back."""
