"""Faces picture by picture: found, filtered, then asked for pose, expression and vector all at once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._by_model import FULL, NONE, OFFLINE
from cortexia.annotators._found_faces import FoundFace
from cortexia.annotators._offline_faces import CascadeFinder
from cortexia.annotators.base import Emissions, StreamSession
from cortexia.models.adapters import openers
from cortexia.models.adapters.expression import Expression
from cortexia.models.adapters.running import PicturePart, Runner
from cortexia.models.base import FaceBatch, ModelAccess
from cortexia.types import Annotation, AudioBlock, BBox, Embedding, Face, Frame, Picture, frame_span
from cortexia.types.embedding import packed

if TYPE_CHECKING:
    from cortexia.annotators.faces import Faces

_SIDE = 64
_SHARPNESS_HALF = 100.0
_GOOD_SIDE = 112.0
_LEAST_SPREAD_PX = 1.0
Vector = NDArray[np.float32]
Asked = TypeVar("Asked")


class FacesSession(StreamSession):
    """Several pictures at a time through the networks, and the next ones begun already. Keeps nothing between pictures
    that could change a result."""

    def __init__(self, recipe: Faces, models: ModelAccess | None) -> None:
        self._recipe = recipe
        with ExitStack() as opened:
            self._finder = opened.enter_context(closing(_finder(recipe, models)))
            self._asked = opened.enter_context(closing(_Questions(recipe, models)))
            self._open = opened.pop_all()

    def begin(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        self._finder.begin(cast(Sequence[Frame], inputs))

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        frames = cast(Sequence[Frame], inputs)
        self.begin(frames)
        seen = [
            _Seen(frame, frame.view(FULL), face, box)
            for frame in frames
            for face, box in self._chosen(frame, self._finder.take(frame))
        ]
        made: dict[int, list[Annotation]] = {frame.index: [] for frame in frames}
        for one, rows in zip(seen, self._asked.answer(seen), strict=True):
            made[one.frame.index] += rows
        return [made[frame.index] for frame in frames]

    def _chosen(self, frame: Frame, found: Sequence[FoundFace]) -> list[tuple[FoundFace, BBox]]:
        """What the options let through, cut to the picture; ``found`` comes by falling confidence."""
        least, (width, height) = self._recipe.min_side, frame.size
        chosen: list[tuple[FoundFace, BBox]] = []
        for face in found:
            x1, x2 = (min(max(x, 0.0), float(width)) for x in face.box[::2])
            y1, y2 = (min(max(y, 0.0), float(height)) for y in face.box[1::2])
            is_small = x2 - x1 < least or y2 - y1 < least
            if not is_small and face.confidence > self._recipe.least and len(chosen) < self._recipe.max_per_frame:
                chosen.append((face, BBox(x1, y1, x2, y2)))
        return chosen

    def close(self) -> None:
        self._open.close()


@dataclass(frozen=True)
class _Seen:
    """A face that stays. ``picture``: its whole frame, BGR; ``box``: cut to it."""

    frame: Frame
    picture: Picture
    face: FoundFace
    box: BBox

    @property
    def corners(self) -> Vector:
        return np.array(self.box.corners, np.float32)

    @property
    def can_be_aligned(self) -> bool:
        if self.face.landmarks is None:
            return False
        points = np.asarray(self.face.landmarks)
        return bool(np.isfinite(points).all() and np.ptp(points, axis=0).max() > _LEAST_SPREAD_PX)


# -- finding


class _NetworkFinder:
    """A network for faces, told of pictures ahead of their turn."""

    def __init__(self, recipe: Faces, models: ModelAccess) -> None:
        self._runner = openers.open_face_detector(models, recipe.model, recipe.least, longest=recipe.max_side)
        self._begun: deque[Iterator[FaceBatch]] = deque()

    def begin(self, frames: Sequence[Frame]) -> None:
        new = frames[len(self._begun) :]
        if new:
            self._begun += [self._runner.begin([frame.view(FULL) for frame in new])] * len(new)

    def take(self, frame: Frame) -> list[FoundFace]:
        batch = next(self._begun.popleft())
        rows = zip(batch.scores.tolist(), batch.boxes.tolist(), batch.landmarks.tolist(), strict=True)
        return [FoundFace(score, box, points) for score, box, points in rows]

    def close(self) -> None:
        self._runner.close()


class _OfflineFinder:
    """OpenCV's cascade, in the order of the pictures."""

    def __init__(self, min_side: int) -> None:
        self._finder = CascadeFinder()
        self._min_side = min_side

    def begin(self, frames: Sequence[Frame]) -> None:
        """It begins when asked."""

    def take(self, frame: Frame) -> list[FoundFace]:
        return self._finder.find(frame.view(CascadeFinder.view), frame.size, self._min_side)

    def close(self) -> None:
        """It holds nothing."""


def _finder(recipe: Faces, models: ModelAccess | None) -> _NetworkFinder | _OfflineFinder:
    if recipe.model == OFFLINE:
        return _OfflineFinder(recipe.min_side)
    assert models is not None  # noqa: S101 - the recipe gives no session without  # nosec B101
    return _NetworkFinder(recipe, models)


# -- asking


class _Questions:
    """What is asked of every face that stays, of many at once."""

    def __init__(self, recipe: Faces, models: ModelAccess | None) -> None:
        self._recipe = recipe
        self._pose = self._expression = self._vector = None
        with ExitStack() as opened:
            kept = opened.enter_context
            if models is not None and recipe.pose_models:
                self._pose = kept(closing(openers.open_head_pose(models, recipe.pose_models)))
            if models is not None and recipe.expression != NONE:
                self._expression = kept(closing(openers.open_expression(models, recipe.expression)))
            if models is not None and recipe.embedding != NONE:
                self._vector = kept(closing(openers.open_face_embedding(models, recipe.embedding)))
            self._open = opened.pop_all()

    def answer(self, seen: Sequence[_Seen]) -> Iterator[list[Annotation]]:
        """For each face its row, and its vector's where there is one."""
        poses = _answers(self._pose, seen, _box_part)
        expressions = _answers(self._expression, seen, _landmarks_part)
        vectors = _answers(self._vector, seen, _landmarks_part)
        for place, one in enumerate(seen):
            rows: list[Annotation] = [self._face(one, poses.get(place), expressions.get(place))]
            if (vector := vectors.get(place)) is not None and vector.any():
                rows.append(_embedding(one, vector, self._recipe.embedding))
            yield rows

    def _face(self, one: _Seen, pose: Vector | None, expression: Expression | None) -> Face:
        yaw, pitch, roll = (None, None, None) if pose is None else (round(float(angle), 2) for angle in pose)
        points = one.face.landmarks
        return Face(
            span=frame_span(one.frame),
            label="face",
            confidence=one.face.confidence,
            frame_index=one.frame.index,
            bbox=one.box,
            landmarks=None if points is None else [[round(float(x), 2), round(float(y), 2)] for x, y in points],
            yaw=yaw,
            pitch=pitch,
            roll=roll,
            expression=None if expression is None else expression.label,
            expression_confidence=None if expression is None else round(expression.confidence, 4),
            quality=quality(one.picture, one.box, pose),
            attributes={"model": CascadeFinder.model if self._recipe.model == OFFLINE else self._recipe.model},
        )

    def close(self) -> None:
        self._open.close()


def _answers(
    runner: Runner[PicturePart, Asked] | None,
    seen: Sequence[_Seen],
    part_of: Callable[[_Seen], PicturePart | None],
) -> Mapping[int, Asked]:
    """By place in ``seen``, of those that can be asked."""
    if runner is None:
        return {}
    parts = {place: part for place, one in enumerate(seen) if (part := part_of(one)) is not None}
    return dict(zip(parts, runner.run(list(parts.values())), strict=True))


def _box_part(one: _Seen) -> PicturePart:
    return PicturePart(one.picture, one.corners)


def _landmarks_part(one: _Seen) -> PicturePart | None:
    return PicturePart(one.picture, np.asarray(one.face.landmarks, np.float32)) if one.can_be_aligned else None


def _embedding(one: _Seen, vector: Vector, model: str) -> Embedding:
    return Embedding(
        span=frame_span(one.frame),
        label="face",
        frame_index=one.frame.index,
        bbox=one.box,
        model=model,
        of="face",
        **packed(vector),
    )


def quality(picture: Picture, box: BBox, pose: Vector | None) -> float:
    """``Faces`` gives the formula. ``picture``: BGR; ``box`` lies in it; ``pose``: yaw, pitch and roll in degrees."""
    height, width = picture.shape[:2]
    left, top = min(width - 1, int(box.x1)), min(height - 1, int(box.y1))
    crop = picture[top : max(top + 1, math.ceil(box.y2)), left : max(left + 1, math.ceil(box.x2))]
    luma = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    sharpness = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    size = min(1.0, min(box.width, box.height) / _GOOD_SIDE)
    turned = 1.0 if pose is None else max(0.0, math.cos(math.radians(pose[0])) * math.cos(math.radians(pose[1])))
    return round(sharpness / (sharpness + _SHARPNESS_HALF) * size * turned, 4)
