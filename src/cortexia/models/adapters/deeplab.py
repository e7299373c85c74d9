"""DeepLabV3 (Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017) on MobileNetV2.

A class of Pascal VOC for each pixel. The quantised TFLite export, which gives the classes and no scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.layout import Size, stretched_rgb
from cortexia.models.base import Tensor
from cortexia.types import Picture

PASCAL_LABELS = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The classes of Pascal VOC 2012 in its order."""

_OTHERWISE = {
    "airplane": "aeroplane",
    "dining table": "diningtable",
    "motorcycle": "motorbike",
    "potted plant": "pottedplant",
    "couch": "sofa",
    "tv": "tvmonitor",
}
"""Labels of COCO that Pascal VOC spells otherwise."""


def pascal_class(label: str) -> int | None:
    """The number of the class that stands for a label of COCO; ``None`` where Pascal VOC has none."""
    name = _OTHERWISE.get(label, label)
    return PASCAL_LABELS.index(name) if name in PASCAL_LABELS[1:] else None


@dataclass(frozen=True, slots=True)
class ClassMap:
    """The class of each pixel. ``classes``: (rows, columns) uint8, numbers of ``PASCAL_LABELS``, over the whole
    picture; ``size``: width and height of the picture."""

    classes: NDArray[np.uint8]
    size: Size

    def mask(self, label: str, box: NDArray[np.floating]) -> NDArray[np.bool_] | None:
        """The pixels of ``label`` (of COCO) inside ``box`` (4,) xyxy: (height, width) of the picture. ``None`` for a
        label that Pascal VOC does not have. Two of a class that overlap share pixels: the classes tell no two apart.
        """
        number = pascal_class(label)
        if number is None:
            return None
        width, height = self.size
        rows, columns = _span(box[1], box[3], height), _span(box[0], box[2], width)
        own_rows = rows * self.classes.shape[0] // height
        own_columns = columns * self.classes.shape[1] // width
        found = np.zeros((height, width), bool)
        found[np.ix_(rows, columns)] = self.classes[np.ix_(own_rows, own_columns)] == number
        return found


class Deeplab:
    """Takes RGB uint8, the whole picture stretched to a square of ``side`` pixels. Gives the class of each pixel."""

    def __init__(self, side: int) -> None:
        self._side = side

    def prepare(self, picture: Picture) -> Picture:
        """(side, side, 3)."""
        return stretched_rgb(picture, (self._side, self._side))

    def read(self, outputs: Sequence[Tensor], picture: Picture) -> ClassMap:
        return ClassMap(outputs[0].astype(np.uint8), (picture.shape[1], picture.shape[0]))


def _span(start: float, end: float, length: int) -> NDArray[np.intp]:
    """Indexes of the pixels between two edges, of those that there are."""
    return np.arange(max(0, math.floor(start)), min(length, math.ceil(end)))
