"""What is measured of a second of sound to tell laughter and applause without weights, and what speaks for either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._levels import hop_length
from cortexia.spectra import Bands, Reals, frames_of, hann, magnitudes, mel_weights

RATE = 16_000
_FRAME, _HOP, _FFT = 400, 160, 512
_WINDOW = hann(_FRAME)
_BANDS = Bands(mel_weights(40, 100.0, 7600.0, _FFT, RATE) ** 2)
_FREQUENCIES = np.linspace(0.0, RATE / 2, _FFT // 2 + 1)
_FLAT = slice(16, 161)
"""Bins of 500 to 5000 Hz: where hands and breath sound, below what codecs cut off."""
_PITCH_LAGS = slice(32, 200)
"""80 to 500 Hz."""
_HEARD_DB = 25.0
"""Frames that are weaker than the loudest of the window by more than this say nothing of what sounds."""
_MIX = 1e-8


@dataclass(frozen=True, slots=True)
class SoundMeasures:
    """Of one window; of frames of 25 ms each 10 ms, those within 25 dB of the loudest.

    ``level``: of the loudest, dBFS. ``heard``: their share. ``voicing``: median peak of the autocorrelation at lags of
    2 to 12.5 ms, in [0, 1]. ``flatness``: mean spectral flatness between 500 and 5000 Hz, in [0, 1]: 0 a tone, 0.56
    white noise. ``centroid``: mean centre of the power spectrum, Hz. ``change``: variance over time of the log energies
    in 40 mel bands, the level taken out: small where one sound is repeated. ``swing``: standard deviation of the
    frames' levels, dB. ``rhythm``: share of the envelope's modulation of 1 to 20 Hz that lies in 3 to 8. ``pulses``:
    standard deviation of levels of 5 ms around their mean of 50 ms, dB: 0.7 for steady noise.
    """

    level: float
    heard: float
    voicing: float
    flatness: float
    centroid: float
    change: float
    swing: float
    rhythm: float
    pulses: float


def measure(samples: NDArray[np.float32]) -> SoundMeasures | None:
    """``samples``: mono at 16 kHz, 0.1 s at least. ``None`` for digital silence."""
    frames = frames_of(samples, _FRAME, _HOP)
    energies = np.add.reduce(frames.astype(np.float64) ** 2, axis=1) / _FRAME
    if not energies.max() > 0:
        return None
    levels = 10.0 * np.log10(energies + 1e-12)
    heard = levels > levels.max() - _HEARD_DB
    powers = magnitudes(frames, _WINDOW, _FFT) ** 2
    loud = powers[heard]
    return SoundMeasures(
        level=float(levels.max()),
        heard=float(heard.mean()),
        voicing=float(np.median(_voicing(loud))),
        flatness=float(_flatness(loud[:, _FLAT]).mean()),
        centroid=float(((loud * _FREQUENCIES).sum(axis=1) / (loud.sum(axis=1) + 1e-12)).mean()),
        change=_change(loud),
        swing=float(levels[heard].std()),
        rhythm=_rhythm(np.sqrt(energies)),
        pulses=_pulses(samples),
    )


def _voicing(powers: Reals) -> Reals:
    correlation = np.fft.irfft(powers, axis=1)
    return np.asarray(correlation[:, _PITCH_LAGS].max(axis=1) / (correlation[:, 0] + 1e-9))


def _flatness(powers: Reals) -> Reals:
    least = powers + 1e-10
    return np.asarray(np.exp(np.log(least).mean(axis=1)) / least.mean(axis=1))


def _change(powers: Reals) -> float:
    bands = np.log(_BANDS.sums(powers) + _MIX)
    return float((bands - bands.mean(axis=1, keepdims=True)).var(axis=0).mean())


def _rhythm(envelope: Reals) -> float:
    spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)), 256)) ** 2
    rates = np.fft.rfftfreq(256, _HOP / RATE)
    total = spectrum[(rates >= 1) & (rates <= 20)].sum()
    return float(spectrum[(rates >= 3) & (rates <= 8)].sum() / total) if total > 0 else 0.0


def _pulses(samples: NDArray[np.float32]) -> float:
    length = hop_length(RATE)
    hops = samples[: len(samples) // (10 * length) * 10 * length].astype(np.float64).reshape(-1, 10, length)
    levels = 10.0 * np.log10(np.add.reduce(hops * hops, axis=2) / length + 1e-12)
    means = levels.mean(axis=1, keepdims=True)
    heard = means[:, 0] >= means.max() - _HEARD_DB
    return float(np.sqrt(((levels - means)[heard] ** 2).mean()))


Slope = tuple[float, float]
"""Where a measure says nothing for a label, and where it says all."""

_LOUD = {"level": (-55.0, -35.0)}
LAUGHTER: Mapping[str, tuple[Slope, ...]] = {
    **{name: (slope,) for name, slope in _LOUD.items()},
    "heard": ((0.1, 0.5),),
    "voicing": ((0.18, 0.38), (0.95, 0.65)),
    "flatness": ((0.0, 0.06), (0.55, 0.35)),
    "centroid": ((300.0, 900.0), (4000.0, 2000.0)),
    "change": ((2.2, 0.8),),
    "swing": ((0.5, 3.0),),
    "rhythm": ((0.0, 0.25),),
}
"""Bursts of one breathy vowel: half voiced, noise in them, the same spectrum again and again, at syllables' pace."""
APPLAUSE: Mapping[str, tuple[Slope, ...]] = {
    **{name: (slope,) for name, slope in _LOUD.items()},
    "heard": ((0.4, 0.8),),
    "voicing": ((0.5, 0.15),),
    "flatness": ((0.1, 0.5),),
    "change": ((1.6, 0.5),),
    "swing": ((10.0, 3.0),),
    "pulses": ((0.8, 2.0),),
}
"""Short claps without pitch, too many to stand apart: noise whose level jumps from one 5 ms to the next."""


def score(found: SoundMeasures, signs: Mapping[str, tuple[Slope, ...]]) -> float:
    """How far the weakest of the ``signs`` is there, in [0, 1]: 0.5 is the middle of its slope."""
    return min(_along(getattr(found, name), slope) for name, slopes in signs.items() for slope in slopes)


def _along(value: float, slope: Slope) -> float:
    nothing, everything = slope
    return min(1.0, max(0.0, (value - nothing) / (everything - nothing)))
