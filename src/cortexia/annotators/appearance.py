"""Appearance: what each thing found looks like, as a vector by which a tracker knows it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._in_frame import detections_in
from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.types import Annotation, AudioBlock, Detection, Embedding, Frame, Picture, Sampling, ViewSpec
from cortexia.types.embedding import packed

MODEL = "colour-stripes-1"
_VIEW = ViewSpec(bound=640, resample="area")
_SIZE = (24, 48)
_STRIPES = 4
_HUES, _SATURATIONS, _VALUES = 12, 3, 6
_GREY = 32


@dataclass(frozen=True)
class Appearance(StreamAnnotator):
    """An ``Embedding`` of the crop of each detection, with its box and its label.

    The vector is a histogram of colours in each of four stripes from top to bottom, of the middle half of the box:
    hue by saturation where there is colour, brightness where there is none (Swain and Ballard, "Color indexing", IJCV
    1991; the stripes follow Gray and Tao, "Viewpoint invariant pedestrian recognition", ECCV 2008). Square roots of
    shares: their product is Bhattacharyya's coefficient. It tells clothes apart, and neither faces nor shapes.

    ``labels``: only these, comma-joined. ``per_second``: pictures looked at, by default all; those in which ``objects``
    looked, too, have vectors.
    """

    name: ClassVar[str] = "appearance"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("objects",)
    provides: ClassVar[tuple[str, ...]] = ("embedding",)
    cost: ClassVar[float] = 0.001

    labels: str | None = "person"
    per_second: float | None = None

    def __post_init__(self) -> None:
        require_ranges(self, {"per_second": (0.001, 1000.0)})
        require_labels(self.name, self.labels)

    @property
    def sampling(self) -> Sampling:
        return Sampling.every() if self.per_second is None else Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (_VIEW,)

    def session(self, context: SessionContext) -> StreamSession:
        return AppearanceSession(self)


class AppearanceSession(StreamSession):
    """Picture by picture. Keeps nothing between them."""

    def __init__(self, recipe: Appearance) -> None:
        self._recipe = recipe

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        frames = cast(Sequence[Frame], inputs)
        return [self._vectors(frame, said) for frame, said in zip(frames, upstream, strict=True)]

    def _vectors(self, frame: Frame, said: Sequence[Annotation]) -> list[Annotation]:
        found = detections_in(frame, said, labels_in(self._recipe.labels))
        if not found:
            return []
        picture = frame.view(_VIEW)
        scale = picture.shape[1] / frame.size[0], picture.shape[0] / frame.size[1]
        return [_embedding(item, describe(_middle(picture, item, scale))) for item in found]


def _embedding(found: Detection, vector: NDArray[np.float64]) -> Embedding:
    return Embedding(
        span=found.span,
        label=found.label,
        frame_index=found.frame_index,
        bbox=found.bbox,
        model=MODEL,
        of="crop",
        **packed(vector),
    )


def _middle(picture: Picture, found: Detection, scale: tuple[float, float]) -> Picture:
    """The middle half of the box, at least a pixel; what stands at its sides is the place."""
    height, width = picture.shape[:2]
    box, quarter = found.box, found.box.width / 4
    left = min(width - 1, max(0, int((box.x1 + quarter) * scale[0])))
    top = min(height - 1, max(0, int(box.y1 * scale[1])))
    right = min(width, max(left + 1, round((box.x2 - quarter) * scale[0])))
    bottom = min(height, max(top + 1, round(box.y2 * scale[1])))
    return picture[top:bottom, left:right]


def describe(crop: Picture) -> NDArray[np.float64]:
    """The vector, of length 1, of a BGR crop (h, w, 3) uint8."""
    small = cv2.resize(crop, _SIZE, interpolation=cv2.INTER_AREA)
    hue, saturation, value = (part.astype(np.int64) for part in cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)))
    coloured = hue * _HUES // 180 * _SATURATIONS + np.minimum((saturation - _GREY) * _SATURATIONS // (256 - _GREY), 2)
    grey = _HUES * _SATURATIONS + value * _VALUES // 256
    # nearly black pixels have a hue by accident
    bins = np.where((saturation >= _GREY) & (value >= _GREY), coloured, grey)
    counts = [
        np.bincount(stripe.ravel(), minlength=_HUES * _SATURATIONS + _VALUES) for stripe in np.split(bins, _STRIPES)
    ]
    shares = np.sqrt(np.concatenate(counts).astype(np.float64) / bins.size)
    return np.asarray(shares / np.linalg.norm(shares))
