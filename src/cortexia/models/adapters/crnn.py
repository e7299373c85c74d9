"""CRNN (Shi et al., "An End-to-End Trainable Neural Network for Image-based Sequence Recognition and Its Application to
Scene Text Recognition", IEEE TPAMI 2017): reads digits and English letters of a cut-out text, all in lower case.

Pre-processing and the order of the classes are those of the OpenCV zoo's demonstration and character list. Outputs
that are distributions already and those that are not are both read. How well it reads is not compared with what is told
of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.layout import Size
from cortexia.models.adapters.running import PicturePart
from cortexia.models.adapters.shares import shares
from cortexia.models.base import Tensor

CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Class 0 stands for no character, class 1 for the first of these."""

BATCH_AXIS = 1
"""The axis of the output along which texts lie: steps come first."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """``text``: what was read, empty where there is nothing. ``confidence``: mean of the characters' shares, in [0, 1];
    0 for an empty text."""

    text: str
    confidence: float


class Crnn:
    """Takes grey in -1..1, the text straightened to ``size``. Gives a score for each class at each step from the left.

    ``where`` of an item: the corners of the text, (4, 2), clockwise from its top left. ``dtype``: of the network's
    input. Neighbouring steps of one class are one character (greedy decoding of connectionist temporal
    classification, Graves et al., ICML 2006), with the highest of its shares.
    """

    def __init__(self, size: Size, dtype: DTypeLike = np.float32) -> None:
        self._size = size
        self._dtype = dtype

    def prepare(self, part: PicturePart) -> Tensor:
        """(1, height, width)."""
        right, bottom = self._size[0] - 1, self._size[1] - 1
        places = np.array(((0, 0), (right, 0), (right, bottom), (0, bottom)), np.float32)
        turn = cv2.getPerspectiveTransform(part.where.astype(np.float32), places)
        text = cv2.cvtColor(cv2.warpPerspective(part.picture, turn, self._size), cv2.COLOR_BGR2GRAY)
        return ((text.astype(np.float32)[None] - 127.5) / 127.5).astype(self._dtype)

    def read(self, outputs: Sequence[Tensor], part: PicturePart) -> ReadText:
        """Raises ``ConfigurationError`` for the output of another network."""
        if outputs[0].ndim != 2 or outputs[0].shape[1] != len(CHARACTERS) + 1:
            raise ConfigurationError(
                f"this is no reader of {len(CHARACTERS)} characters: its output for a text is {outputs[0].shape}; name"
                " another adapter in its entry of the catalogue"
            )
        return decoded(shares(outputs[0].astype(np.float32)))


def decoded(steps: NDArray[np.floating]) -> ReadText:
    """The text of ``steps`` (n, classes), shares of each class from the left to the right."""
    likeliest = zip(steps.argmax(axis=1).tolist(), steps.max(axis=1).tolist(), strict=True)
    runs = [(kind, max(share for _, share in run)) for kind, run in groupby(likeliest, key=lambda step: step[0])]
    read = [(CHARACTERS[kind - 1], share) for kind, share in runs if kind]
    confidence = sum(share for _, share in read) / len(read) if read else 0.0
    return ReadText("".join(character for character, _ in read), confidence)
