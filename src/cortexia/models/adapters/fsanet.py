"""FSA-Net (Yang et al., "FSA-Net: Learning Fine-Grained Structure Aggregation for Head Pose Estimation", CVPR 2019).

Its authors average two networks, one with a plain and one with a variance-based scoring; so does ``AveragedRunner``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters.crops import cut, square_around
from cortexia.models.adapters.layout import planes, resized
from cortexia.models.adapters.running import PicturePart, Runner
from cortexia.models.base import Tensor

SCALE = 1.3
"""Side of what the network sees, in longer sides of the face's box."""

_SIGNS = np.array((-1.0, 1.0, -1.0))
"""The network's yaw grows to the person's right, and its roll towards the left shoulder; seen on pictures."""


class Fsanet:
    """Takes BGR, a square around a face brought to ``side`` pixels, less 127.5 and over 128. Gives yaw, pitch and roll.

    ``where`` of an item: the box of the face, (4,) xyxy. The result: (3,) float32, degrees with the signs of
    ``types.Face``: yaw to the person's left, pitch upwards, roll towards the person's right shoulder.
    """

    def __init__(self, side: int) -> None:
        self._side = side

    def prepare(self, part: PicturePart) -> NDArray[np.float32]:
        """(3, side, side)."""
        face = resized(cut(part.picture, square_around(part.where, SCALE)), (self._side, self._side))
        return planes((face.astype(np.float32) - 127.5) / 128)

    def read(self, outputs: Sequence[Tensor], part: PicturePart) -> NDArray[np.float32]:
        return np.asarray(outputs[0] * _SIGNS, np.float32)


class AveragedRunner:
    """The mean of what several runners say of each item, for results that are vectors of one length (float32)."""

    def __init__(self, runners: Sequence[Runner[PicturePart, NDArray[np.float32]]]) -> None:
        self._runners = tuple(runners)

    def run(self, items: Sequence[PicturePart]) -> list[NDArray[np.float32]]:
        return list(self.begin(items))

    def begin(self, items: Sequence[PicturePart]) -> Iterator[NDArray[np.float32]]:
        begun = [runner.begin(items) for runner in self._runners]
        return (_mean(answers) for answers in zip(*begun, strict=True))

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


def _mean(answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean(np.stack(answers), axis=0, dtype=np.float64), np.float32)
