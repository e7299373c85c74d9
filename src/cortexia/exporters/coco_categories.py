"""COCO's 80 categories with their official ids, and the ids of labels that are none of them.

Source: https://cocodataset.org, 2017 annotations: the ids run from 1 to 90 and leave ten out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

UNLABELLED = "unlabelled"
"""The category of detections without a label."""

LAST_OFFICIAL_ID = 90

_OFFICIAL: dict[str, dict[str, int]] = {
    "person": {"person": 1},
    "vehicle": {
        "bicycle": 2,
        "car": 3,
        "motorcycle": 4,
        "airplane": 5,
        "bus": 6,
        "train": 7,
        "truck": 8,
        "boat": 9,
    },
    "outdoor": {"traffic light": 10, "fire hydrant": 11, "stop sign": 13, "parking meter": 14, "bench": 15},
    "animal": {
        "bird": 16,
        "cat": 17,
        "dog": 18,
        "horse": 19,
        "sheep": 20,
        "cow": 21,
        "elephant": 22,
        "bear": 23,
        "zebra": 24,
        "giraffe": 25,
    },
    "accessory": {"backpack": 27, "umbrella": 28, "handbag": 31, "tie": 32, "suitcase": 33},
    "sports": {
        "frisbee": 34,
        "skis": 35,
        "snowboard": 36,
        "sports ball": 37,
        "kite": 38,
        "baseball bat": 39,
        "baseball glove": 40,
        "skateboard": 41,
        "surfboard": 42,
        "tennis racket": 43,
    },
    "kitchen": {"bottle": 44, "wine glass": 46, "cup": 47, "fork": 48, "knife": 49, "spoon": 50, "bowl": 51},
    "food": {
        "banana": 52,
        "apple": 53,
        "sandwich": 54,
        "orange": 55,
        "broccoli": 56,
        "carrot": 57,
        "hot dog": 58,
        "pizza": 59,
        "donut": 60,
        "cake": 61,
    },
    "furniture": {"chair": 62, "couch": 63, "potted plant": 64, "bed": 65, "dining table": 67, "toilet": 70},
    "electronic": {"tv": 72, "laptop": 73, "mouse": 74, "remote": 75, "keyboard": 76, "cell phone": 77},
    "appliance": {"microwave": 78, "oven": 79, "toaster": 80, "sink": 81, "refrigerator": 82},
    "indoor": {
        "book": 84,
        "clock": 85,
        "vase": 86,
        "scissors": 87,
        "teddy bear": 88,
        "hair drier": 89,
        "toothbrush": 90,
    },
}
OFFICIAL_IDS: dict[str, int] = {name: number for group in _OFFICIAL.values() for name, number in group.items()}
_SUPERCATEGORIES = {name: supercategory for supercategory, group in _OFFICIAL.items() for name in group}


def category_ids(labels: Iterable[str]) -> dict[str, int]:
    """Every official name with its id, then ``labels`` that are none of them: from 91 on, sorted."""
    others = sorted(set(labels) - set(OFFICIAL_IDS))
    return OFFICIAL_IDS | {label: LAST_OFFICIAL_ID + place for place, label in enumerate(others, 1)}


def category(name: str, number: int) -> dict[str, Any]:
    """An entry of the section ``categories``."""
    return {"id": number, "name": name, "supercategory": _SUPERCATEGORIES.get(name, "")}
