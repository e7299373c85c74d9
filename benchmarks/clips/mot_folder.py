"""Detections and truth from a folder in the form of the MOT challenges."""

from __future__ import annotations

import configparser
from pathlib import Path

import numpy as np

from clips.tracked_scenes import Array, TrackedFrame

_PEDESTRIAN = 1
_COLUMNS_WITH_CLASSES = 9  # ten in the challenges of 2015, which have places in the world instead


def read_mot(folder: Path, per_second: float | None = None) -> tuple[float, list[TrackedFrame]]:
    """Frames a second (as given, else as ``seqinfo.ini`` says, else 25) and all frames, also those without a box.

    Truth (``gt/gt.txt``) that is marked as not to be counted, or is no pedestrian, is left out. Confidences
    (``det/det.txt``) that do not all lie in 0 .. 1 are spread evenly over 0.1 .. 1; equal ones count as 1.
    """
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",", ndmin=2)
    has_classes = truth.shape[1] == _COLUMNS_WITH_CLASSES
    truth = truth[(truth[:, 6] != 0) & ((truth[:, 7] == _PEDESTRIAN) if has_classes else True)]
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",", ndmin=2)
    scores = _in_range(found[:, 6])
    rate = per_second or _rate(folder / "seqinfo.ini")
    frames = []
    for number in range(1, int(max(truth[:, 0].max(), found[:, 0].max())) + 1):
        real, said = truth[:, 0] == number, found[:, 0] == number
        named = np.column_stack((truth[real, 1], _corners(truth[real, 2:6])))
        frames.append(TrackedFrame((number - 1) / rate, named, _corners(found[said, 2:6]), scores[said]))
    return rate, frames


def _rate(path: Path) -> float:
    parser = configparser.ConfigParser()
    parser.read(path)
    return parser.getfloat("Sequence", "frameRate", fallback=25.0)


def _corners(boxes: Array) -> Array:
    return np.concatenate((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), axis=1)


def _in_range(scores: Array) -> Array:
    low, high = scores.min(), scores.max()
    if low == high:
        return np.ones(len(scores))
    return scores if low >= 0.0 and high <= 1.0 else 0.1 + 0.9 * (scores - low) / (high - low)
