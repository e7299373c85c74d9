"""What ``shots`` remembers of a frame: small planes, and how far two of them are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.types import Frame, Picture, Timestamp, ViewSpec

LOOK_VIEW = ViewSpec(size=(128, 72), pixel_format="i420", resample="fast")
"""Planes as stored: no colour conversion, and 2 of 225 pixels touched at 1080p."""

_WIDTH, _HEIGHT = 64, 36
_CHROMA = (32, 18)
_MINI = (32, 18)
_BLOCK_W, _BLOCK_H = 16, 12
_REACH_X, _REACH_Y = 8, 6
_FLAT_STD = 1.5

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """A frame at a glance. ``luma`` (36, 64), ``chroma`` (36, 32) both planes stacked, uint8 as stored.

    ``mini`` is the float32 vector (1152,) of coarse luma, less its mean, and coarse chroma: pictures in it mix
    linearly, and light that merely changes moves it little.
    ``level`` and ``contrast``: mean and standard deviation of the luma. ``change``: distance to the frame before, in
    steps of 1/255 (0 for the first frame).
    """

    index: int
    start: Timestamp
    end: Timestamp
    time_s: float
    luma: Plane
    chroma: Plane
    mini: NDArray[np.float32]
    level: float
    contrast: float
    change: float


def look_at(frame: Frame, before: Look | None) -> Look:
    """The look of ``frame``; ``before`` is that of the frame just before it."""
    luma, chroma = _shrink(frame.view(LOOK_VIEW))
    level, contrast = cv2.meanStdDev(luma)
    coarse = cv2.subtract(cv2.resize(luma, _MINI, interpolation=cv2.INTER_AREA), level[0, 0], dtype=cv2.CV_32F)
    mini = np.concatenate((coarse, chroma[::2, ::2]), axis=None, dtype=np.float32)
    return Look(
        index=frame.index,
        start=frame.timestamp,
        end=frame.end,
        time_s=frame.timestamp.seconds,
        luma=luma,
        chroma=chroma,
        mini=mini,
        level=float(level[0, 0]),
        contrast=float(contrast[0, 0]),
        change=0.0 if before is None else change_between(before.luma, before.chroma, luma, chroma),
    )


def _shrink(view: Picture) -> tuple[Plane, Plane]:
    """Averages 2 x 2 pixels of the view, which takes grain away that the fast scaler lets through."""
    luma = cv2.resize(view[:72], (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    chroma = cv2.resize(view[72:].reshape(72, 64), (32, 36), interpolation=cv2.INTER_AREA)
    return cast(Plane, luma), cast(Plane, chroma)


def change_between(luma_a: Plane, chroma_a: Plane, luma_b: Plane, chroma_b: Plane) -> float:
    """Mean absolute difference of luma plus that of both chroma planes, in steps of 1/255."""
    return cv2.norm(luma_a, luma_b, cv2.NORM_L1) / luma_a.size + 2 * cv2.norm(chroma_a, chroma_b, cv2.NORM_L1) / (
        chroma_a.size
    )


def distance(a: Look, b: Look) -> float:
    return change_between(a.luma, a.chroma, b.luma, b.chroma)


def likeness(a: Look, b: Look) -> float:
    """How much of the texture of ``a`` is found in ``b``, in [0, 1], whatever moved and however brightness changed.

    Each block of 16 x 12 of the luma of ``a`` is sought within 8 x 6 pixels (an eighth of the width) in ``b`` by
    zero-mean normalised cross-correlation; the best scores are averaged, weighted by the blocks' contrast. Two
    pictures without texture are alike.
    """
    total = weight_sum = 0.0
    for y in range(0, _HEIGHT, _BLOCK_H):
        for x in range(0, _WIDTH, _BLOCK_W):
            block = a.luma[y : y + _BLOCK_H, x : x + _BLOCK_W]
            weight = float(block.std()) - _FLAT_STD
            if weight <= 0:
                continue
            area = b.luma[
                max(0, y - _REACH_Y) : y + _BLOCK_H + _REACH_Y, max(0, x - _REACH_X) : x + _BLOCK_W + _REACH_X
            ]
            total += weight * max(0.0, float(cv2.matchTemplate(area, block, cv2.TM_CCOEFF_NORMED).max()))
            weight_sum += weight
    return min(1.0, total / weight_sum) if weight_sum else 1.0
