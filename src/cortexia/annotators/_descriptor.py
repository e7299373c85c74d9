"""A descriptor of pictures that needs no weights: where which colours are, and which way edges run.

Orientation histograms after Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005, but
without their overlapping blocks; colours in the cells of the same grid. It tells pictures of one place from those of
another, and knows nothing of what they show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.types import Picture

NAME = "offline-descriptor-1"
GRID = 4
SIDE = 128
ORIENTATIONS, HUES, LEVELS = 9, 8, 4
DIMENSION = GRID * GRID * (ORIENTATIONS + HUES + LEVELS)
"""336."""

_CELLS = np.kron(np.arange(GRID * GRID).reshape(GRID, GRID), np.ones((SIDE // GRID, SIDE // GRID), np.int64)).ravel()
_HUE_RANGE = 180


class OfflineDescriptor:
    """Pictures to vectors (336,) of length 1; ``run`` as the networks have it."""

    def run(self, items: Sequence[Picture]) -> list[NDArray[np.float32]]:
        return list(self.begin(items))

    def begin(self, items: Sequence[Picture]) -> Iterator[NDArray[np.float32]]:
        return map(describe, items)

    def close(self) -> None:
        """Nothing to give back."""


def describe(picture: Picture) -> NDArray[np.float32]:
    """(336,) float32 of length 1 for a BGR picture of any size, stretched to 128 x 128.

    In each of 4 x 4 cells: 9 orientations of the luma's gradient without its sign, each pixel with the gradient's
    length; 8 hues, each pixel with its saturation; 4 levels of brightness. Each of the three groups is brought to
    length 1 over the whole picture before they are put together.
    """
    small = cast(Picture, cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    hue, saturation, value = (plane.ravel() for plane in cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)))
    groups = (
        _edges(small),
        _histogram(hue.astype(np.int64) * HUES // _HUE_RANGE, HUES, saturation),
        _histogram(value.astype(np.int64) * LEVELS // 256, LEVELS, np.ones(SIDE * SIDE)),
    )
    vector = np.concatenate([_unit(group) for group in groups])
    return _unit(vector).astype(np.float32)


def _edges(small: Picture) -> NDArray[np.float64]:
    luma = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float64)
    down, across = np.gradient(luma)
    turn = np.mod(np.arctan2(down, across), np.pi) / np.pi
    bins = np.minimum((turn * ORIENTATIONS).astype(np.int64), ORIENTATIONS - 1)
    return _histogram(bins.ravel(), ORIENTATIONS, np.hypot(across, down).ravel())


def _histogram(bins: NDArray[np.int64], count: int, weights: NDArray[np.generic]) -> NDArray[np.float64]:
    """Weights by cell and bin: (cells * count,)."""
    places = _CELLS * count + bins
    return np.bincount(places, weights.astype(np.float64), GRID * GRID * count).astype(np.float64)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """At length 1; zeros stay zeros."""
    length = float(np.sqrt(np.square(vector).sum()))
    return vector / length if length else vector
