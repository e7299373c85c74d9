"""PP-OCRv3's text detector (Li et al., "PP-OCRv3", arXiv 2206.03001): how likely each pixel belongs to shrunk text.

Outlines follow Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020: connected
pixels, the smallest rectangle around them, grown by what training had shrunk it. Pre-processing and limits are those of
the OpenCV zoo's demonstration, but for the aspect, which is kept here as in training. Weights of one fixed size and of
any are both served. How small a text is found is not compared with what is told of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.layout import Fit, Sizing, fitted, planes
from cortexia.models.base import Tensor
from cortexia.types import Picture

MEAN = np.array((123.675, 116.28, 103.53), np.float32)
DEVIATION = np.array((0.229, 0.224, 0.225), np.float32) * np.float32(255)
"""In the order of the channels, which are BGR: so it was trained."""

THRESHOLD = 0.5
LONGEST = 736
MAX_FOUND = 200
_IS_TEXT = 0.3
_GROWTH = 2.0
_MIN_SIDE = 3.0

_Outline = tuple[NDArray[np.float64], float]
"""Corners (4, 2) in the network's pixels, and a score."""


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Texts of one picture as parallel arrays, in order of falling score.

    ``corners``: (n, 4, 2) float32, x and y in pixels of the picture, clockwise from the text's top left, cut to the
    picture; ``scores``: (n,) float32 in [0, 1].
    """

    corners: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


class PpocrDetection:
    """Takes BGR less the mean and over the deviation of ImageNet, in the top left corner of black.

    The output: (1, height, width) in [0, 1]. Pixels above 0.3 that touch make a text; its score is their mean within
    the outline, and must exceed ``threshold``. Rectangles with a side under 3 pixels of the network are left out, and
    at most ``MAX_FOUND`` with the highest scores stay.
    """

    def __init__(self, sizing: Sizing, threshold: float = THRESHOLD) -> None:
        self._sizing = sizing
        self._threshold = threshold

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """(3, height, width)."""
        return planes((fitted(picture, self._fit(picture)).astype(np.float32) - MEAN) / DEVIATION)

    def read(self, outputs: Sequence[Tensor], picture: Picture) -> TextBatch:
        """Raises ``ConfigurationError`` for the output of another network."""
        fit = self._fit(picture)
        if outputs[0].shape != (wanted := (1, *fit.outer[::-1])):
            raise ConfigurationError(
                f"this is no detector of text: its output for {fit.outer[0]} x {fit.outer[1]} pixels is"
                f" {outputs[0].shape}, not {wanted}; name another adapter in its entry of the catalogue"
            )
        found = _outlines(outputs[0][0, : fit.inner[1], : fit.inner[0]].astype(np.float32), self._threshold)
        found = sorted(found, key=lambda outline: -outline[1])[:MAX_FOUND]
        corners = np.array([corners for corners, _ in found], np.float64).reshape(-1, 4, 2) * fit.scale
        scores = np.array([score for _, score in found], np.float32)
        return TextBatch(corners.clip(0.0, np.array(fit.picture, np.float64)).astype(np.float32), scores)

    def _fit(self, picture: Picture) -> Fit:
        return self._sizing.fit(picture.shape[1], picture.shape[0])


def _outlines(chances: NDArray[np.float32], threshold: float) -> list[_Outline]:
    """Texts in a map (height, width) of chances, in the order in which OpenCV finds their outlines."""
    # Outer outlines only: those of holes would be a second box inside the same text.
    contours, nesting = cv2.findContours((chances > _IS_TEXT).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for number, contour in enumerate(contours):
        if nesting[0, number, 3] != -1:
            continue
        middle, size, angle = cv2.minAreaRect(contour)
        # Contours run through the middles of pixels: half a pixel is missing on each side.
        width, height = size[0] + 1, size[1] + 1
        if min(width, height) < _MIN_SIDE or (score := _mean_inside(chances, contour)) <= threshold:
            continue
        growth = _GROWTH * width * height / (width + height)
        grown = (width + growth, height + growth)
        corners = cv2.boxPoints(((middle[0] + 0.5, middle[1] + 0.5), grown, angle))
        found.append((from_top_left(corners.astype(np.float64)), score))
    return found


def _mean_inside(chances: NDArray[np.float32], contour: NDArray[Any]) -> float:
    """The mean of ``chances`` on and inside an outline."""
    x, y, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.drawContours(inside, [contour], 0, 1, thickness=cv2.FILLED, offset=(-x, -y))
    return float(chances[y : y + height, x : x + width][inside == 1].mean(dtype=np.float64))


def from_top_left(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners (4, 2) of a rectangle clockwise, from the one whose next side leads most to the right."""
    sides = np.roll(corners, -1, axis=0) - corners
    is_clockwise = sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0] > 0
    if not is_clockwise:
        return from_top_left(corners[::-1])
    # Slopes are rounded, so that a square on its corner begins at the same one whatever its last digits.
    rightwards = (sides[:, 0] / np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-12)).round(6)
    return np.roll(corners, -int(rightwards.argmax()), axis=0)
