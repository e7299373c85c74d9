"""What of a box belongs to the thing in it, without weights: by its colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.rle import Bitmap
from cortexia.types import BBox, Picture

_SIDE = 160
_MARGIN = 0.2
_OUTER, _CORE = 1.1, 0.5
_ITERATIONS = 1
_COMPONENTS = (1, 65)


@dataclass(frozen=True, slots=True)
class Boxed:
    """A picture (BGR, uint8, (h, w, 3)) and, in its pixels, boxes with the label of what is in each."""

    picture: Picture
    boxes: Sequence[BBox]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Segment:
    """``bitmap``: (height, width) of the picture, true where the thing is. ``confidence``: in [0, 1], or ``None``."""

    bitmap: Bitmap
    confidence: float | None


class ColourSegmenter:
    """GrabCut (Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
    SIGGRAPH 2004) in a box and a fifth around it, with the longer side at most 160 pixels.

    Sure to belong to the thing is an ellipse of half the box's size; likely, one that reaches a tenth beyond its sides;
    unlikely, what lies in the corners; outside the box, nothing does. It knows no confidence.
    """

    def segment(self, asked: Sequence[Boxed]) -> list[list[Segment]]:
        return [[Segment(_within(one.picture, box), None) for box in one.boxes] for one in asked]

    def close(self) -> None:
        """It holds nothing."""


def _within(picture: Picture, box: BBox) -> Bitmap:
    height, width = picture.shape[:2]
    bitmap = np.zeros((height, width), bool)
    left, top = max(0, math.floor(box.x1 - _MARGIN * box.width)), max(0, math.floor(box.y1 - _MARGIN * box.height))
    right = min(width, math.ceil(box.x2 + _MARGIN * box.width))
    bottom = min(height, math.ceil(box.y2 + _MARGIN * box.height))
    if right - left < 2 or bottom - top < 2:
        return bitmap
    crop = picture[top:bottom, left:right]
    inside = BBox(box.x1 - left, box.y1 - top, box.x2 - left, box.y2 - top)
    bitmap[top:bottom, left:right] = _cut_out(crop, inside)
    return bitmap


def _cut_out(crop: Picture, box: BBox) -> Bitmap:
    height, width = crop.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if scale < 1 else np.ascontiguousarray(crop)
    seeds = _seeds(size, BBox(box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale))
    if {cv2.GC_BGD, cv2.GC_PR_BGD}.isdisjoint(np.unique(seeds).tolist()):
        return np.ones((height, width), bool)
    # the means that it begins with are drawn at random
    cv2.setRNGSeed(0)
    models = np.zeros(_COMPONENTS), np.zeros(_COMPONENTS)
    cv2.grabCut(small, seeds, (0, 0, *size), *models, _ITERATIONS, cv2.GC_INIT_WITH_MASK)
    belongs = ((seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)).astype(np.uint8) * 255
    return np.asarray(cv2.resize(belongs, (width, height), interpolation=cv2.INTER_LINEAR) > 127)


def _seeds(size: tuple[int, int], box: BBox) -> NDArray[np.uint8]:
    """What is thought of each pixel (height, width) before any colour was looked at."""
    width, height = size
    seeds = np.full((height, width), cv2.GC_BGD, np.uint8)
    left, top = min(width - 1, max(0, round(box.x1))), min(height - 1, max(0, round(box.y1)))
    right, bottom = min(width, max(left + 1, round(box.x2))), min(height, max(top + 1, round(box.y2)))
    # distance from the middle of the box, in half sides
    across = (np.arange(left, right) + 0.5 - (box.x1 + box.x2) / 2) / max(1e-6, box.width / 2)
    down = (np.arange(top, bottom) + 0.5 - (box.y1 + box.y2) / 2) / max(1e-6, box.height / 2)
    away = np.hypot(across[None, :], down[:, None])
    part = seeds[top:bottom, left:right]
    part[...] = cv2.GC_PR_BGD
    part[away <= _OUTER] = cv2.GC_PR_FGD
    part[away <= _CORE] = cv2.GC_FGD
    # boxes of less than a pixel across may hold no pixel's middle: what is nearest to theirs belongs to the thing
    part[np.unravel_index(away.argmin(), away.shape)] = cv2.GC_FGD
    return seeds
