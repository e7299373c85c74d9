"""Where a sound begins and ends, on the envelope of its level: networks hear windows of a second, ears do not.

The envelope is made of the samples at hand, in hops of 5 ms. The rows of ``loudness`` give it in steps of 50 ms and
whole decibels, and with them its options would be part of the identity of these runs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._levels import hop_length

QUIET_DB = 20.0
"""What is this far below the loudest hop of the window is not the sound that was heard in it."""
PAUSE_HOPS = 20
"""Shorter pauses (100 ms) are part of a sound: laughter and speech have some between bursts."""


def hop_powers(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Mean square of each whole hop of 5 ms."""
    length = hop_length(rate)
    rows = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)
    return np.asarray(np.add.reduce(rows * rows, axis=1) / length)


def pauses(powers: NDArray[np.float64], loudest: float) -> list[tuple[int, int]]:
    """Runs of at least ``PAUSE_HOPS`` hops that are ``QUIET_DB`` below ``loudest`` (mean square): first, one after."""
    quiet = powers <= loudest * 10 ** (-QUIET_DB / 10)
    bounds = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8))).tolist()
    return [(first, last) for first, last in list(pairwise(bounds))[::2] if last - first >= PAUSE_HOPS]


def onset(before: NDArray[np.float32], window: NDArray[np.float32], until: int, rate: int) -> int | None:
    """Where the loudest sound of ``window`` begins: with the end of the last pause before it, of those that begin in
    ``before`` or the first ``until`` samples of ``window``. In samples from the start of ``window``, below zero in
    ``before``; ``None``: there is no pause."""
    length = hop_length(rate)
    cut = len(before) // length
    powers = np.concatenate((hop_powers(before[len(before) - cut * length :], rate), hop_powers(window, rate)))
    loudest = cut + int(powers[cut:].argmax())
    found = [
        last for first, last in pauses(powers, powers[loudest]) if last <= loudest and (first - cut) * length <= until
    ]
    return (found[-1] - cut) * length if found else None


def ending(window: NDArray[np.float32], since: int, rate: int) -> int | None:
    """Where the loudest sound of ``window`` ends: with the start of the first pause after it, of those that end after
    sample ``since``. ``None``: there is no pause."""
    powers, length = hop_powers(window, rate), hop_length(rate)
    loudest = int(powers.argmax())
    found = [first for first, last in pauses(powers, powers[loudest]) if first > loudest and last * length >= since]
    return found[0] * length if found else None
