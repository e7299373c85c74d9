"""Masks, poses and faces as they are drawn on a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import ImageDraw

from cortexia.errors import ValidationError
from cortexia.outlines import polygons_of
from cortexia.rle import decode
from cortexia.types import BBox, Face, Mask, Picture, Pose
from cortexia.types.skeletons import SKELETONS

_FILL = 0.38
"""How much of a mask's colour, and how little of the picture."""
SURE_JOINT = 0.3
_AXES = ("#ff5a4f", "#5fd35f", "#4aa8ff")
"""To the left of a head, upwards, and where it looks."""


@dataclass(frozen=True, slots=True)
class Pen:
    """``scale``: pixels of the board for one of the display, across and down. ``stroke``: width of lines."""

    draw: ImageDraw.ImageDraw
    scale: tuple[float, float]
    stroke: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale[0], y * self.scale[1]

    def line(self, points: list[tuple[float, float]], colour: str, width: int) -> None:
        """With a dark edge, so that it is seen on any ground."""
        self.draw.line(points, fill="#202020", width=width + 2)
        self.draw.line(points, fill=colour, width=width)

    def dot(self, place: tuple[float, float], radius: float, colour: str) -> None:
        x, y = place
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline="#000000")


def fill_mask(board: Picture, mask: Mask, colour: str) -> None:
    """A translucent area with its outline on ``board`` (h, w, 3) RGB, which is changed. One that cannot be unpacked is
    left out."""
    try:
        bitmap = decode(mask.segmentation)
    except ValidationError:
        return
    height, width = board.shape[:2]
    if bitmap.shape != (height, width):
        # every pixel counts, also of what is small
        bitmap = cv2.resize(bitmap.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) >= 0.5
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    if not len(rows):
        return
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    shade = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], np.float32)
    part, area = np.ascontiguousarray(board[inside]), bitmap[inside]
    part[area] = (part[area] * (1 - _FILL) + shade * _FILL).round().astype(np.uint8)
    lines = [np.array(points, np.int32).reshape(-1, 1, 2) for points in polygons_of(area)]
    cv2.polylines(part, lines, True, tuple(float(value) for value in shade), max(1, min(width, height) // 360))
    board[inside] = part


def draw_pose(pen: Pen, pose: Pose, colour: str) -> None:
    """Bones between joints of a score of at least 0.3, and these joints; of an unknown skeleton joints alone."""
    skeleton = SKELETONS.get(pose.skeleton)
    sure = [score >= SURE_JOINT for _, _, score in pose.keypoints]
    places = [pen.at(x, y) for x, y, _ in pose.keypoints]
    for first, second in skeleton.bones if skeleton and len(skeleton.joints) == len(places) else ():
        if sure[first] and sure[second]:
            pen.line([places[first], places[second]], _paler(colour), pen.stroke)
    for place, is_sure in zip(places, sure, strict=True):
        if is_sure:
            pen.dot(place, pen.stroke, "#ffffff")


def _paler(colour: str) -> str:
    """Half way to white: bones lie on the mask of their own colour."""
    return "#" + "".join(f"{(int(colour[place : place + 2], 16) + 255) // 2:02x}" for place in (1, 3, 5))


def draw_face(pen: Pen, face: Face) -> None:
    """Landmarks, and the axes of the head."""
    for x, y in face.landmarks or ():
        pen.dot(pen.at(x, y), max(1.5, pen.stroke * 0.75), "#ffffff")
    if face.yaw is not None and face.pitch is not None:
        centre = (face.box.x1 + face.box.x2) / 2, (face.box.y1 + face.box.y2) / 2
        length = 0.55 * min(face.box.width, face.box.height)
        for (x, y), colour in zip(head_axes(face.yaw, face.pitch, face.roll or 0.0), _AXES, strict=True):
            end = centre[0] + x * length, centre[1] + y * length
            pen.line([pen.at(*centre), pen.at(*end)], colour, pen.stroke)


def head_axes(yaw: float, pitch: float, roll: float) -> tuple[tuple[float, float], ...]:
    """Where the left of a head, its top and its nose point in the picture: x to the right, y down, of length 1 where
    they lie in its plane. Angles in degrees, as ``Face`` has them."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    # x to the right of the picture (the left of who looks into the camera), y up, z towards the camera
    nose = np.array([math.sin(y) * math.cos(p), math.sin(p), math.cos(y) * math.cos(p)])
    level = np.array([math.cos(y), 0.0, -math.sin(y)])
    upright = np.cross(nose, level)
    left = level * math.cos(r) + upright * math.sin(r)
    top = upright * math.cos(r) - level * math.sin(r)
    return tuple((float(axis[0]), float(-axis[1])) for axis in (left, top, nose))


def box_edges(box: BBox, scale: tuple[float, float], picture: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom on the board, inside the picture of this width and height."""
    right, bottom = picture[0] - 1, picture[1] - 1
    x1, x2 = sorted(min(max(0.0, x * scale[0]), right) for x in (box.x1, box.x2))
    y1, y2 = sorted(min(max(0.0, y * scale[1]), bottom) for y in (box.y1, box.y2))
    return x1, y1, x2, y2
