"""Joints of people: which people have them, and that nothing but the picture decides where they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import Drive
from footage import context, frames_of
from opened_models import OpenedModels
from opened_models import frames_of as pictures_of

from cortexia.annotators.keypoints import Keypoints
from cortexia.errors import ConfigurationError
from cortexia.types import BBox, Detection, Pose, frame_span

pytestmark = pytest.mark.data
MOVENET = {"model": "movenet-lightning"}
Said = list[tuple[str, float | None, BBox]]


@pytest.fixture(scope="module")
def squat(data_dir: Path) -> np.ndarray:
    return pictures_of(data_dir / "images/faces/squat.bmp")[0]


def poses(data_dir: Path, pictures: list[np.ndarray], *said: tuple[str, float | None, BBox], **more: Any) -> list[Pose]:
    options = {name: more.pop(name) for name in ("batch", "threads") if name in more}
    frames = frames_of(pictures, 4)
    upstream = [
        (
            frame.index,
            Detection(span=frame_span(frame), label=label, confidence=sure, frame_index=frame.index, bbox=box),
        )
        for frame in frames
        for label, sure, box in said
    ]
    models = dataclasses.replace(context(), models=OpenedModels(data_dir, threads=options.get("threads", 1)))
    drive = Drive(Keypoints(**MOVENET, **more), models, frames, upstream)
    return [made for _, made in drive.run(options.get("batch", 1))]


def whole(picture: np.ndarray) -> BBox:
    return BBox(0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))


def test_a_person_has_seventeen_joints_in_its_box(data_dir, squat):
    box = whole(squat)
    (pose,) = poses(data_dir, [squat], ("person", 0.9, box))
    assert (pose.skeleton, len(pose.keypoints), pose.bbox, pose.label) == ("coco-17", 17, box, "person")
    assert pose.attributes == {"model": "movenet-lightning"}
    assert pose.confidence == pytest.approx(np.mean([score for *_, score in pose.keypoints]), abs=1e-3)
    sure = [(x, y) for x, y, score in pose.keypoints if score > 0.4]
    assert len(sure) >= 8
    assert all(box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2 for x, y in sure)
    nose, ankle = pose.keypoints[0], pose.keypoints[15]
    assert nose[1] < ankle[1], "the head is above the feet"


def test_only_people_who_are_sure_enough_have_joints(data_dir, squat):
    box = whole(squat)
    assert poses(data_dir, [squat], ("dog", 0.9, box), ("person", 0.2, box), ("person", 0.0, box)) == []
    assert len(poses(data_dir, [squat], ("person", None, box), ("person", 0.31, box))) == 2
    assert len(poses(data_dir, [squat], ("dog", 0.9, box), labels="dog, cat")) == 1
    assert len(poses(data_dir, [squat], *[("person", 0.9, box)] * 3, max_per_frame=2)) == 2


def test_batches_and_threads_change_nothing(data_dir, squat):
    pictures = [np.roll(squat, 7 * step, axis=1) for step in range(6)]
    once = poses(data_dir, pictures, ("person", 0.9, whole(squat)))
    assert len(once) == 6
    for batch, threads in ((4, 1), (3, 2)):
        assert poses(data_dir, pictures, ("person", 0.9, whole(squat)), batch=batch, threads=threads) == once


def test_nobody_has_no_joints(data_dir, squat):
    assert poses(data_dir, [squat] * 3) == []


def test_auto_takes_what_is_here_and_names_what_would_be():
    assert Keypoints().bound({"keypoints": "some"}.get).model_ids == ("some",)
    assert Keypoints().bound({}.get).model_ids == ("movenet-lightning",)
    with pytest.raises(ConfigurationError, match="which weights"):
        Keypoints().session(context())


@pytest.mark.parametrize("options", [{"per_second": 0.0}, {"max_per_frame": 0}, {"threshold": 1.1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Keypoints(**options)
