"""Masks as run lengths in the form of COCO: ``{"size": [height, width], "counts": ...}``, column by column.

``counts`` are the lengths of runs in turn outside and inside the mask, or the compressed text of the same (pycocotools,
``maskApi.c``, ``rleToString``). Whoever writes masks writes the text; whoever reads them takes both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError

Bitmap = NDArray[np.bool_]
"""The pixels of a mask: (height, width), true inside."""

PIXEL_LIMIT = 1 << 28
"""Larger masks are not unpacked: a few signs could ask for all of the memory."""


def encode(bitmap: NDArray[Any]) -> dict[str, Any]:
    """The segmentation of ``bitmap`` (height, width), of any type: what is not zero lies inside. Text as pycocotools
    makes it, sign for sign."""
    height, width = bitmap.shape
    flat = np.asarray(bitmap, bool).ravel(order="F")
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(ends, prepend=0, append=flat.size).tolist()
    # the first run is outside, and has no pixels where the mask begins at the corner
    counts = [0, *runs] if flat.size and flat[0] else runs
    return {"size": [int(height), int(width)], "counts": to_text(counts)}


def decode(segmentation: Mapping[str, Any]) -> Bitmap:
    """The pixels of a segmentation (height, width). Raises ``ValidationError`` for one that is none."""
    runs = run_lengths(segmentation)
    height, width = size_of(segmentation)
    inside = np.zeros(len(runs), bool)
    inside[1::2] = True
    return np.repeat(inside, runs).reshape((width, height)).T


def run_lengths(segmentation: Mapping[str, Any]) -> list[int]:
    """Lengths of the runs, which cover the size exactly. Raises ``ValidationError``."""
    counts = segmentation.get("counts")
    runs = from_text(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list | tuple) or not all(type(run) is int and run >= 0 for run in runs):
        raise ValidationError("the counts of a mask are no run lengths")
    height, width = size_of(segmentation)
    covered, pixels = sum(runs), height * width
    if covered != pixels:
        raise ValidationError(f"the counts of a mask add up to {covered}, its size to {pixels} pixels")
    return list(runs)


def size_of(segmentation: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of a segmentation. Raises ``ValidationError``."""
    size = segmentation.get("size")
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(type(side) is int and side >= 0 for side in size)
    ):
        raise ValidationError(f"a mask of size {size!r:.40}, which is no height and width")
    if size[0] * size[1] > PIXEL_LIMIT:
        raise ValidationError(f"a mask of {size[0]}x{size[1]} pixels is too large")
    return size[0], size[1]


def area(segmentation: Mapping[str, Any]) -> int:
    """Pixels inside. Raises ``ValidationError``."""
    return sum(run_lengths(segmentation)[1::2])


def to_text(runs: Sequence[int]) -> str:
    """Run lengths as compressed text: from the fourth on the difference to the last but one, in groups of five bits,
    the lowest first; the sixth bit says that more follow, the highest bit sent is the sign."""
    signs: list[str] = []
    for place, run in enumerate(runs):
        value = run - runs[place - 2] if place > 2 else run
        while True:
            bits = value & 0x1F
            value >>= 5
            is_last = value == (-1 if bits & 0x10 else 0)
            signs.append(chr(48 + (bits if is_last else bits | 0x20)))
            if is_last:
                break
    return "".join(signs)


def from_text(text: str) -> list[int] | None:
    """Run lengths from compressed text, the way back from ``to_text``. ``None`` for text that is none."""
    runs: list[int] = []
    value = shift = 0
    for sign in text:
        bits = ord(sign) - 48
        if not 0 <= bits < 64:
            return None
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return runs if shift == 0 else None
