"""Things that move through a scene. Each touches all four sides of its box: boxes are exact to two pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from cortexia.testing.spec import Colour, Mover
from cortexia.types import Picture

Corners = tuple[float, float, float, float]
_SHIFT = 4  # OpenCV draws at 1/16 pixel

ASPECT = {"ball": 1.0, "car": 2.2, "bird": 2.4, "boat": 1.1, "balloon": 0.72}
"""Width over height of each shape."""


def draw_mover(picture: Picture, mover: Mover, corners: Corners) -> None:
    """Draw into a BGR picture; ``corners`` are xyxy pixels and may reach out of it."""
    _PAINTERS[mover.shape](_Pen(picture, corners), mover.colour)


class _Pen:
    """Draws in fractions of a box."""

    def __init__(self, picture: Picture, corners: Corners) -> None:
        self._picture = picture
        self._left, self._top = corners[0], corners[1]
        self._width, self._height = corners[2] - corners[0], corners[3] - corners[1]

    def _point(self, x: float, y: float) -> tuple[int, int]:
        # OpenCV puts pixel centres at whole numbers, boxes put pixel edges there
        scale = 1 << _SHIFT
        return round((self._left + x * self._width - 0.5) * scale), round((self._top + y * self._height - 0.5) * scale)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        axes = (round(across / 2 * self._width * (1 << _SHIFT)), round(down / 2 * self._height * (1 << _SHIFT)))
        cv2.ellipse(self._picture, self._point(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)

    def shape(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        cv2.fillPoly(self._picture, [np.array([self._point(*at) for at in points])], colour, cv2.LINE_AA, _SHIFT)


def _tint(colour: Colour, gain: float) -> Colour:
    blue, green, red = (min(255, max(0, round(level * gain))) for level in colour)
    return blue, green, red


def _ball(pen: _Pen, colour: Colour) -> None:
    pen.ellipse(0.5, 0.5, 1, 1, _tint(colour, 0.6))
    pen.ellipse(0.47, 0.46, 0.84, 0.84, colour)
    pen.ellipse(0.36, 0.32, 0.3, 0.26, _tint(colour, 1.7))


def _car(pen: _Pen, colour: Colour) -> None:
    pen.shape([(0.18, 0.45), (0.3, 0), (0.68, 0), (0.84, 0.45)], _tint(colour, 0.8))
    pen.shape([(0.24, 0.42), (0.33, 0.08), (0.48, 0.08), (0.48, 0.42)], (235, 225, 205))
    pen.shape([(0.52, 0.42), (0.52, 0.08), (0.65, 0.08), (0.76, 0.42)], (235, 225, 205))
    pen.shape([(0, 0.5), (0.06, 0.4), (0.94, 0.42), (1, 0.55), (1, 0.8), (0, 0.8)], colour)
    for axle in (0.22, 0.78):
        pen.ellipse(axle, 0.8, 0.182, 0.4, (30, 26, 24))
        pen.ellipse(axle, 0.8, 0.09, 0.2, (170, 170, 170))


def _bird(pen: _Pen, colour: Colour) -> None:
    pen.shape([(0, 0.1), (0.2, 0), (0.5, 0.55), (0.8, 0), (1, 0.1), (0.78, 0.22), (0.5, 0.9), (0.22, 0.22)], colour)
    pen.ellipse(0.5, 0.72, 0.12, 0.56, _tint(colour, 0.75))


def _boat(pen: _Pen, colour: Colour) -> None:
    pen.shape([(0.5, 0), (0.5, 0.72), (0.98, 0.72)], (245, 248, 250))
    pen.shape([(0.45, 0.1), (0.45, 0.72), (0.1, 0.72)], _tint(colour, 1.3))
    pen.shape([(0, 0.76), (1, 0.76), (0.82, 1), (0.16, 1)], colour)


def _balloon(pen: _Pen, colour: Colour) -> None:
    pen.ellipse(0.5, 0.36, 1, 0.72, colour)
    pen.ellipse(0.5, 0.36, 0.6, 0.72, _tint(colour, 1.35))
    pen.ellipse(0.5, 0.36, 0.22, 0.72, colour)
    pen.shape([(0.22, 0.6), (0.78, 0.6), (0.6, 0.84), (0.4, 0.84)], _tint(colour, 0.7))
    pen.shape([(0.38, 0.86), (0.62, 0.86), (0.6, 1), (0.4, 1)], (50, 90, 130))


_PAINTERS: dict[str, Callable[[_Pen, Colour], None]] = {
    "ball": _ball,
    "car": _car,
    "bird": _bird,
    "boat": _boat,
    "balloon": _balloon,
}
