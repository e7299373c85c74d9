"""Perceptual hashes of luma (height, width) uint8: alike for pictures that look alike, compared by Hamming distance.

Bits go row by row from the top left, the first into the highest bit, and are told in hexadecimal. The picture is
first averaged down over areas, its aspect given up. A picture of one level has nothing but zeros.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._cells import cell_means
from cortexia.types import Picture

_DCT_SIDE = 32


def average_hash(luma: Picture) -> str:
    """64 bits: which cells of 8 x 8 are brighter than their mean.

    N. Krawetz, "Looks like it", The Hacker Factor Blog, 2011.
    """
    cells = _cells(luma, 8, 8)
    return _hex(cells > cells.mean())


def perceptual_hash(luma: Picture) -> str:
    """64 bits: which of 8 x 8 low frequencies of a discrete cosine transform of 32 x 32 cells exceed their median.

    Frequencies 1 to 8 in both directions; the first row and column, which hold brightness and plain gradients, are
    left out. C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, section 3.2.1.
    """
    frequencies = cv2.dct(_cells(luma, _DCT_SIDE, _DCT_SIDE))[1:9, 1:9]
    # what a flat picture leaves is rounding: it must not decide bits
    frequencies = np.round(frequencies, 6)
    return _hex(frequencies > np.median(frequencies))


def difference_hash(luma: Picture) -> str:
    """64 bits: which cells of 9 x 8 are darker than their neighbour on the right.

    N. Krawetz, "Kind of like that", The Hacker Factor Blog, 2013.
    """
    cells = _cells(luma, 9, 8)
    return _hex(cells[:, 1:] > cells[:, :-1])


def grid_hash(luma: Picture) -> str:
    """256 bits: which block means of a grid of 16 x 16 exceed their median.

    Block mean value hash: B. Yang, F. Gu, X. Niu, "Block mean value based image perceptual hashing", IIH-MSP 2006,
    method 1. Four times as fine as ``average_hash``, and half of the bits are set wherever levels are not tied.
    """
    cells = _cells(luma, 16, 16)
    return _hex(cells > np.median(cells))


def _cells(luma: Picture, columns: int, rows: int) -> NDArray[np.float64]:
    """In whole levels, so that grain does not decide between cells that are alike."""
    return np.rint(cell_means(luma, columns, rows))


def _hex(bits: NDArray[np.bool_]) -> str:
    return np.packbits(bits).tobytes().hex()
