"""A Kalman filter with constant velocity for many boxes at once, over any span of time.

The states of n boxes are one array (5, 4, n): value, speed per second, and the three numbers of their covariance
(value, both, speed), each for centre x, centre y, width and height. Values are pixels. Covariances are in sizes of the
box (the mean of width and height) squared: so large boxes may be off by more pixels, and the numbers need not know how
large. The four do not know of each other, so that all is done element by element: no matrix is inverted, and results
are the same for any number of boxes. Noise is white acceleration.
"""

from __future__ import annotations

import functools

import numpy as np

from cortexia.trackers.base import Floats

VALUE, SPEED, VALUE_VARIANCE, COVARIANCE, SPEED_VARIANCE = range(5)

_MEASURED = np.array([[0.05], [0.05], [0.08], [0.08]]) ** 2
"""Variance of a detector's box, in sizes squared."""
_UNKNOWN_SPEED = np.array([[1.5], [1.0], [0.3], [0.3]]) ** 2
"""Variance of the speed of a box seen once, in sizes squared per second squared."""
_ACCELERATION = np.array([[1.0], [1.0], [0.1], [0.1]]) ** 2
"""Strength of the noise, in sizes squared per second cubed."""


def centred(boxes: Floats) -> Floats:
    """(4, n) edges x1, y1, x2, y2 to centre x, centre y, width, height."""
    low, high = boxes[:2], boxes[2:]
    return np.concatenate(((low + high) * 0.5, high - low))


def cornered(centres: Floats) -> Floats:
    """(4, n) centre x, centre y, width, height to edges; sides are one pixel long at least."""
    middle, half = centres[:2], np.maximum(centres[2:], 1.0) * 0.5
    return np.concatenate((middle - half, middle + half))


def sizes(centres: Floats) -> Floats:
    """(n,): mean of width and height, one pixel at least."""
    means: Floats = np.maximum((centres[2] + centres[3]) * 0.5, 1.0)
    return means


def begun(centres: Floats) -> Floats:
    """States (5, 4, n) of boxes (4, n) seen once, at rest as far as is known."""
    states = np.zeros((5, *centres.shape))
    states[VALUE] = centres
    states[VALUE_VARIANCE] = _MEASURED
    states[SPEED_VARIANCE] = _UNKNOWN_SPEED
    return states


def predict(states: Floats, seconds: float) -> None:
    """Carry states (5, 4, n) on by ``seconds``, in place. In one step or in several, what comes out is the same."""
    value, speed, first, both, second = states
    value += seconds * speed
    drift = seconds * second
    drift += both
    both += drift
    both *= seconds
    first += both
    both[...] = drift
    states[VALUE_VARIANCE:] += _noise(seconds)


@functools.lru_cache(maxsize=256)
def _noise(seconds: float) -> Floats:
    """(3, 4, 1): what ``seconds`` of white acceleration add to a covariance."""
    return np.stack((_ACCELERATION * (seconds**3 / 3), _ACCELERATION * (seconds**2 / 2), _ACCELERATION * seconds))


def corrected(states: Floats, centres: Floats) -> Floats:
    """States (5, 4, n) once the boxes ``centres`` (4, n) were seen."""
    variances = states[VALUE_VARIANCE:SPEED_VARIANCE]
    gains = variances / (variances[0] + _MEASURED)
    better = np.empty_like(states)
    better[:VALUE_VARIANCE] = states[:VALUE_VARIANCE] + gains * (centres - states[VALUE])
    better[VALUE_VARIANCE:SPEED_VARIANCE] = variances * (1.0 - gains[0])
    better[SPEED_VARIANCE] = states[SPEED_VARIANCE] - gains[1] * variances[1]
    return better
