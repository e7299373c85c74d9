"""Masks as run-length codes, in the form of COCO: ``{"size": [height, width], "counts": ...}``, column by column.

``counts`` are the lengths of runs in turn outside and inside the mask, or the compressed text of the same (pycocotools,
``maskApi.c``, ``rleFrString``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Size = tuple[int, int]


def mask_fault(mask: Mapping[str, Any], sizes: Collection[Size]) -> str | None:
    """Why ``mask`` fits no picture of one of ``sizes`` (width, height); ``None`` for one that does."""
    size = mask.get("size")
    if not isinstance(size, list | tuple) or len(size) != 2 or (size[1], size[0]) not in sizes:
        shown = ", ".join(f"{height}x{width}" for width, height in sorted(sizes)) or "no picture"
        return f"a mask of size {size!r:.40} where the picture is {shown} (height x width)"
    counts = mask.get("counts")
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list | tuple) or not all(type(run) is int and run >= 0 for run in runs):
        return "the counts of a mask are no run lengths"
    covered, pixels = sum(runs), size[0] * size[1]
    return None if covered == pixels else f"the counts of a mask add up to {covered}, its size to {pixels} pixels"


def _unpacked(text: str) -> Sequence[int] | None:
    """Run lengths from compressed text: groups of five bits, the sixth says that more follow, differences to the last
    but one from the fourth run on. ``None`` for text that is none."""
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
