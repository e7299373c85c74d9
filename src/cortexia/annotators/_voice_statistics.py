"""What a voice sounds like without weights: how the short-time spectra of its voiced sounds are spread.

Cepstra after S. B. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
recognition in continuously spoken sentences", IEEE Trans. ASSP 28 (1980); mean and covariance over a stretch of speech
after H. Gish, M.-H. Siu and R. Rohlicek, "Segregation of speakers for speech recognition and speaker identification",
ICASSP 1991.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cortexia.spectra import frames_of, hann, magnitudes, mel_weights

NAME = "offline-voice-1"
RATE = 16_000
CEPSTRA = 16
"""Without the first one, the level. Those higher than usual tell voices apart by their pitch."""
MOMENTS = CEPSTRA + CEPSTRA * (CEPSTRA + 1) // 2
"""Means, and the upper triangle of the covariance, row by row."""
Reals = NDArray[np.float64]

_FRAME, _HOP, _FFT = 400, 160, 512
_BANDS = 30
_FLOOR = 1e-6
_PITCH_FRAME, _PITCH_FFT = 640, 2048
_LAGS = slice(40, 267)
"""Of 60 .. 400 Hz."""
_VOICED = 0.5
"""Share of a frame's energy, at least, that comes again after one period."""
_MIN_FRAMES = 3
_UPPER = np.triu_indices(CEPSTRA)


@dataclass(frozen=True, slots=True)
class VoiceStatistics:
    """``count`` voiced frames of 10 ms, the sum of their cepstra (16,), and of the products of these (16, 16)."""

    count: float
    sums: Reals
    products: Reals

    @classmethod
    def of(cls, samples: NDArray[np.float32]) -> Self | None:
        """Of samples in [-1, 1] at 16 kHz; ``None`` where too little of it is voiced to say anything."""
        shown = cepstra(samples)
        shown = shown[is_voiced(samples, len(shown))]
        if len(shown) < _MIN_FRAMES:
            return None
        return cls(float(len(shown)), shown.sum(axis=0), np.einsum("ni,nj->ij", shown, shown))

    @classmethod
    def unpacked(cls, count: float, moments: str) -> Self:
        """What ``packed`` told. Raises ``ValueError`` for anything else."""
        values = np.frombuffer(base64.b64decode(moments, validate=True), "<f4").astype(np.float64)
        if len(values) != MOMENTS:
            raise ValueError(f"{len(values)} moments, not {MOMENTS}")
        mean, spread = values[:CEPSTRA], np.zeros((CEPSTRA, CEPSTRA))
        spread[_UPPER] = values[CEPSTRA:]
        spread = spread + np.triu(spread, 1).T
        return cls(float(count), mean * count, (spread + np.outer(mean, mean)) * count)

    @property
    def moments(self) -> tuple[Reals, Reals]:
        """Mean (16,) and covariance (16, 16)."""
        mean = self.sums / self.count
        return mean, self.products / self.count - np.outer(mean, mean)

    def packed(self) -> str:
        """Means and covariances (``MOMENTS``) as little-endian float32 in base64."""
        mean, spread = self.moments
        return base64.b64encode(np.concatenate((mean, spread[_UPPER])).astype("<f4").tobytes()).decode("ascii")

    def vector(self) -> Reals:
        """(32,): means, and logarithms of standard deviations, as they lie about those of voices in general."""
        mean, spread = self.moments
        deviation = np.log(np.sqrt(np.maximum(np.diag(spread), _FLOOR)))
        return np.asarray((np.concatenate((mean, deviation)) - _USUAL) / _SPREAD)


def cepstra(samples: NDArray[np.float32]) -> Reals:
    """(n, 16): one row for each whole frame of 25 ms, at each 10 ms."""
    lifted = np.empty_like(samples)
    lifted[:1] = samples[:1]
    lifted[1:] = samples[1:] - np.float32(0.97) * samples[:-1]
    power = magnitudes(frames_of(lifted, _FRAME, _HOP), hann(_FRAME), _FFT) ** 2
    levels = np.log(np.einsum("nf,fb->nb", power, _WEIGHTS) + _FLOOR)
    return np.asarray(np.einsum("nb,bc->nc", levels, _COSINES))


def is_voiced(samples: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """(count,): whether the 40 ms from each multiple of 10 ms repeat themselves with a period of 2.5 .. 16.7 ms. By the
    autocorrelation, that of the window divided out (P. Boersma, "Accurate short-term analysis of the fundamental
    frequency", IFA Proceedings 17 (1993)). A frame that is not whole is not voiced."""
    frames = frames_of(samples, _PITCH_FRAME, _HOP)[:count]
    voiced = np.zeros(count, np.bool_)
    if not len(frames):
        return voiced
    centred = frames - frames.mean(axis=1, keepdims=True)
    again = np.fft.irfft(magnitudes(centred, hann(_PITCH_FRAME), _PITCH_FFT) ** 2)
    share = again[:, _LAGS] / np.maximum(again[:, :1], 1e-9) / _WINDOW_AGAIN
    voiced[: len(frames)] = share.max(axis=1) > _VOICED
    return voiced


def _cosines() -> Reals:
    """(30, 16): the discrete cosine transform (type II, orthonormal), without its first column."""
    places, orders = np.arange(_BANDS)[:, None] + 0.5, np.arange(1, CEPSTRA + 1)
    return np.asarray(np.sqrt(2 / _BANDS) * np.cos(np.pi / _BANDS * places * orders))


def _window_again() -> Reals:
    again = np.fft.irfft(np.abs(np.fft.rfft(hann(_PITCH_FRAME), _PITCH_FFT)) ** 2)
    return np.asarray(again[_LAGS] / again[0])


_WEIGHTS = mel_weights(_BANDS, 80.0, 7600.0, _FFT, RATE)
_COSINES = _cosines()
_WINDOW_AGAIN = _window_again()
_USUAL = np.array(
    [
        *(1.72, 0.07, 3.6, -0.76, -1.2, -0.21, -1.34, 0.2, -0.25, 0.11, 0.05, -0.37, 0.16, 0.01, -0.4, -0.15),
        *(1.37, 1.09, 0.98, 0.78, 0.62, 0.58, 0.46, 0.3, 0.27, 0.17, 0.05, 0.05, -0.02, -0.15, -0.18, -0.29),
    ]
)
"""What lies in the middle of voices: the mean over 20 recordings of 30 s and less, of meetings, of readers, and of a
synthesizer's voices."""
_SPREAD = np.array(
    [
        *(2.51, 2.14, 2.31, 1.8, 1.36, 1.51, 1.02, 0.95, 0.94, 0.78, 0.72, 0.61, 0.66, 0.59, 0.58, 0.49),
        *(0.33, 0.3, 0.38, 0.35, 0.3, 0.32, 0.3, 0.28, 0.3, 0.29, 0.28, 0.29, 0.28, 0.27, 0.27, 0.27),
    ]
)
"""How far pieces of half a second lie about that, within one of these recordings."""
