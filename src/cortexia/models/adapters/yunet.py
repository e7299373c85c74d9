"""YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023): anchor-free.

For each stride four outputs, told by their names: ``cls_S``, ``obj_S``, ``bbox_S`` and ``kps_S``. So are those of the
authors' export for any size, and those of the OpenCV zoo's of March 2023 for 640 x 640. Results with the first
are compared with its reference decoding, those with the second with none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.base import Limits
from cortexia.models.adapters.layout import Fit, Sizing, fitted, planes
from cortexia.models.adapters.nms import suppress
from cortexia.models.base import FaceBatch, Tensor
from cortexia.types import Picture

STRIDES = (8, 16, 32)
PARTS = ("cls", "obj", "bbox", "kps")
THRESHOLD = 0.6
MAX_OVERLAP = 0.3

_Found = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Boxes (n, 4), scores (n,) and landmarks (n, 5, 2), in the network's pixels."""


class Yunet:
    """Takes BGR in 0..255, not normalised, in the top left corner of black.

    ``cls_S`` and ``obj_S``: (cells, 1) in [0, 1], the root of whose product is the score. ``bbox_S``: (cells, 4),
    offset of the middle from the cell's corner and the logarithm of the size; ``kps_S``: (cells, 10), offsets of the
    landmarks, all in strides. Landmarks come as the person has them: right eye first.
    """

    def __init__(self, sizing: Sizing, limits: Limits, output_names: Sequence[str]) -> None:
        self._sizing = sizing
        self._limits = limits
        wanted = [[f"{part}_{stride}" for part in PARTS] for stride in STRIDES]
        if missing := [name for names in wanted for name in names if name not in output_names]:
            raise ConfigurationError(
                f"this is no YuNet: outputs {', '.join(missing)} are missing (there are: {', '.join(output_names)})"
            )
        self._places = [[output_names.index(name) for name in names] for names in wanted]

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """(3, height, width)."""
        return planes(fitted(picture, self._fit(picture)))

    def read(self, outputs: Sequence[Tensor], picture: Picture) -> FaceBatch:
        """Raises ``ConfigurationError`` for the output of another network."""
        fit = self._fit(picture)
        parts = [
            self._read_grid(stride, [outputs[place] for place in places], fit)
            for stride, places in zip(STRIDES, self._places, strict=True)
        ]
        boxes, scores, landmarks = (np.concatenate(part) for part in zip(*parts, strict=True))
        stay = suppress(boxes, scores, np.zeros(len(scores), np.int64), self._limits.max_overlap)
        return FaceBatch(
            (boxes[stay] * np.tile(fit.scale, 2)).astype(np.float32),
            scores[stay].astype(np.float32),
            (landmarks[stay] * fit.scale).astype(np.float32),
        )

    def _fit(self, picture: Picture) -> Fit:
        return self._sizing.fit(picture.shape[1], picture.shape[0])

    def _read_grid(self, stride: int, parts: Sequence[Tensor], fit: Fit) -> _Found:
        """What exceeds the threshold in the grid of one stride."""
        columns = fit.outer[0] // stride
        cells = columns * (fit.outer[1] // stride)
        if parts[0].shape != (cells, 1):
            raise ConfigurationError(
                f"this is no YuNet: its output for stride {stride} is {parts[0].shape}, not {(cells, 1)}; name another"
                " adapter in its entry of the catalogue"
            )
        likely, is_face = (part[:, 0].astype(np.float64).clip(0.0, 1.0) for part in parts[:2])
        scores = np.sqrt(likely * is_face)
        chosen = np.flatnonzero(scores > self._limits.threshold)
        corners = np.stack((chosen % columns, chosen // columns), axis=1).astype(np.float64)
        shape, points = (part[chosen].astype(np.float64) for part in parts[2:])
        middle, half = (corners + shape[:, :2]) * stride, np.exp(shape[:, 2:]) * (stride / 2)
        boxes = np.hstack((middle - half, middle + half))
        return boxes, scores[chosen], (points.reshape(-1, 5, 2) + corners[:, None]) * stride
