"""SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", IEEE TIP 2021).

128 numbers for a face, as exported for the OpenCV zoo. Pre-processing is that of OpenCV's ``FaceRecognizerSF``, with
which it is compared on a small network of the same shapes. How far faces of one person lie apart is not compared with
what is told of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.face_alignment import aligned_face
from cortexia.models.adapters.layout import planes
from cortexia.models.adapters.running import PicturePart
from cortexia.models.adapters.vectors import unit
from cortexia.models.base import Tensor

SAME_PERSON = 0.363
"""Cosine of two faces, from which OpenCV takes them for one person's."""


class Sface:
    """Takes RGB in 0..255, not normalised, the face aligned to 112 x 112 by its landmarks.

    ``where`` of an item: the landmarks of the face, (5, 2). The result: (128,) float32, of length 1 (L2).
    """

    def prepare(self, part: PicturePart) -> NDArray[np.float32]:
        """(3, 112, 112). Raises ``ValidationError`` for landmarks that show no direction."""
        return planes(aligned_face(part.picture, part.where)[..., ::-1])

    def read(self, outputs: Sequence[Tensor], part: PicturePart) -> NDArray[np.float32]:
        return unit(outputs[0])
