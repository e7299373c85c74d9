"""MobileNet v1 (Howard et al., "MobileNets", arXiv 1704.04861) without its last layer.

What it makes of a picture before it names a class. The quantised TFLite export.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.layout import stretched_rgb
from cortexia.models.adapters.vectors import unit
from cortexia.models.base import Quantisation, Tensor
from cortexia.types import Picture


class MobilenetEmbedding:
    """Takes RGB uint8, the picture stretched to a square of ``side`` pixels.

    The result: (1024,) float32, of length 1 (L2). ``quantisation``: of the network's output, where it is integers.
    """

    def __init__(self, side: int, quantisation: Quantisation | None) -> None:
        self._side = side
        self._quantisation = quantisation

    def prepare(self, picture: Picture) -> Picture:
        """(side, side, 3)."""
        return stretched_rgb(picture, (self._side, self._side))

    def read(self, outputs: Sequence[Tensor], picture: Picture) -> NDArray[np.float32]:
        (output,) = outputs
        return unit(self._quantisation.restore(output) if self._quantisation else output)
