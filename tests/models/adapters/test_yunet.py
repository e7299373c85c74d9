"""YuNet beside its reference decoding and beside OpenCV's own, and the same for every batch, size and thread."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from opened_models import OpenedModels, frames_of, noise
from shared_models import load_reference
from tiny_networks import text_map
from tiny_networks import yunet as tiny_yunet
from tiny_onnx import scaling

from cortexia.errors import ConfigurationError
from cortexia.models.adapters import open_face_detector
from cortexia.models.base import FaceBatch

BOX = (0.25, 0.5, 0.6, 0.9)
LANDMARKS = tuple(np.linspace(-1.0, 1.0, 10))


def told(batches: list[FaceBatch]) -> list[bytes]:
    return [b"".join(part.tobytes() for part in (batch.boxes, batch.scores, batch.landmarks)) for batch in batches]


@pytest.fixture(scope="module")
def reviewed(data_dir: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures and the boxes (n, 4) of the faces in them, looked at by people."""
    items = json.loads((data_dir / "gt/faces_reviewed.json").read_text())["items"]
    clips = {item["source"]: frames_of(data_dir / item["source"]) for item in items}
    return [
        (clips[item["source"]][item["frame"] or 0], np.array([face["bbox_xyxy"] for face in item["faces"]]))
        for item in items
    ]


@pytest.mark.data
def test_faces_are_those_of_the_reference(data_dir, reviewed):
    reference = load_reference(data_dir)
    session = reference.sess("face/yunet_n_dynamic.onnx", 1)
    found = open_face_detector(OpenedModels(data_dir), "yunet").run([picture for picture, _ in reviewed])
    for (picture, _), batch in zip(reviewed, found, strict=True):
        boxes, scores, landmarks = reference.yunet(session, picture)
        assert np.abs(batch.boxes - boxes).max() <= 1e-2
        assert np.abs(batch.scores - scores).max() <= 1e-5
        assert np.abs(batch.landmarks - landmarks).max() <= 1e-2
        assert (np.diff(batch.scores) <= 0).all()
        assert {part.dtype for part in (batch.boxes, batch.scores, batch.landmarks)} == {np.dtype(np.float32)}


@pytest.mark.data
def test_every_reviewed_face_is_found(data_dir, reviewed):
    runner = open_face_detector(OpenedModels(data_dir), "yunet")
    found = runner.run([picture for picture, _ in reviewed])
    wanted = sum(len(faces) for _, faces in reviewed)
    hits = sum(matches(batch.boxes, faces) for batch, (_, faces) in zip(found, reviewed, strict=True))
    assert (len(reviewed), wanted) == (10, 23)
    assert hits == wanted


def matches(boxes: np.ndarray, faces: np.ndarray) -> int:
    """How many of ``faces`` have a box with at least half of their union."""
    low = np.maximum(boxes[:, None, :2], faces[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], faces[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(part[:, 2] - part[:, 0]) * (part[:, 3] - part[:, 1]) for part in (boxes, faces)]
    return int((common / (areas[0][:, None] + areas[1][None] - common) >= 0.5).any(axis=0).sum())


@pytest.mark.data
def test_landmarks_come_as_the_person_has_them(data_dir):
    (picture,) = frames_of(data_dir / "images/faces/grace_hopper.bmp")
    (batch,) = open_face_detector(OpenedModels(data_dir), "yunet").run([picture])
    right_eye, left_eye, nose, right_mouth, left_mouth = batch.landmarks[0]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.data
def test_the_longer_side_trades_small_faces_for_speed(data_dir, reviewed):
    picture, faces = max(reviewed, key=lambda item: len(item[1]))
    models = OpenedModels(data_dir)
    (whole,) = open_face_detector(models, "yunet").run([picture])
    (same,) = open_face_detector(models, "yunet", longest=4000).run([picture])
    (coarse,) = open_face_detector(models, "yunet", longest=160).run([picture])
    assert told([whole]) == told([same]), "nothing is enlarged"
    assert len(coarse) < len(whole)
    shapes = [feed.shape[2:] for feed in models.made["yunet"].feeds]
    assert all(side % 32 == 0 for shape in shapes for side in shape)
    assert max(shapes[-1]) == 160
    assert len(faces) >= 4


@pytest.mark.data
def test_a_shrunk_picture_gives_places_in_its_own_pixels(data_dir):
    (picture,) = frames_of(data_dir / "images/faces/grace_hopper.bmp")
    models = OpenedModels(data_dir)
    (whole,) = open_face_detector(models, "yunet").run([picture])
    (half,) = open_face_detector(models, "yunet", longest=max(picture.shape) // 2).run([picture])
    side = whole.boxes[0, 2] - whole.boxes[0, 0]
    assert np.abs(half.boxes[0] - whole.boxes[0]).max() < 0.1 * side
    assert np.abs(half.landmarks[0] - whole.landmarks[0]).max() < 0.1 * side


@pytest.mark.data
def test_batches_sizes_and_threads_change_no_bit(data_dir, reviewed):
    pictures = [picture for picture, _ in reviewed]
    alone = open_face_detector(OpenedModels(data_dir), "yunet", longest=320)
    wanted = told([alone.run([picture])[0] for picture in pictures])
    for threads in (1, 2, 3):
        models = OpenedModels(data_dir, threads=threads)
        runner = open_face_detector(models, "yunet", longest=320)
        assert told(runner.run(pictures)) == wanted
        assert max(len(feed) for feed in models.made["yunet"].feeds) > 1, "several went in at once"
        runner.close()


@pytest.mark.data
def test_pictures_of_any_shape_are_taken(data_dir):
    odd = [np.full((*shape, 3), 90, np.uint8) for shape in ((1, 1), (1, 900), (900, 1), (33, 7))]
    runner = open_face_detector(OpenedModels(data_dir), "yunet", longest=320)
    for batch in runner.run(odd):
        assert (batch.boxes.shape, batch.scores.shape, batch.landmarks.shape) == ((0, 4), (0,), (0, 5, 2))
    assert runner.run([]) == []


@pytest.mark.parametrize("size", [(64, 64), (48, 64), (40, 20)])
def test_the_export_for_one_size_gives_what_opencv_finds(tmp_path, size):
    """Of the layout of the zoo's; OpenCV is given the picture as it is laid out here."""
    data = tiny_yunet(64, BOX, LANDMARKS)
    picture = np.zeros((*size, 3), np.uint8)
    picture[8:16, 8:16] = 230
    models = OpenedModels(given={"yunet-2023mar": data})
    (found,) = open_face_detector(models, "yunet-2023mar", 0.5).run([picture])
    laid = np.ascontiguousarray(models.made["yunet-2023mar"].feeds[0][0].transpose(1, 2, 0)).astype(np.uint8)
    (tmp_path / "tiny.onnx").write_bytes(data)
    theirs = cv2.FaceDetectorYN.create(str(tmp_path / "tiny.onnx"), "", (64, 64), 0.5, 0.3)
    _, faces = theirs.detect(laid)
    scale = np.array(size[::-1]) / np.round(np.array(size[::-1]) * 64 / max(size))
    boxes = np.hstack((faces[:, :2], faces[:, :2] + faces[:, 2:4])) * np.tile(scale, 2)
    assert len(found) == len(faces) > 0
    order = np.lexsort((boxes[:, 0], boxes[:, 1]))
    own = np.lexsort((found.boxes[:, 0], found.boxes[:, 1]))
    assert np.allclose(found.boxes[own], boxes[order], atol=1e-3)
    assert np.allclose(found.landmarks[own].reshape(-1, 10), faces[order, 4:14] * np.tile(scale, 5), atol=1e-3)
    assert np.allclose(found.scores[own], faces[order, 14], atol=1e-5)


def test_overlap_comes_from_option_or_entry():
    given = {"yunet-2023mar": tiny_yunet(64, (0.5, 0.5, 1.5, 1.5), LANDMARKS)}
    white = np.full((64, 64, 3), 255, np.uint8)

    def count(settings: dict[str, float], max_overlap: float | None = None) -> int:
        models = OpenedModels(given=given, changes={"settings": settings})
        return len(open_face_detector(models, "yunet-2023mar", 0.5, max_overlap).run([white])[0])

    assert count({}) == count({"max_overlap": 0.3}) == count({}, 0.3)
    assert count({"max_overlap": 0.05}) < count({}) < count({"max_overlap": 0.05}, 1.0) == 64


def test_the_threshold_is_exceeded():
    white = np.full((64, 64, 3), 255, np.uint8)
    models = OpenedModels(given={"yunet-2023mar": tiny_yunet(64, BOX, LANDMARKS)})
    assert len(open_face_detector(models, "yunet-2023mar", 0.99).run([white])[0]) > 0
    assert len(open_face_detector(models, "yunet-2023mar", 1.0).run([white])[0]) == 0


def test_another_network_is_refused():
    with pytest.raises(ConfigurationError, match=r"no YuNet.*cls_8"):
        open_face_detector(OpenedModels(given={"yunet": text_map(None)}), "yunet")
    with pytest.raises(ConfigurationError, match="no pictures as planes"):
        open_face_detector(OpenedModels(given={"yunet": scaling()}), "yunet")
    with pytest.raises(ConfigurationError, match="at least 1 pixel"):
        open_face_detector(OpenedModels(given={"yunet": scaling()}), "yunet", longest=0)


def test_faces_do_not_depend_on_the_others_of_a_call():
    models = OpenedModels(given={"yunet-2023mar": tiny_yunet(64, BOX, LANDMARKS)})
    runner = open_face_detector(models, "yunet-2023mar", 0.1)
    pictures = [noise(64, 48, seed) for seed in range(3)]
    assert told(runner.run(pictures)) == [told(runner.run([picture]))[0] for picture in pictures]
