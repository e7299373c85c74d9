"""NanoDet-m (RangiLyu, NanoDet): class scores, and the distances to four sides as distributions over eight bins.

The distances follow Li et al., "Generalized Focal Loss", NeurIPS 2020. This is the export with six outputs, a pair for
each stride. NanoDet-plus has other outputs, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.base import Limits, best_classes, kept
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.adapters.layout import planes
from cortexia.models.base import DetectionBatch, InferenceSession, Tensor
from cortexia.types import Picture

STRIDES = (8, 16, 32)
BINS = 8
MEAN = np.array((103.53, 116.28, 123.675), np.float32)
DEVIATION = np.array((57.375, 57.12, 58.395), np.float32)
MAX_OVERLAP = 0.6


class Nanodet:
    """Takes BGR, stretched to a square without regard to its aspect, less the mean and over the deviation of ImageNet.

    ``cls_pred_stride_*``: (cells, 80) scores in [0, 1]; ``dis_pred_stride_*``: (cells, 32), for left, top, right and
    bottom the logits of 0..7 strides, whose expectation is the distance from the middle of the cell.
    """

    labels = COCO_LABELS

    def __init__(self, side: int, limits: Limits, output_names: Sequence[str]) -> None:
        self._side = side
        self._limits = limits
        wanted = [(f"cls_pred_stride_{stride}", f"dis_pred_stride_{stride}") for stride in STRIDES]
        if missing := [name for pair in wanted for name in pair if name not in output_names]:
            raise ConfigurationError(
                f"this is no NanoDet-m: outputs {', '.join(missing)} are missing (there are: {', '.join(output_names)})"
            )
        self._places = [
            (stride, output_names.index(scores), output_names.index(sides))
            for stride, (scores, sides) in zip(STRIDES, wanted, strict=True)
        ]

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        square = cv2.resize(picture, (self._side, self._side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        square -= MEAN
        square /= DEVIATION
        return planes(square)

    def read(self, outputs: Sequence[Tensor], width: int, height: int) -> DetectionBatch:
        parts = [self._read_grid(stride, outputs[scores], outputs[sides]) for stride, scores, sides in self._places]
        boxes, scores, classes = (np.concatenate(part) for part in zip(*parts, strict=True))
        boxes = boxes * (np.array((width, height, width, height)) / self._side)
        return kept(boxes, scores, classes, self.labels, self._limits.max_overlap)

    def _read_grid(
        self, stride: int, class_scores: Tensor, sides: Tensor
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int64]]:
        """Boxes (n, 4) in the network's pixels, scores and classes of one grid, above the threshold."""
        classes, scores = best_classes(class_scores)
        chosen = np.flatnonzero(scores > self._limits.threshold)
        rows, columns = np.divmod(chosen, self._side // stride)
        middle = (np.stack((columns, rows, columns, rows), axis=1) + 0.5) * stride
        outwards = np.array((-1.0, -1.0, 1.0, 1.0))
        boxes = middle + outwards * _expected(sides[chosen].reshape(-1, 4, BINS)) * stride
        return boxes, scores[chosen], classes[chosen]


def output_names(session: InferenceSession) -> tuple[str, ...]:
    return tuple(output.name for output in session.outputs)


def _expected(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean bin of the distributions in the last axis."""
    # not ``shares``: these are never shares already, and a row of logits may look like some
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share = weights / weights.sum(axis=-1, keepdims=True)
    return np.asarray(share @ np.arange(BINS), np.float64)
