"""Local speakers of ten seconds of sound (A. Plaquet and H. Bredin, "Powerset multi-class cross entropy loss for neural
speaker diarization", Interspeech 2023), as ``pyannote/segmentation-3.0`` tells them.

The network tells at most three voices apart, two of them at once; which is which holds for these ten seconds alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.shares import shares
from cortexia.models.base import Tensor

RATE = 16_000
WINDOW = 160_000
"""Samples that go in at once."""
SPEAKERS = 3
_SETS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.bool_)
"""Who speaks, by class."""
_FIELD = 991
"""Samples that one frame of its answer is made from, the first of them at the beginning of the window."""


@dataclass(frozen=True, slots=True)
class LocalSpeakers:
    """Who speaks when. ``is_speaking``: (frames, 3); ``confidence``: (frames,), of what was chosen, in [0, 1]."""

    is_speaking: NDArray[np.bool_]
    confidence: NDArray[np.float32]

    def edges(self) -> NDArray[np.int64]:
        """(frames + 1,): samples of the window at which frames begin and end, each around its middle."""
        frames = len(self.is_speaking)
        step = (WINDOW - _FIELD) / max(1, frames - 1)
        middles = _FIELD / 2 + step * np.arange(frames)
        between = np.concatenate(([0.0], (middles[1:] + middles[:-1]) / 2, [float(WINDOW)]))
        return np.round(between).astype(np.int64)


class Pyannote:
    """Takes mono samples in [-1, 1] at 16 kHz, as they are. Gives for each frame of about 17 ms scores of the seven
    sets of at most two of three speakers: shares, their logarithms, or what these are made from."""

    def prepare(self, samples: NDArray[np.float32]) -> Tensor:
        """(1, 160000). What is shorter is filled up with silence."""
        filled = np.zeros((1, WINDOW), np.float32)
        filled[0, : len(samples)] = samples[:WINDOW]
        return filled

    def read(self, outputs: Sequence[Tensor], samples: NDArray[np.float32]) -> LocalSpeakers:
        """Raises ``ConfigurationError`` for the output of another network."""
        if outputs[0].ndim != 2 or outputs[0].shape[1] != len(_SETS):
            raise ConfigurationError(
                f"this network does not tell sets of three speakers: its output is {outputs[0].shape}, not"
                f" (frames, {len(_SETS)}); name another adapter in its entry of the catalogue"
            )
        told = shares(outputs[0].astype(np.float32))
        chosen = told.argmax(axis=1)
        return LocalSpeakers(_SETS[chosen], told.max(axis=1).astype(np.float32))
