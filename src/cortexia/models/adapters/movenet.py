"""MoveNet lightning (Google, "Next-Generation Pose Detection with MoveNet and TensorFlow.js", 2021).

The joints of one person. The quantised TFLite export; its scores differ from those on the accelerator that it was made
for, by up to a half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.crops import cut, square_around
from cortexia.models.adapters.layout import stretched_rgb
from cortexia.models.adapters.running import PicturePart
from cortexia.models.base import Tensor
from cortexia.types import Picture

SCALE = 1.25
"""Side of what the network sees, in longer sides of the person's box."""

KEYPOINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"),
    "right_ankle",
)
"""The keypoints of COCO, in its order: the skeleton ``coco-17``."""


class Movenet:
    """Takes RGB uint8, a square around a person brought to ``side`` pixels. Gives y, x in 0..1 and a score in [0, 1].

    ``where`` of an item: the box of the person, (4,) xyxy. The result: (17, 3) float32, x and y in pixels of the
    picture and the score, in the order of ``KEYPOINTS``. Points may lie outside the box, and outside the picture.
    """

    def __init__(self, side: int) -> None:
        self._side = side

    def prepare(self, part: PicturePart) -> Picture:
        """(side, side, 3)."""
        return stretched_rgb(cut(part.picture, square_around(part.where, SCALE)), (self._side, self._side))

    def read(self, outputs: Sequence[Tensor], part: PicturePart) -> NDArray[np.float32]:
        square = square_around(part.where, SCALE)
        points = outputs[0].reshape(len(KEYPOINTS), 3).astype(np.float64)
        places = points[:, 1::-1] * square.side + (square.left, square.top)
        return np.hstack((places, points[:, 2:])).astype(np.float32)
