"""Faces found by the offline cascade on reviewed pictures; the sense of head poses; the two men of one picture.

    python benchmarks/faces.py [--json FILE]

Truth: ``gt/faces_reviewed.json`` of the shared data, which YuNet proposed and people checked; so YuNet is reported
beside the cascade and not ranked. A face counts as found where a box shares at least 0.35 of the union with it
(cascades box a face from brows to chin), of those with 30 pixels and more on their shorter side. Head pose: on the
head-pose clips, for faces whose eyes and nose say clearly which way they are turned or tilted, how often the sign of
yaw and roll agrees.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from _common import DATA, Row, show, write_json
from _frames import DecodedFrame
from cortexia.annotators.base import SessionContext
from cortexia.annotators.faces import Faces
from cortexia.config import load_settings
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelAccess
from cortexia.types import BBox, Face, MediaInfo, Verdict, VerdictStatus

OVERLAP = 0.35
LEAST_SIDE = 30
CLEAR_TURN = 0.15
CLEAR_TILT = 10.0
POSE_CLIPS = ("head-pose-face-detection-female-and-male", "head-pose-face-detection-female")
BARE = {"head_pose": "none", "expression": "none", "embedding": "none"}
CHOICES = {"cascade (offline)": {"model": "offline", **BARE}, "YuNet (not ranked)": {"model": "yunet", **BARE}}


def frames(path: Path) -> Iterator[DecodedFrame]:
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            yield DecodedFrame(index, frame)


def frame_at(path: Path, number: int | None) -> DecodedFrame:
    return next(frame for frame in frames(path) if frame.index == (number or 0))


def finder(options: dict[str, str], models: ModelAccess) -> Callable[[DecodedFrame], list[Face]]:
    media = MediaInfo("mp4", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    session = Faces(**options).session(SessionContext(media, lambda data, suffix: "", models))
    return lambda frame: [row for row in session.process([frame], [[]])[0] if isinstance(row, Face)]


def overlap(found: BBox, truth: list[float]) -> float:
    across = max(0.0, min(found.x2, truth[2]) - max(found.x1, truth[0]))
    down = max(0.0, min(found.y2, truth[3]) - max(found.y1, truth[1]))
    area = (truth[2] - truth[0]) * (truth[3] - truth[1])
    return across * down / (found.width * found.height + area - across * down)


def detection(name: str, options: dict[str, str], models: ModelAccess) -> Row:
    """Recall, precision and milliseconds a picture over the reviewed pictures."""
    find = finder(options, models)
    wanted = right = wrong = 0
    spent: list[float] = []
    for item in json.loads((DATA / "gt/faces_reviewed.json").read_text())["items"]:
        frame = frame_at(DATA / item["source"], item["frame"])
        begun = time.perf_counter()
        boxes = [face.box for face in find(frame)]
        spent.append((time.perf_counter() - begun) * 1000)
        truth = [face["bbox_xyxy"] for face in item["faces"]]
        large = [box for box in truth if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE]
        wanted += len(large)
        right += sum(any(overlap(found, box) >= OVERLAP for found in boxes) for box in large)
        wrong += sum(all(overlap(found, box) < OVERLAP for box in truth) for found in boxes)
    two_men = len(find(frame_at(DATA / "images/obama/obama_and_biden.jpg", None)))
    return {
        "faces by": name,
        "found": f"{right} of {wanted}",
        "recall": round(right / wanted, 3),
        "false": wrong,
        "precision": round(right / max(1, right + wrong), 3),
        "ms a picture": round(statistics.median(spent), 1),
        "obama_and_biden.jpg": f"{two_men} faces",
    }


def turned(face: Face) -> float:
    """How far the nose is from the middle of the eyes towards the left one, in distances of the eyes."""
    right, left, nose = np.array(face.landmarks[:3] if face.landmarks else np.zeros((3, 2)))
    return float((nose - (right + left) / 2) @ (left - right) / ((left - right) @ (left - right)))


def tilted(face: Face) -> float:
    """Degrees by which the line of the eyes falls towards the right eye."""
    across, down = np.subtract(face.landmarks[0], face.landmarks[1]) if face.landmarks else (1.0, 0.0)
    return float(np.degrees(np.arctan2(down, -across)))


def poses(models: ModelAccess) -> list[Row]:
    """How often the sign of a pose agrees with what the landmarks say, where they say it clearly."""
    options = {**CHOICES["YuNet (not ranked)"], "head_pose": "fsanet-1x1+fsanet-var"}
    find = finder(options, models)
    seen = [
        face for clip in POSE_CLIPS for held in frames(DATA / f"videos/intel/{clip}.preview.gif") for face in find(held)
    ]
    rows: list[Row] = []
    for name, measure, clear, angle in (
        ("yaw", turned, CLEAR_TURN, lambda face: face.yaw),
        ("roll", tilted, CLEAR_TILT, lambda face: face.roll),
    ):
        told = [(measure(face), angle(face)) for face in seen if abs(measure(face)) > clear]
        agree = sum(np.sign(landmarks) == np.sign(found) for landmarks, found in told)
        rows.append(
            {
                "head pose": name,
                "faces": len(seen),
                "clearly turned": len(told),
                "both ways": f"{sum(one > 0 for one, _ in told)} / {sum(one < 0 for one, _ in told)}",
                "signs agree": f"{agree / max(1, len(told)):.3f}",
            }
        )
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if not (DATA / "gt/faces_reviewed.json").is_file():
        print(f"left out: no reviewed faces below {DATA}; set CORTEXIA_TEST_DATA to a folder that has them")
        return 0
    settings = ModelSettings.of(load_settings().settings)
    models = open_models(dataclasses.replace(settings, folders=(*settings.folders, DATA / "models"), threads=2))
    found = [detection(name, told, models) for name, told in CHOICES.items()]
    signs = poses(models)
    show(found)
    show(signs)
    write_json(chosen.json, {"faces": found, "head_pose": signs})
    return 0


if __name__ == "__main__":
    sys.exit(main())
