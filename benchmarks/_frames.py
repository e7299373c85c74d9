"""Frames in memory, as annotators get them from a pass."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from cortexia.decoders.views import ViewMaker
from cortexia.types import Timestamp, ViewSpec


@dataclass
class Moment:
    """When it is shown, at 25 a second."""

    index: int

    @property
    def timestamp(self) -> Timestamp:
        return Timestamp(self.index, Fraction(1, 25))

    @property
    def end(self) -> Timestamp:
        return Timestamp(self.index + 1, Fraction(1, 25))


@dataclass
class DecodedFrame(Moment):
    """As it was decoded, with every view that annotators ask for."""

    raw: av.VideoFrame

    @property
    def size(self) -> tuple[int, int]:
        return self.raw.width, self.raw.height

    def view(self, spec: ViewSpec) -> Any:
        return ViewMaker(0, Fraction(1)).make(self.raw, spec)


@dataclass
class MadeFrame(Moment):
    """One view, made before: (height, width, 3) uint8 BGR. Whoever asks for another one gets an ``AssertionError``."""

    picture: np.ndarray
    spec: ViewSpec

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.shape[1], self.picture.shape[0]

    def view(self, spec: ViewSpec) -> np.ndarray:
        assert spec == self.spec
        return self.picture
