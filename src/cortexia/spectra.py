"""Short-time spectra of sound: frames, magnitudes, mel bands.

Sums over many rows at once may differ in the last bit with their number, so whoever must say the same of a moment,
however its sound was cut into blocks, asks for the same number of frames each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def frames_of(samples: NDArray[np.float32], length: int, hop: int) -> NDArray[np.float32]:
    """Whole frames of ``length`` samples, one at each multiple of ``hop``: (n, length), a view."""
    if len(samples) < length:
        return np.zeros((0, length), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]


def hann(length: int) -> Reals:
    """Periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length))


def magnitudes(frames: NDArray[np.floating[Any]], window: Reals, fft_size: int) -> Reals:
    """Magnitude spectra of windowed frames: (n, fft_size // 2 + 1)."""
    return np.abs(np.fft.rfft(frames * window, fft_size))


def hz_to_mel(hz: float | Reals) -> Reals:
    """The mel scale of HTK: 1127 ln(1 + hz / 700)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))


def mel_weights(bands: int, low_hz: float, high_hz: float, fft_size: int, rate: int) -> Reals:
    """Triangles on the mel scale that add magnitudes up to bands: (fft_size // 2 + 1, bands). The constant is left
    out."""
    edges = np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), bands + 2)
    places = hz_to_mel(np.linspace(0.0, rate / 2, fft_size // 2 + 1))[:, None]
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


class Bands:
    """Sums over bins with ``weights`` (bins, bands) of which each band has few that are not zero, next to each other.

    Not by BLAS: its sums may depend on the number of threads. And what is zero is left out.
    """

    def __init__(self, weights: Reals) -> None:
        first = (weights > 0).argmax(axis=0)
        width = int((weights > 0).sum(axis=0).max())
        self._bins = np.minimum(first[:, None] + np.arange(width), len(weights) - 1)
        inside = first[:, None] + np.arange(width) < len(weights)
        self._weights = np.where(inside, np.take_along_axis(weights.T, self._bins, axis=1), 0.0)

    def sums(self, spectra: Reals) -> Reals:
        """(n, bands) from (n, bins)."""
        return np.asarray(np.add.reduce(spectra[:, self._bins] * self._weights, axis=2))
