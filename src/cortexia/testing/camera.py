"""Where the camera of a generated clip points at any moment: the truth about its motion."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.testing.spec import Camera


@dataclass(frozen=True, slots=True)
class CameraPose:
    """What a picture shows of its scene.

    ``x``, ``y``: centre of the camera's window, in frame widths and heights at magnification 1 (0.5, 0.5 is where an
    unmoved camera looks). ``zoom``: magnification. ``roll``: turns of the camera, clockwise as seen from behind it;
    the picture's content turns the other way.
    """

    x: float
    y: float
    zoom: float
    roll: float

    def reach(self, aspect: float) -> tuple[float, float]:
        """Half the width and height of the upright box around the window, in frame widths and heights."""
        cosine, sine = abs(math.cos(math.tau * self.roll)), abs(math.sin(math.tau * self.roll))
        return (cosine + sine / aspect) / (2 * self.zoom), (cosine + sine * aspect) / (2 * self.zoom)

    def turn(self) -> NDArray[np.float64]:
        """Matrix (2, 2) that turns offsets in the scene (x right, y down, square pixels) into those on screen."""
        cosine, sine = math.cos(math.tau * self.roll), math.sin(math.tau * self.roll)
        return np.array([[cosine, sine], [-sine, cosine]])


def camera_pose(camera: Camera, seconds: float, done: float, aspect: float, seed: int) -> CameraPose:
    """The pose ``seconds`` after the start of a shot of which the share ``done`` is over.

    ``aspect``: frame width over height; ``seed``: that of the shot, for its tremble.
    """
    return CameraPose(
        x=0.5 + _turning(camera.pan_x * seconds) + camera.shake * _tremble(seconds, seed),
        y=0.5 + _turning(camera.pan_y * seconds) + camera.shake * _tremble(seconds, 31) * aspect,
        zoom=camera.zoom_from * (camera.zoom_to / camera.zoom_from) ** done,
        roll=camera.roll * seconds,
    )


def seen_area(path: Iterable[CameraPose], aspect: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of everything the camera sees on its way, in frame widths and heights."""
    sides = [(pose.x, pose.y, *pose.reach(aspect)) for pose in path]
    return (
        min(x - across for x, _, across, _ in sides),
        min(y - down for _, y, _, down in sides),
        max(x + across for x, _, across, _ in sides),
        max(y + down for _, y, _, down in sides),
    )


def _turning(travel: float) -> float:
    """To and fro within one frame."""
    folded = math.fmod(abs(travel), 2.0)
    return math.copysign(2.0 - folded if folded > 1 else folded, travel)


def _tremble(seconds: float, seed: int) -> float:
    tau = 2 * math.pi * seconds
    return 0.6 * math.sin(5.1 * tau + seed) + 0.3 * math.sin(8.7 * tau + 2 * seed) + 0.1 * math.sin(13.3 * tau)
