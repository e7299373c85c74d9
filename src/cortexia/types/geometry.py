"""Boxes in pixels of the display-oriented frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cortexia.errors import ValidationError


@dataclass(frozen=True, slots=True)
class BBox:
    """Corners ``x1, y1, x2, y2`` in float pixels; origin top left; ``x2`` and ``y2`` are exclusive edges."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x1, self.y1, self.x2, self.y2))):
            raise ValidationError(f"box has a coordinate that is not finite: {self}")
        if self.x2 < self.x1 or self.y2 < self.y1:
            raise ValidationError(f"box ends before it starts: {self}")

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """``x1, y1, x2, y2``."""
        return self.x1, self.y1, self.x2, self.y2

    def shared_area(self, other: BBox) -> float:
        """Square pixels that lie in both."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(width, 0.0) * max(height, 0.0)

    def overlap(self, other: BBox) -> float:
        """Intersection over union, in [0, 1]; 0 for two boxes without an area."""
        shared = self.shared_area(other)
        total = self.area + other.area - shared
        return shared / total if total > 0 else 0.0

    def share_in(self, other: BBox) -> float:
        """The share of its area that lies in ``other``, in [0, 1]; 0 without an area."""
        return self.shared_area(other) / self.area if self.area > 0 else 0.0

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        """Left, top, width, height: the form of the database columns and of COCO."""
        return self.x1, self.y1, self.width, self.height

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> BBox:
        return cls(x, y, x + width, y + height)
