"""YOLOX (Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430): anchor-free, one output of raw cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.base import Limits, best_classes, kept
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.adapters.layout import Fit, fitted, planes
from cortexia.models.base import DetectionBatch, Tensor
from cortexia.types import Picture

STRIDES = (8, 16, 32)
PADDING = 114
MAX_OVERLAP = 0.45


class Yolox:
    """Takes BGR in 0..255, not normalised, shrunk or enlarged into the top left corner of a grey square.

    The output has a row for each cell of the grids of ``STRIDES``: offset of the centre from the cell and the logarithm
    of the size, in strides; then objectness and 80 class scores, both in [0, 1], whose product is the score.
    """

    labels = COCO_LABELS

    def __init__(self, side: int, limits: Limits) -> None:
        self._side = side
        self._limits = limits
        self._cells, self._strides = _grid(side)

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        height, width = picture.shape[:2]
        scale = self._scale(width, height)
        inner = max(1, int(width * scale)), max(1, int(height * scale))
        return planes(fitted(picture, Fit((width, height), inner, (self._side, self._side)), PADDING))

    def _scale(self, width: int, height: int) -> float:
        return min(self._side / height, self._side / width)

    def read(self, outputs: Sequence[Tensor], width: int, height: int) -> DetectionBatch:
        """Raises ``ConfigurationError`` for the output of another network."""
        shape = outputs[0].shape
        if shape != (wanted := (len(self._cells), 5 + len(self.labels))):
            raise ConfigurationError(
                f"this is no YOLOX for COCO: its output for {self._side} x {self._side} pixels is {shape}, not"
                f" {wanted}; name another adapter or input_size in its entry of the catalogue"
            )
        # Class scores are at most 1: where the objectness does not exceed the threshold, no product does.
        likely = np.flatnonzero(outputs[0][:, 4] > self._limits.threshold)
        cells = outputs[0][likely]
        classes, scores = best_classes(cells[:, 4:5] * cells[:, 5:])
        chosen = scores > self._limits.threshold
        place = likely[chosen]
        strides = self._strides[place]
        centres = (cells[chosen, :2] + self._cells[place]) * strides
        half = np.exp(cells[chosen, 2:4]) * strides / 2
        boxes = np.hstack((centres - half, centres + half)) / self._scale(width, height)
        return kept(boxes, scores[chosen], classes[chosen], self.labels, self._limits.max_overlap)


def _grid(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column and row of every cell (n, 2), and its stride (n, 1), in the order of the output."""
    cells, strides = [], []
    for stride in STRIDES:
        count = side // stride
        rows, columns = np.divmod(np.arange(count * count), count)
        cells.append(np.stack((columns, rows), axis=1))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides).astype(np.float64)
