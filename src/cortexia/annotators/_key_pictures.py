"""Key pictures as pixels, with what was said of their very frame."""

from __future__ import annotations

import cv2
import numpy as np

from cortexia.annotators.base import StoredPicture
from cortexia.errors import ValidationError
from cortexia.types import BBox, Detection, Picture, Shot, TimeSpan


def pixels(picture: StoredPicture) -> Picture:
    """BGR, uint8, (h, w, 3). Raises ``ValidationError`` for what is no JPEG."""
    decoded = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValidationError(f"key picture {picture.annotation.picture}: its file is no JPEG; check the store")
    return decoded.astype(np.uint8, copy=False)


def shot_span(picture: StoredPicture) -> TimeSpan:
    """The span of the shot that the picture stands for; its own where nobody said."""
    spans = (row.span for row in picture.beside if isinstance(row, Shot))
    return next(spans, picture.annotation.span)


def boxes(picture: StoredPicture) -> list[Detection]:
    """Detections of its very frame, in the order in which they are stored."""
    index = picture.annotation.frame_index
    return [row for row in picture.beside if isinstance(row, Detection) and row.frame_index == index]


def worth_a_look(picture: StoredPicture, min_side: float, count: int) -> list[Detection]:
    """At most ``count`` detections of its frame whose shorter side has at least ``min_side`` pixels in the picture:
    those with the highest confidence, in the order in which they are stored."""
    across, down = picture.scale
    large = [row for row in boxes(picture) if min(row.box.width * across, row.box.height * down) >= min_side]
    best = sorted(large, key=lambda row: -(row.confidence or 0.0))[:count]
    chosen = {id(row) for row in best}
    return [row for row in large if id(row) in chosen]


def cut_out(decoded: Picture, picture: StoredPicture, box: BBox, margin: float = 0.0) -> Picture:
    """The part of the picture in ``box`` (pixels of the display), with ``margin`` of its sides more on each side; at
    least one pixel."""
    height, width = decoded.shape[:2]
    across, down = picture.scale
    more_x, more_y = margin * box.width, margin * box.height
    left = min(max(int((box.x1 - more_x) * across), 0), width - 1)
    top = min(max(int((box.y1 - more_y) * down), 0), height - 1)
    right = min(max(round((box.x2 + more_x) * across), left + 1), width)
    bottom = min(max(round((box.y2 + more_y) * down), top + 1), height)
    return np.ascontiguousarray(decoded[top:bottom, left:right])


def in_display(picture: StoredPicture, box: tuple[float, float, float, float]) -> BBox:
    """A box in pixels of the picture as one of the display, cut to it."""
    across, down = picture.scale
    width, height = picture.annotation.display
    x1, x2 = (min(max(x / across, 0.0), float(width)) for x in box[::2])
    y1, y2 = (min(max(y / down, 0.0), float(height)) for y in box[1::2])
    return BBox(x1, y1, x2, y2)
