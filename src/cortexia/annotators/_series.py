"""What a row of measured frames comes to: figures of one shot."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from cortexia.annotators._measures import SHARPNESS_THRESHOLD
from cortexia.types import Measure

MEASURED = (
    "sharpness",
    "exposure",
    "underexposed",
    "overexposed",
    "contrast",
    "noise_sigma",
    "entropy",
    "difference",
)
FLICKER_SAMPLES = 5
"""Fewest frames that flicker is told from: three of them have a neighbour on both sides."""

_NORMAL_MAD = 1.4826
_BLURRED = 0.5


def shot_values(samples: Sequence[Measure]) -> tuple[dict[str, float], dict[str, str]]:
    """Values of a shot from its frames, in order of time and at least one; and why others are missing.

    The first frame's difference is to another shot, or to nothing: it does not count.
    """
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in MEASURED:
        counted = samples[1:] if name == "difference" else samples
        series = [sample.values[name] for sample in counted if name in sample.values]
        values |= _extent(name, series)
        if not series:
            missing[name] = "fewer than two frames of this shot to compare were sampled"
    values |= _focus([sample.values["sharpness"] for sample in samples], missing)
    if len(samples) < FLICKER_SAMPLES:
        missing["flicker"] = f"fewer than {FLICKER_SAMPLES} frames of this shot were sampled"
    else:
        times = [sample.span.start.seconds for sample in samples]
        values["flicker"] = round(flicker(times, [sample.values["exposure"] for sample in samples]), 6)
    return values, missing


def _extent(name: str, series: Sequence[float]) -> Mapping[str, float]:
    if not series:
        return {}
    return {
        f"{name}_mean": round(statistics.fmean(series), 6),
        f"{name}_min": min(series),
        f"{name}_max": max(series),
    }


def _focus(series: Sequence[float], missing: dict[str, str]) -> Mapping[str, float]:
    """Sharpness against the shot's own median: the content that it also depends on stays much the same."""
    median = statistics.median(series)
    below = sum(value < SHARPNESS_THRESHOLD for value in series) / len(series)
    values = {"sharpness_median": round(median, 2), "unsharp_fraction": round(below, 6)}
    if not median:
        reason = "half of the frames show nothing that could be sharp"
        missing |= {"sharpness_relative_min": reason, "blurred_fraction": reason}
        return values
    blurred = sum(value < _BLURRED * median for value in series) / len(series)
    return values | {
        "sharpness_relative_min": round(min(series) / median, 6),
        "blurred_fraction": round(blurred, 6),
    }


def flicker(times: Sequence[float], exposures: Sequence[float]) -> float:
    """Spread of exposure from sample to sample, in fractions of full scale, with slow change taken out; 0 and up.

    From each sample the line through its neighbours (by their times, in seconds) is subtracted, and what is left is
    scaled to the standard deviation that independent variations would have: the pseudo-residuals of T. Gasser,
    L. Sroka and C. Jennen-Steinmetz, "Residual variance and residual pattern in nonlinear regression", Biometrika
    73(3), 1986. Their median magnitude counts, times 1.4826 (standard deviations of a normal distribution), so that
    a flash or somebody passing is no flicker. Light that alternates by +-a at each sample comes to 2.4 a.
    Needs three samples. Flicker whose period divides the sampling interval does not show.
    """
    at, light = np.asarray(times), np.asarray(exposures)
    before = (at[2:] - at[1:-1]) / (at[2:] - at[:-2])
    after = 1 - before
    residual = before * light[:-2] + after * light[2:] - light[1:-1]
    scaled = np.abs(residual) / np.sqrt(before**2 + after**2 + 1)
    return _NORMAL_MAD * float(np.median(scaled))
