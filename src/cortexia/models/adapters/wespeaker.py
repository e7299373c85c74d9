"""WeSpeaker (Wang et al., "Wespeaker: A research and production oriented speaker embedding learning toolkit", ICASSP
2023): vectors that stand for voices.

Features are those of Kaldi's ``compute-fbank-feats`` as the authors call it: 25 ms every 10 ms, the mean taken off each
frame, pre-emphasis 0.97, Hamming window, power spectrum, 80 triangles between 20 Hz and 8 kHz, natural logarithm; then
the mean of each band over the whole stretch is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError, ValidationError
from cortexia.models.adapters.vectors import unit
from cortexia.models.base import Tensor
from cortexia.spectra import frames_of, mel_weights

RATE = 16_000
SHORTEST = 2400
"""Samples, at least: the network halves its input three times."""
_FRAME, _HOP, _FFT = 400, 160, 512
_BANDS = 80
_LOUDEST = 32768.0
_WINDOW = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(_FRAME) / (_FRAME - 1))
_WEIGHTS = mel_weights(_BANDS, 20.0, 8000.0, _FFT, RATE)


class Wespeaker:
    """Takes log energies in 80 bands, (frames, 80). Gives a vector."""

    def prepare(self, samples: NDArray[np.float32]) -> Tensor:
        """Of mono samples in [-1, 1] at 16 kHz. Raises ``ValidationError`` for fewer than ``SHORTEST``."""
        if len(samples) < SHORTEST:
            raise ValidationError(f"{len(samples)} samples of a voice are too few, {SHORTEST} it takes")
        told = log_bands(samples)
        return np.asarray(told - told.mean(axis=0), np.float32)

    def read(self, outputs: Sequence[Tensor], samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(dimension,), of length 1. Raises ``ConfigurationError`` for the output of another network."""
        if outputs[-1].ndim != 1:
            raise ConfigurationError(
                f"this network gives no vector of a voice: its output is {outputs[-1].shape}; name another adapter in"
                " its entry of the catalogue"
            )
        return unit(outputs[-1])


def log_bands(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """(frames, 80)."""
    frames = frames_of(samples, _FRAME, _HOP).astype(np.float64) * _LOUDEST
    frames = frames - frames.mean(axis=1, keepdims=True)
    lifted = frames - 0.97 * np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    power = np.abs(np.fft.rfft(lifted * _WINDOW, _FFT)) ** 2
    return np.asarray(np.log(np.maximum(np.einsum("nf,fb->nb", power, _WEIGHTS), np.finfo(np.float32).eps)))
