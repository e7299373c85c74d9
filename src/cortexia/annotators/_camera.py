"""What the camera did over a shot, from its motion between frames: numbers, and one word for them."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]

MOVES = ("pan", "tilt", "zoom", "roll")
_EDGE = {"pan": 1.0, "tilt": 1.0, "zoom": 0.5, "roll": math.pi}
_SMOOTH_S = 1.0
_MOVING = 0.01
_TREMBLING = 0.02
_NOTABLE = 0.5


@dataclass(slots=True)
class CameraPath:
    """Motion between frames in the order of time, as plain numbers: a shot may last for hours.

    ``seconds``: from the first frame of a pair to the second. ``middle``: seconds of its middle, on any clock.
    """

    seconds: array[float] = field(default_factory=lambda: array("d"))
    middle: array[float] = field(default_factory=lambda: array("d"))
    moves: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in MOVES})
    residual: array[float] = field(default_factory=lambda: array("d"))
    unmeasured_s: float = 0.0


def summarise(path: CameraPath) -> tuple[dict[str, float], str]:
    """Numbers of a path that has at least one pair, and the kind of its motion."""
    seconds, residual = np.array(path.seconds), np.array(path.residual)
    lines = {name: np.array(path.moves[name]) for name in MOVES}
    steady = {name: _smoothed(line, seconds, np.array(path.middle)) for name, line in lines.items()}
    values: dict[str, float] = {}
    for name, line in lines.items():
        values |= {
            f"{name}_mean": _mean(line, seconds),
            f"{name}_rms": _rms(line, seconds),
            f"{name}_min": float(line.min()),
            f"{name}_max": float(line.max()),
        }
    values["shake"] = _shake(lines, steady, seconds)
    values["path_length"] = float(np.hypot(lines["pan"], lines["tilt"]) @ seconds)
    values["residual_mean"] = _mean(residual, seconds)
    values["residual_max"] = float(residual.max())
    values["measured_s"] = float(seconds.sum())
    values["unmeasured_s"] = path.unmeasured_s
    speeds = {name: _mean(np.abs(line), seconds) * _EDGE[name] for name, line in steady.items()}
    return {name: round(value, 6) + 0.0 for name, value in values.items()}, camera_kind(speeds, values["shake"])


def camera_kind(speeds: dict[str, float], shake: float) -> str:
    """``static``, ``pan``, ``tilt``, ``zoom``, ``roll``, ``handheld`` or ``mixed``.

    ``speeds``: how fast each steady move carries the edge of the picture, in frames per second, mean magnitude.
    A move counts from 0.01 on, shake (``handheld``) from 0.02 on, and only what reaches half of the strongest; more
    than one of them is ``mixed``. A zoom towards a point within the picture carries the centre along, no faster than
    the edge: such a pan or tilt is part of it.
    """
    present = {name: speed for name, speed in speeds.items() if speed >= _MOVING}
    if shake >= _TREMBLING:
        present["handheld"] = shake
    notable = [name for name, strength in present.items() if strength >= _NOTABLE * max(present.values())]
    if "zoom" in notable:
        notable = [name for name in notable if name not in ("pan", "tilt") or present[name] > present["zoom"]]
    if not notable:
        return "static"
    return notable[0] if len(notable) == 1 else "mixed"


def _shake(lines: dict[str, Line], steady: dict[str, Line], seconds: Line) -> float:
    """What is left of pan, tilt and roll beside their running mean, at the edge of the picture: mean magnitude."""
    left = sum(((lines[name] - steady[name]) * _EDGE[name]) ** 2 for name in ("pan", "tilt", "roll"))
    return _mean(np.sqrt(cast(Line, left)), seconds)


def _smoothed(line: Line, seconds: Line, middle: Line) -> Line:
    """Mean over the second around each pair, as far as there is one, weighted by time."""
    first = np.searchsorted(middle, middle - _SMOOTH_S / 2, "left")
    stop = np.searchsorted(middle, middle + _SMOOTH_S / 2, "right")
    travelled = np.concatenate(([0.0], np.cumsum(line * seconds)))
    elapsed = np.concatenate(([0.0], np.cumsum(seconds)))
    return np.asarray((travelled[stop] - travelled[first]) / (elapsed[stop] - elapsed[first]))


def _mean(line: Line, seconds: Line) -> float:
    return float(line @ seconds / seconds.sum())


def _rms(line: Line, seconds: Line) -> float:
    return math.sqrt(_mean(line**2, seconds))
