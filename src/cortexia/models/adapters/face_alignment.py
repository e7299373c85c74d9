"""Faces turned upright and brought to one size, by their landmarks.

The places of the five landmarks are those of ArcFace (Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face
Recognition", CVPR 2019) in 112 x 112 pixels, which SFace and the expressions of the OpenCV zoo were trained with.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.types import Picture

SIDE = 112
TEMPLATE = np.array(
    ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)), np.float64
)
"""x and y in pixels of the aligned face, in the order of ``types.Face``: (5, 2)."""


def similarity(source: NDArray[np.floating[Any]], target: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The turn, scale and shift (2, 3) that bring ``source`` (n, 2) nearest to ``target`` (n, 2) in least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI 13 (1991).
    Never a mirror image. Raises ``ValidationError`` for points that coincide or are not finite.
    """
    points, places = source.astype(np.float64), target.astype(np.float64)
    from_middle, to_middle = points.mean(axis=0), places.mean(axis=0)
    spread = float(((points - from_middle) ** 2).sum()) if np.isfinite(points).all() else 0.0
    if spread <= 1e-9:
        raise ValidationError(f"landmarks that show no direction: {points.tolist()}")
    left, sizes, right = np.linalg.svd((places - to_middle).T @ (points - from_middle))
    signs = np.array((1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))))
    turn = (left * signs) @ right * ((sizes * signs).sum() / spread)
    return np.hstack((turn, (to_middle - turn @ from_middle)[:, None]))


def aligned_face(picture: Picture, landmarks: NDArray[np.floating[Any]]) -> Picture:
    """The face with ``landmarks`` (5, 2) of a BGR picture, upright, BGR (112, 112, 3); black beyond the picture.

    Raises ``ValidationError`` for landmarks that coincide or are not finite.
    """
    if landmarks.shape != (5, 2):
        raise ValidationError(f"landmarks of a face are five points of x and y, got the shape {landmarks.shape}")
    face = cv2.warpAffine(picture, similarity(landmarks, TEMPLATE), (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(face, np.uint8)
