"""Facial expressions by the OpenCV zoo's MobileFaceNet of July 2022 (Jiang and Deng, "Boosting Facial Expression
Recognition by A Semi-Supervised Progressive Teacher", IEEE Transactions on Affective Computing 2021).

Pre-processing follows the zoo's own demonstration. Outputs that are distributions already and those that are not are
both read. How often it is right is not compared with what is told of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.face_alignment import aligned_face
from cortexia.models.adapters.layout import planes
from cortexia.models.adapters.running import PicturePart
from cortexia.models.adapters.shares import shares
from cortexia.models.base import Tensor

LABELS = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")


@dataclass(frozen=True, slots=True)
class Expression:
    """``label``: the likeliest of ``LABELS``; ``confidence``: its share; ``shares``: of all, (7,) float32, sum 1."""

    label: str
    confidence: float
    shares: NDArray[np.float32]


class ExpressionNet:
    """Takes RGB in -1..1, the face aligned to 112 x 112 by its landmarks. Gives a score for each of ``LABELS``.

    ``where`` of an item: the landmarks of the face, (5, 2). The zoo fits the alignment in pixels of the picture, and
    here it is fitted in those of the aligned face, as for ``sface``: they differ by fractions of a pixel.
    """

    def prepare(self, part: PicturePart) -> NDArray[np.float32]:
        """(3, 112, 112). Raises ``ValidationError`` for landmarks that show no direction."""
        face = aligned_face(part.picture, part.where)[..., ::-1]
        return planes((face.astype(np.float32) / 255 - 0.5) / 0.5)

    def read(self, outputs: Sequence[Tensor], part: PicturePart) -> Expression:
        """Raises ``ConfigurationError`` for the output of another network."""
        if outputs[0].shape != (len(LABELS),):
            raise ConfigurationError(
                f"this is no network for {len(LABELS)} expressions: its output is {outputs[0].shape}; name another"
                " adapter in its entry of the catalogue"
            )
        found = shares(outputs[0])
        best = int(found.argmax())
        return Expression(LABELS[best], float(found[best]), found.astype(np.float32))
