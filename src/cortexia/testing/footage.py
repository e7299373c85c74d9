"""Pictures of a declared clip, rendered one by one, and where everything in them is."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.testing.camera import CameraPose, camera_pose, seen_area
from cortexia.testing.movers import ASPECT, Corners, draw_mover
from cortexia.testing.scenes import paint_scene
from cortexia.testing.spec import Mover, ShotSpec, VideoSpec
from cortexia.testing.stamp import paint_frame_number
from cortexia.types import Picture, Transition


@dataclass(frozen=True, slots=True)
class PlacedShot:
    """A shot on the clip's own row of frames, inclusive. ``rise``: frames at its start that are lifted from black."""

    spec: ShotSpec
    first: int
    last: int
    rise: int


def place_shots(spec: VideoSpec) -> tuple[PlacedShot, ...]:
    """Where each shot lies. Raises ``ValueError`` when a transition is longer than a shot beside it."""
    placed: list[PlacedShot] = []
    start, rise = 0, spec.fade_in
    for shot in spec.shots:
        count = spec.frames_of(shot)
        overlap = shot.transition_out.frames if shot.transition_out.kind is Transition.DISSOLVE else 0
        if overlap >= count or start + count <= (placed[-1].last + 1 if placed else 0):
            raise ValueError(f"a transition of {overlap} frames does not fit a shot of {count} frames")
        placed.append(PlacedShot(shot, start, start + count - 1, rise))
        rise = shot.transition_out.frames if shot.transition_out.kind is Transition.FADE else 0
        start += count - overlap
    return tuple(placed)


def render(spec: VideoSpec) -> Iterator[Picture]:
    """Pictures in display orientation, (height, width, 3) BGR uint8, writeable, one after the other."""
    shots = place_shots(spec)
    views: dict[int, ShotView] = {}
    for index in range(shots[-1].last + 1 if shots else 0):
        active = [place for place, shot in enumerate(shots) if shot.first <= index <= shot.last]
        for place in active:
            if place not in views:
                views[place] = ShotView(spec, shots[place])
        for gone in [place for place in views if place not in active]:
            del views[gone]
        yield _compose(spec, [views[place] for place in active], index)


def _compose(spec: VideoSpec, views: list[ShotView], index: int) -> Picture:
    picture = views[0].picture(index)
    if len(views) > 1:
        share = (index - views[1].shot.first + 1) / (views[0].shot.last - views[1].shot.first + 2)
        picture = cv2.addWeighted(picture, 1 - share, views[1].picture(index), share, 0).astype(np.uint8, copy=False)
    gain = _fade_gain(views[-1].shot, index)
    if gain < 1:
        picture = cv2.convertScaleAbs(picture, alpha=gain).astype(np.uint8, copy=False)
    if spec.stamp:
        paint_frame_number(picture, index)
    return picture


def _fade_gain(shot: PlacedShot, index: int) -> float:
    """1 outside of fades, down to 0 at the black frames between two shots."""
    out = shot.spec.transition_out
    gain = 1.0
    if out.kind is Transition.FADE and shot.last - index < out.frames:
        gain = (shot.last - index) / out.frames
    if index - shot.first < shot.rise:
        gain = min(gain, (index - shot.first) / shot.rise)
    return gain


class ShotView:
    """The camera on one shot: a painted canvas, and a window that moves over it."""

    def __init__(self, spec: VideoSpec, shot: PlacedShot) -> None:
        self.shot = shot
        self._size = spec.width, spec.height
        self._rate = spec.rate
        self._count = shot.last - shot.first + 1
        self._aspect = spec.width / spec.height
        path = [self.pose(index) for index in range(shot.first, shot.last + 1)]
        self._margin = seen_area(path, self._aspect)
        self._scale = min(2.0, max(pose.zoom for pose in path))
        self._still: Picture | None = None

    def picture(self, index: int) -> Picture:
        """The frame ``index`` of the clip, before transitions."""
        local = index - self.shot.first
        picture = self._background(local)
        for mover in self.shot.spec.movers:
            draw_mover(picture, mover, self.corners(mover, index))
        return self._lit(picture, local)

    def corners(self, mover: Mover, index: int) -> Corners:
        """Where a mover is on screen, xyxy pixels, not clipped. A camera that rolls turns its place, not its shape."""
        local = index - self.shot.first
        done = local / max(1, self._count - 1)
        width, height = self._size
        swing = mover.sway * math.sin(2 * math.pi * float(local / self._rate) * 0.8)
        x = mover.start[0] + (mover.end[0] - mover.start[0]) * done
        y = mover.start[1] + (mover.end[1] - mover.start[1]) * done + swing
        pose = self.pose(index)
        offset = pose.turn() @ ((x - pose.x) * pose.zoom * width, (y - pose.y) * pose.zoom * height)
        left, top = float(offset[0]) + 0.5 * width, float(offset[1]) + 0.5 * height
        tall = mover.size * pose.zoom * height
        wide = tall * ASPECT[mover.shape]
        return left - wide / 2, top - tall / 2, left + wide / 2, top + tall / 2

    def pose(self, index: int) -> CameraPose:
        """Where the camera points in frame ``index`` of the clip: the truth about its motion."""
        local = index - self.shot.first
        done = local / max(1, self._count - 1)
        return camera_pose(self.shot.spec.camera, float(local / self._rate), done, self._aspect, self.shot.spec.seed)

    @functools.cached_property
    def _canvas(self) -> Picture:
        width, height = self._size
        left, top, right, bottom = self._margin
        size = math.ceil((right - left) * width * self._scale), math.ceil((bottom - top) * height * self._scale)
        return paint_scene(self.shot.spec.scene, size[0] + 2, size[1] + 2, self.shot.spec.seed)

    def _background(self, local: int) -> Picture:
        moves = bool(self.shot.spec.camera.kinds)
        if not moves and self._still is not None:
            return self._still.copy()
        pose = self.pose(self.shot.first + local)
        (width, height), scale = self._size, self._scale
        turn = pose.turn() * (pose.zoom / scale)
        centre = (pose.x - self._margin[0]) * width * scale, (pose.y - self._margin[1]) * height * scale
        matrix = np.column_stack((turn, np.array([width / 2, height / 2]) - turn @ centre))
        picture = cv2.warpAffine(
            self._canvas, matrix, self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        self._still = None if moves else picture.astype(np.uint8, copy=False)
        return picture.astype(np.uint8, copy=False)

    def _lit(self, picture: Picture, local: int) -> Picture:
        shot = self.shot.spec
        gain = shot.light[0] + (shot.light[1] - shot.light[0]) * local / max(1, self._count - 1)
        flash = max((_FLASH[local - at] for at in shot.flashes if 0 <= local - at < len(_FLASH)), default=0.0)
        if gain != 1.0 or flash:
            picture = cv2.convertScaleAbs(picture, alpha=gain * (1 - flash), beta=255 * flash).astype(
                np.uint8, copy=False
            )
        if shot.grain:
            noise = _grain(self._size, shot.grain, shot.seed, local)
            picture = cv2.add(picture, cv2.merge([noise, noise, noise]), dtype=cv2.CV_8U).astype(np.uint8, copy=False)
        return picture


_FLASH = (0.85, 0.4)


def _grain(size: tuple[int, int], deviation: float, seed: int, local: int) -> NDArray[np.int16]:
    """One tile of noise, shifted and turned differently at each frame: cheap, and never twice the same in a row."""
    tile = _grain_tile(size, deviation, seed)
    random = np.random.Generator(np.random.PCG64([seed, local]))
    return np.roll(tile, (int(random.integers(size[1])), int(random.integers(size[0]))), axis=(0, 1))


_tiles: dict[tuple[tuple[int, int], float, int], NDArray[np.int16]] = {}


def _grain_tile(size: tuple[int, int], deviation: float, seed: int) -> NDArray[np.int16]:
    key = (size, deviation, seed)
    if key not in _tiles:
        _tiles.clear()
        noise = np.random.Generator(np.random.PCG64(seed)).normal(0, deviation, (size[1], size[0]))
        _tiles[key] = np.round(noise).astype(np.int16)
    return _tiles[key]


def frame_durations(spec: VideoSpec, frames: int) -> Iterator[Fraction]:
    """Seconds on screen of each frame."""
    for index in range(frames):
        yield spec.frame_durations[index % len(spec.frame_durations)] if spec.frame_durations else 1 / spec.rate
