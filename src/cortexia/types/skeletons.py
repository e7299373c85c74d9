"""Skeletons: the names of joints in their order, and the bones between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skeleton:
    """``bones``: pairs of places in ``joints``, from 0."""

    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]


COCO_17 = Skeleton(
    joints=(
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    ),
    bones=(
        *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12)),
        *((5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10)),
        *((1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
    ),
)
"""Of the keypoints of https://cocodataset.org, 2017."""

SKELETONS: Mapping[str, Skeleton] = {"coco-17": COCO_17}
"""By the name that poses give."""
