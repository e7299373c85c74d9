"""Whether a mask is sound, and of the size of its picture. Its form: ``cortexia.rle``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cortexia.errors import ValidationError
from cortexia.rle import run_lengths

Size = tuple[int, int]


def mask_fault(mask: Mapping[str, Any], sizes: Collection[Size]) -> str | None:
    """Why ``mask`` fits no picture of one of ``sizes`` (width, height); ``None`` for one that does."""
    size = mask.get("size")
    if not isinstance(size, list | tuple) or len(size) != 2 or (size[1], size[0]) not in sizes:
        shown = ", ".join(f"{height}x{width}" for width, height in sorted(sizes)) or "no picture"
        return f"a mask of size {size!r:.40} where the picture is {shown} (height x width)"
    try:
        run_lengths(mask)
    except ValidationError as error:
        return str(error)
    return None
