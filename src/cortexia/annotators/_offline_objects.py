"""What can be found without weights: people upright, and what moves before a camera at rest."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.nms import suppress
from cortexia.types import MICROSECONDS, Frame, Picture, Sampling, ViewSpec

PERSON = "person"
LABELS = (PERSON, "moving")
MODELS = ("opencv-hog", "motion-blobs")
"""What its rows name as their model."""
PEOPLE_VIEW = ViewSpec(bound=640)
MOTION_VIEW = ViewSpec(bound=160, pixel_format="gray", resample="area")
VIEWS = (PEOPLE_VIEW, MOTION_VIEW)
_PER_SECOND = 2
_WINDOW = (64, 128)
_STEP = (8, 8)
_SHRINK = 1.1
_MAX_OVERLAP = 0.4
_HELD = 5
_ENOUGH_HELD = 3
_LEVEL = 24
_MIN_SHARE = 0.002
_FIELDS = (8, 6)
_FIELD_SHARE = 0.05
_MAX_FIELDS = 0.6


@dataclass(frozen=True, slots=True)
class Found:
    """``box``: xyxy in pixels of the display, not cut to it."""

    label: str
    confidence: float
    box: Sequence[float]
    model: str


def next_look_at_people(sampling: Sampling, start_us: int, end_us: int) -> int | None:
    """``Sampling.next_look`` for people: the first picture of the next half second that ``sampling`` lets through."""
    half = MICROSECONDS // _PER_SECOND
    begun = (start_us // half + 1) * half
    return sampling.next_look(begun, begun + end_us - start_us)


class OfflineFinder:
    """People by OpenCV's HOG detector, and blobs of motion; sees the pictures of one video in order.

    People (Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005, with OpenCV's
    weights): a tenth of a second a picture, so that it looks at the first picture of each half second only, with the
    longer side at most 640 pixels; they stand or walk, and are at least a quarter of the height of the picture there.
    Confidence: ``w / (w + 1)`` for the distance ``w`` from the separating plane; it rises with the margin, and is no
    probability.

    Motion, in every picture, with the longer side at most 160 pixels: luma against the median of the first pictures of
    the last five half seconds (Lo and Velastin, "Automatic congestion detection system for underground platforms",
    ISIMP 2001). More than 24 of 255 is motion; blobs smaller than 0.2 % of the picture are noise; motion in more
    than 60 % of 48 fields is the camera's (clips at rest reached 54 %, the slowest pans 69 %), and nothing is said.
    Confidence: ``1 - 24 / d`` for a mean difference ``d``.
    """

    def __init__(self, origin: Fraction, wanted: Collection[str] = LABELS) -> None:
        """What is not in ``wanted`` is not looked for."""
        self._origin = origin
        self._wanted = wanted
        self._people = PeopleFinder()
        self._slot = -1
        self._held: dict[int, Picture | None] = {}

    def find(self, frame: Frame) -> list[Found]:
        """By falling confidence."""
        luma = frame.view(MOTION_VIEW)
        found: list[Found] = []
        if "moving" in self._wanted:
            found += _moving(luma, [held for held in self._held.values() if held is not None], frame.size)
        slot = math.floor((frame.timestamp.fraction - self._origin) * _PER_SECOND)
        if slot != self._slot:
            if "person" in self._wanted:
                found += self._people.find(frame.view(PEOPLE_VIEW), frame.size)
            self._slot = slot
            self._held[frame.index] = luma.copy()
            for index in list(self._held)[:-_HELD]:
                del self._held[index]
        return sorted(found, key=lambda item: (-item.confidence, *item.box))

    @property
    def replay_from(self) -> int | None:
        return min(self._held, default=None)

    def state(self) -> Mapping[str, Any]:
        return {"slot": self._slot, "held": list(self._held)} if self._held else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._slot = state.get("slot", -1)
        self._held = dict.fromkeys(state.get("held", ()))

    def replay(self, frame: Frame) -> None:
        if frame.index in self._held:
            self._held[frame.index] = frame.view(MOTION_VIEW).copy()


class PeopleFinder:
    """OpenCV's detector for people of 64 x 128 pixels and more, on one size of the picture after the other.

    OpenCV's own ``detectMultiScale`` collects hits and weights of several threads under two locks, so that a hit may be
    given the weight of another. On pictures below its window the detector writes past its memory.
    """

    def __init__(self) -> None:
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))

    def find(self, picture: Picture, size: tuple[int, int]) -> list[Found]:
        """``picture``: BGR of any size; boxes in a display of ``size`` (width, height)."""
        hits = np.array([hit for scale in _scales(picture) for hit in self._hits(picture, scale)], np.float64)
        if not len(hits):
            return []
        hits = hits[np.lexsort((*hits[:, :4].T, -hits[:, 4]))]
        boxes = hits[:, :4]
        stay = suppress(boxes, hits[:, 4], np.zeros(len(hits), np.int64), _MAX_OVERLAP)
        scaled = boxes[stay] * _scale(picture, size)
        return [
            Found("person", weight / (weight + 1), box, "opencv-hog")
            for box, weight in zip(scaled.tolist(), hits[stay, 4].tolist(), strict=True)
            if weight > 0
        ]

    def _hits(self, picture: Picture, scale: float) -> Iterator[tuple[float, ...]]:
        """xyxy in pixels of ``picture``, cut to it, and weight, of what is found in a picture that many times
        smaller."""
        height, width = picture.shape[:2]
        size = (round(width / scale), round(height / scale))
        smaller = picture if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR_EXACT)
        corners, weights = self._hog.detect(smaller, winStride=_STEP, padding=_STEP)
        for (x, y), weight in zip(corners, np.ravel(weights), strict=True):
            left, top = round(x * scale), round(y * scale)
            right, bottom = left + round(_WINDOW[0] * scale), top + round(_WINDOW[1] * scale)
            yield max(0, left), max(0, top), min(width, right), min(height, bottom), weight


def _scales(picture: Picture) -> Iterator[float]:
    """As long as the window fits."""
    scale = 1.0
    while round(picture.shape[1] / scale) >= _WINDOW[0] and round(picture.shape[0] / scale) >= _WINDOW[1]:
        yield scale
        scale *= _SHRINK


def _moving(luma: Picture, held: Sequence[Picture], size: tuple[int, int]) -> list[Found]:
    same = [picture for picture in held if picture.shape == luma.shape]
    if len(same) < _ENOUGH_HELD:
        return []
    usual = np.sort(np.stack(same), axis=0)[len(same) // 2]
    difference = cv2.absdiff(luma, usual)
    is_moving = (difference > _LEVEL).astype(np.uint8)
    if _is_everywhere(is_moving):
        return []
    joined = cv2.morphologyEx(is_moving, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    scale = _scale(luma, size)
    found = []
    for part in range(1, count):
        x, y, width, height, area = (int(value) for value in boxes[part])
        if area < _MIN_SHARE * luma.size:
            continue
        mean = float(difference[(parts == part) & (is_moving > 0)].mean())
        corners = np.array((x, y, x + width, y + height)) * scale
        found.append(Found("moving", 1 - _LEVEL / mean, corners.tolist(), "motion-blobs"))
    return found


def _is_everywhere(is_moving: NDArray[np.uint8]) -> bool:
    """Motion in most fields of the picture is the camera's."""
    shares = cv2.resize(is_moving.astype(np.float32), _FIELDS, interpolation=cv2.INTER_AREA)
    return float((shares > _FIELD_SHARE).mean()) > _MAX_FIELDS


def _scale(view: Picture, size: tuple[int, int]) -> NDArray[np.float64]:
    """What brings xyxy in ``view`` to a display of ``size``."""
    height, width = view.shape[:2]
    return np.array((size[0] / width, size[1] / height) * 2)
