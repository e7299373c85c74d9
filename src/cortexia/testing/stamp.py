"""The frame's number, painted into its pixels: 32 cells of black and white in the top left corner.

20 bits of number (Gray coded: little changes from frame to frame) and 12 bits of check, in 4 rows of 8 cells. A cell is
1/80 of the width, 1/40 on pictures narrower than 320, so the code survives scaling along with the picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.types import Picture

ROWS, COLUMNS = 4, 8
NUMBER_BITS, CHECK_BITS = 20, 12
FRAME_LIMIT = 1 << NUMBER_BITS
_DARK, _BRIGHT = 24, 232
_POLYNOMIAL = 0x80F  # CRC-12


def paint_frame_number(picture: Picture, number: int) -> None:
    """Write ``number`` (0 .. 2**20 - 1) into a (h, w, 3) or (h, w) picture, in place."""
    if not 0 <= number < FRAME_LIMIT:
        raise ValueError(f"frame number must lie in 0..{FRAME_LIMIT - 1}, got {number}")
    width = picture.shape[1]
    edges = _edges(width, 1 / 80 if width >= 320 else 1 / 40)
    gray = number ^ (number >> 1)
    word = gray << CHECK_BITS | _check(gray)
    for place in range(ROWS * COLUMNS):
        row, column = divmod(place, COLUMNS)
        lit = word >> (ROWS * COLUMNS - 1 - place) & 1
        picture[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = _BRIGHT if lit else _DARK


def read_frame_number(picture: Picture) -> int:
    """The number painted into a gray, BGR or RGB picture, of any scale, in display orientation.

    Raises ``ValueError`` when there is none that passes its check.
    """
    luma = picture if picture.ndim == 2 else picture.mean(axis=2)
    for fraction in (1 / 80, 1 / 40):
        word = _read_word(luma, fraction)
        gray = word >> CHECK_BITS
        if _check(gray) == word & ((1 << CHECK_BITS) - 1):
            return _number_of(gray)
    raise ValueError("no frame number is painted into this picture")


def _read_word(luma: NDArray[Any], fraction: float) -> int:
    size = luma.shape[1] * fraction
    word = 0
    for place in range(ROWS * COLUMNS):
        row, column = divmod(place, COLUMNS)
        top, left = (row + 0.3) * size, (column + 0.3) * size
        span = max(1, int(size * 0.4 + 0.5))
        cell = luma[int(top) : int(top) + span, int(left) : int(left) + span]
        word = word << 1 | int(cell.size > 0 and float(np.mean(cell)) > (_DARK + _BRIGHT) / 2)
    return word


def _edges(width: int, fraction: float) -> list[int]:
    return [round(place * width * fraction) for place in range(COLUMNS + 1)]


def _check(gray: int) -> int:
    # the leading one makes an all-dark corner fail its check
    value = (gray | 1 << NUMBER_BITS) << CHECK_BITS
    for bit in range(NUMBER_BITS, -1, -1):
        if value >> (bit + CHECK_BITS) & 1:
            value ^= (1 << CHECK_BITS | _POLYNOMIAL) << bit
    return value & ((1 << CHECK_BITS) - 1)


def _number_of(gray: int) -> int:
    number = 0
    while gray:
        number ^= gray
        gray >>= 1
    return number
