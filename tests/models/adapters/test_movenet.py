"""Joints beside the reference decoding and the reference values of another implementation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from opened_models import OpenedModels, frames_of
from shared_models import load_reference

from cortexia.models.adapters import PicturePart, open_keypoints
from cortexia.models.adapters.movenet import KEYPOINTS

pytestmark = pytest.mark.data

PERSON = np.array((102.0, 134.0, 364.0, 588.0))
"""The box of the person in the picture, xyxy."""


@pytest.fixture(scope="module")
def squat(data_dir: Path) -> np.ndarray:
    return frames_of(data_dir / "images/faces/squat.bmp")[0]


def joints(data_dir: Path, *parts: PicturePart, threads: int = 1) -> np.ndarray:
    runner = open_keypoints(OpenedModels(data_dir, threads=threads), "movenet-lightning")
    try:
        return np.array(runner.run(parts))
    finally:
        runner.close()


def test_joints_lie_where_the_reference_values_have_them(data_dir, squat):
    with (data_dir / "gt/movenet_lightning_squat_reference.csv").open() as file:
        rows = [(float(row["keypoint_x"]), float(row["keypoint_y"])) for row in csv.DictReader(file)]
    (found,) = joints(data_dir, PicturePart(squat, PERSON))
    height, width = squat.shape[:2]
    assert np.abs(found[:, :2] / (width, height) - rows).max() <= 0.03
    assert (found.shape, found.dtype) == ((17, 3), np.float32)
    assert ((found[:, 2] >= 0) & (found[:, 2] <= 1)).all()


def test_joints_are_named_in_the_order_of_coco(data_dir, squat):
    (found,) = joints(data_dir, PicturePart(squat, PERSON))
    place = dict(zip(KEYPOINTS, found[:, :2], strict=True))
    assert place["nose"][1] < place["left_shoulder"][1] < place["left_hip"][1] < place["left_ankle"][1]
    assert place["right_ankle"][0] < place["left_ankle"][0], "the man faces the camera"


@pytest.mark.parametrize(
    "box",
    [(100.0, 140.0, 300.0, 340.0), (0.0, 0.0, 80.0, 80.0), (440.0, 520.0, 520.0, 600.0), (-40.0, 20.0, 40.0, 100.0)],
    ids=["inside", "top left", "bottom right", "beyond the left edge"],
)
def test_joints_are_those_of_the_reference(data_dir, squat, box):
    """Boxes whose squares are the same on both sides; three of them reach beyond the picture."""
    reference = load_reference(data_dir)
    interpreter = reference.tfl("pose/movenet_single_pose_lightning_ptq.tflite", 1)
    wanted = reference.movenet(interpreter, squat, np.array(box))
    assert np.allclose(joints(data_dir, PicturePart(squat, np.array(box)))[0], wanted, atol=1e-3)


def test_threads_change_no_bit(data_dir, squat):
    parts = [PicturePart(squat, PERSON + shift) for shift in range(0, 50, 10)]
    alone = joints(data_dir, *parts)
    assert joints(data_dir, *parts, threads=2).tobytes() == alone.tobytes()
    assert len({person.tobytes() for person in alone}) == 5
