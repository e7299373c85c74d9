"""A face as a finder hands it over, before anything else is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundFace:
    """``box``: xyxy in pixels of the display, not cut to it. ``landmarks``: five points of x and y, as in ``Face``."""

    confidence: float
    box: Sequence[float]
    landmarks: Sequence[Sequence[float]] | None = None
