"""Faces without weights to download: OpenCV's cascade, whose training comes with the library."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from cortexia.annotators._found_faces import FoundFace
from cortexia.types import Picture, ViewSpec

_CASCADE = "haarcascade_frontalface_alt2.xml"
_WINDOW = 20
_SHRINK = 1.2
_NEIGHBOURS = 3


class CascadeFinder:
    """Frontal faces, upright, of 20 pixels and more where the longer side of the picture is at most 1280 pixels.

    Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001; the cascade is
    Rainer Lienhart's ``frontalface_alt2``. Confidence: ``n / (n + 3)`` for ``n`` windows that agreed, at least three;
    it rises with the agreement, and is no probability. It knows no landmarks.
    """

    model: ClassVar[str] = "opencv-cascade"
    view: ClassVar[ViewSpec] = ViewSpec(bound=1280, pixel_format="gray", resample="area")

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / _CASCADE))

    def find(self, picture: Picture, size: tuple[int, int], min_side: int) -> list[FoundFace]:
        """By falling confidence. ``picture``: luma (h, w); boxes in a display of ``size`` (width, height), of whose
        pixels each side of a face has ``min_side`` at least."""
        height, width = picture.shape
        scale = np.array((size[0] / width, size[1] / height) * 2)
        least = max(_WINDOW, int(min_side / float(scale.max())))
        if least > min(height, width):
            return []
        hits, counts = self._cascade.detectMultiScale2(picture, _SHRINK, _NEIGHBOURS, 0, (least, least))
        corners = np.reshape(hits, (-1, 4)).astype(np.float64)
        corners[:, 2:] += corners[:, :2]
        found = [
            FoundFace(count / (count + _NEIGHBOURS), box)
            for box, count in zip((corners * scale).tolist(), np.ravel(counts).tolist(), strict=True)
        ]
        # threads hand in their hits as they come
        return sorted(found, key=lambda face: (-face.confidence, face.box))
