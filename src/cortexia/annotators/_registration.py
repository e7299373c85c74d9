"""How a picture came out of the one before: a similarity between the two, from points that are spread over it.

Every cell of a grid gives its best corner (smaller eigenvalue of the structure tensor: Shi and Tomasi, "Good features
to track", CVPR 1994), so that each part of the picture has the same say. They are tracked by pyramidal Lucas-Kanade
(Bouguet, 2000) forth and back (Kalal et al., "Forward-backward error", ICPR 2010), and the similarity that most of
them follow is found by RANSAC (Fischler and Bolles, 1981; OpenCV's, whose seed is fixed) and refined on those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Points = NDArray[np.float32]
Matrix = NDArray[np.float64]

# Pixels of a picture whose longer side is 320, but for the cell and the tensor: those of one half that size.
_CELL = 10
_TENSOR = 5
_NOISE_SPREAD, _FLOOR_MIN, _FLOOR_MAX = 2.5, 3e-5, 1.5e-3
_WINDOW = (11, 11)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 10, 0.03)
_BACK_PX = 0.5
_INLIER_PX = 0.8
_MIN_POINTS = 10
# Shares of corners. Of 780 pairs of unrelated pictures none shared more than 0.09, two rooms with one wallpaper 0.19.
_SURE, _DOUBTFUL, _SAME, _UNRELATED = 0.7, 0.5, 0.25, 0.12
# Of motions that less than a third followed, those of cars close to the camera were seen in at most 4 of 9 fields, and
# those of the scene in 5 or more.
_FEW, _FIELDS, _SPREAD = 1 / 3, 3, 0.5
_SURROUNDINGS = (63, 63)
_GAIN_CHANGE = 0.05
_SCALE_MIN = 0.1


class Unmeasured(StrEnum):
    """Why the motion between two pictures is unknown."""

    FIRST_FRAME = "first_frame"
    NO_TEXTURE = "no_texture"
    TOO_FEW_POINTS = "too_few_points"
    NO_DOMINANT_MOTION = "no_dominant_motion"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Landmarks:
    """A picture ready to be registered: its detail (h, w), and the corners in it, (n, 2) as x, y pixels."""

    detail: Plane
    points: Points


@dataclass(frozen=True, slots=True)
class Registration:
    """What the picture's content did. ``shift``: of its centre, x and y in pixels. ``scale``: ratio. ``turn``: radians,
    clockwise on screen. ``inliers``: share of tracked points that follow it. ``deviations``: by how many pixels each
    tracked point differs from it, (n,).
    """

    shift: tuple[float, float]
    scale: float
    turn: float
    inliers: float
    deviations: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Fit:
    """``matrix`` (2, 3) maps points of the picture before. ``share``: inliers among points that stayed in view.
    ``spread``: of the fields of the picture with such points, the share that has inliers, too."""

    matrix: Matrix
    before: Points
    after: Points
    inliers: int
    share: float
    spread: float


def find_landmarks(luma: Plane) -> Landmarks:
    """The best corner of each grid cell, sought in the picture at half its size, unless it could be noise.

    Noise alone gives corners of nearly the same strength everywhere: those that do not exceed the weakest cells by
    far are left out, up to a strength that no usual noise reaches.
    """
    rows, columns = luma.shape[0] // (2 * _CELL), luma.shape[1] // (2 * _CELL)
    if not rows or not columns:
        return Landmarks(_detail(luma), np.empty((0, 2), np.float32))
    half = cv2.resize(luma, (luma.shape[1] // 2, luma.shape[0] // 2), interpolation=cv2.INTER_AREA)
    top, left = (half.shape[0] - rows * _CELL) // 2, (half.shape[1] - columns * _CELL) // 2
    strength = cv2.cornerMinEigenVal(half, _TENSOR)[top : top + rows * _CELL, left : left + columns * _CELL]
    cells = strength.reshape(rows, _CELL, columns, _CELL).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    best = cells.argmax(axis=1)
    peaks = cells[np.arange(len(cells)), best]
    floor = min(_FLOOR_MAX, max(_FLOOR_MIN, _NOISE_SPREAD * float(np.percentile(peaks, 5))))
    row, column = np.divmod(np.arange(len(cells)), columns)
    places = np.stack((left + column * _CELL + best % _CELL, top + row * _CELL + best // _CELL), axis=1)
    return Landmarks(_detail(luma), (2 * places[peaks > floor] + 0.5).astype(np.float32))


def register(before: Landmarks, after: Landmarks) -> Registration | Unmeasured:
    """The motion from one picture to the next, or why it cannot be told."""
    if before.detail.shape != after.detail.shape:
        return Unmeasured.CUT
    if min(len(before.points), len(after.points)) < _MIN_POINTS:
        return Unmeasured.NO_TEXTURE
    first = _alike(before.detail, after.detail)
    fit = _best_fit(first, after.detail, before.points)
    doubt = _doubt(fit)
    if fit is None or doubt is not None:
        return doubt or Unmeasured.CUT
    return _registration(_second_look(first, after.detail, fit), before.detail.shape)


def _doubt(fit: _Fit | None) -> Unmeasured | None:
    """Why what the points follow is not to be called the camera's motion, if it is not."""
    if fit is None or fit.share < _UNRELATED:
        return Unmeasured.CUT
    if fit.inliers < _MIN_POINTS:
        return Unmeasured.CUT if fit.share < _SAME else Unmeasured.TOO_FEW_POINTS
    is_thing = fit.share < _FEW and fit.spread <= _SPREAD
    return Unmeasured.NO_DOMINANT_MOTION if fit.share < _SAME or is_thing else None


def _best_fit(first: Plane, second: Plane, points: Points) -> _Fit | None:
    """From where the points were; when in doubt again from where a first fit puts them, or a shift of the whole."""
    fit = _follow(first, second, points, None)
    if _share(fit) < _DOUBTFUL:
        fit = max(fit, _follow(first, second, points, _shift(first, second)), key=_share)
    if fit is not None and fit.share < _SURE:
        fit = max(fit, _follow(first, second, points, fit.matrix), key=_share)
    return fit


def _share(fit: _Fit | None) -> float:
    return fit.share if fit else 0.0


def _detail(luma: Plane) -> Plane:
    """What differs from the mean of the surroundings, around 128: cameras that adjust their exposure do not move."""
    return cast(Plane, cv2.addWeighted(luma, 1, cv2.blur(luma, _SURROUNDINGS), -1, 128))


def _alike(detail: Plane, model: Plane) -> Plane:
    """``detail`` with the contrast of ``model``: nor does what fades."""
    gain = _contrast(model) / max(_contrast(detail), 1e-6)
    if abs(gain - 1) < _GAIN_CHANGE:
        return detail
    table = np.clip(np.round((np.arange(256) - 128) * gain + 128), 0, 255).astype(np.uint8)
    return cast(Plane, cv2.LUT(detail, table))


def _contrast(plane: Plane) -> float:
    return float(cv2.meanStdDev(plane)[1][0, 0])


def _follow(first: Plane, second: Plane, points: Points, guess: Matrix | None) -> _Fit | None:
    """Track the points, from where ``guess`` puts them, and fit. ``None``: too few came back to where they were."""
    start = points if guess is None else _moved(points, guess)
    shown = _inside(start, second)
    before, start = points[shown], start[shown]
    if len(before) < _MIN_POINTS:
        return None
    after, kept = _track_both_ways(first, second, before, start)
    if int(kept.sum()) < _MIN_POINTS // 2:
        return None
    found, inlier = cv2.estimateAffinePartial2D(before[kept], after[kept], ransacReprojThreshold=_INLIER_PX)
    matrix = cast("Matrix | None", found)
    if matrix is None or math.hypot(matrix[0, 0], matrix[1, 0]) < _SCALE_MIN:
        return None
    follows = inlier[:, 0] == 1
    count = int(follows.sum())
    spread = _fields(before[kept][follows], first) / _fields(before, first)
    return _Fit(matrix, before[kept], after[kept], count, count / len(before), spread)


def _fields(points: Points, plane: Plane) -> int:
    """In how many of 3 x 3 fields of the picture there are points."""
    height, width = plane.shape
    places = (points * (_FIELDS / np.array((width, height)))).astype(int)
    return len(np.unique(places, axis=0))


def _second_look(first: Plane, second: Plane, fit: _Fit) -> _Fit:
    """The fit, once points that seem to go their own way were sought where the camera puts them.

    Repeated patterns and fast moves lead single points astray; a thing that moves is not found there. What the camera
    puts outside of the picture cannot be sought, and is left out.
    """
    astray = _deviations(fit.matrix, fit.before, fit.after) > _INLIER_PX
    if not astray.any():
        return fit
    expected = _moved(fit.before, fit.matrix)
    found, kept = _track_both_ways(first, second, fit.before[astray], expected[astray])
    follows = kept & (np.hypot(*(found - expected[astray]).T) <= _INLIER_PX)
    after = fit.after.copy()
    after[np.flatnonzero(astray)[follows]] = found[follows]
    told = ~astray | _inside(expected, second)
    return replace(fit, before=fit.before[told], after=after[told])


def _track_both_ways(first: Plane, second: Plane, points: Points, start: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Where points went, and which of them are in the picture and come back to where they were."""
    there, arrived = _track(first, second, points, start)
    back, returned = _track(second, first, there, there - (start - points))
    near = np.abs(back - points).max(axis=1) < _BACK_PX
    return there, arrived & returned & near & _inside(there, second)


def _track(first: Plane, second: Plane, points: Points, start: Points) -> tuple[Points, NDArray[np.bool_]]:
    there, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points,
        start.copy(),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return cast(Points, there), status[:, 0] == 1


def _inside(points: Points, plane: Plane) -> NDArray[np.bool_]:
    limit = np.array([plane.shape[1] - 1, plane.shape[0] - 1], np.float32)
    return np.asarray(((points >= 0) & (points <= limit)).all(axis=1))


def _moved(points: Points, matrix: Matrix) -> Points:
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _shift(first: Plane, second: Plane) -> Matrix:
    """The shift of the whole picture by phase correlation (Kuglin and Hines, 1975), for moves too large to track."""
    size = max(1, first.shape[1] // 2), max(1, first.shape[0] // 2)
    before, after = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32) for plane in (first, second)
    )
    (x, y), _ = cv2.phaseCorrelate(before, after, cv2.createHanningWindow(size, cv2.CV_32F))
    return np.array([[1, 0, 2 * x], [0, 1, 2 * y]])


def _deviations(matrix: Matrix, before: Points, after: Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(*(before @ matrix[:, :2].T + matrix[:, 2] - after).T), np.float64)


def _registration(fit: _Fit, shape: tuple[int, ...]) -> Registration:
    matrix = fit.matrix
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    shift = matrix[:, :2] @ centre + matrix[:, 2] - centre
    deviations = _deviations(matrix, fit.before, fit.after)
    return Registration(
        shift=(float(shift[0]), float(shift[1])),
        scale=math.hypot(matrix[0, 0], matrix[1, 0]),
        turn=math.atan2(matrix[1, 0], matrix[0, 0]),
        inliers=float((deviations <= _INLIER_PX).mean()),
        deviations=deviations,
    )
