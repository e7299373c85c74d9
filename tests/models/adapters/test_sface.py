"""SFace's way in and out, on a small network of its shapes, beside OpenCV's own recogniser on the same file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from opened_models import OpenedModels, noise
from tiny_networks import face_vector

from cortexia.models.adapters import PicturePart, open_face_embedding
from cortexia.models.adapters.face_alignment import TEMPLATE

LANDMARKS = TEMPLATE * 1.3 + (20.0, 35.0)


@pytest.fixture
def models() -> OpenedModels:
    return OpenedModels(given={"sface": face_vector()})


def smooth(seed: int) -> np.ndarray:
    """A picture whose colours change slowly, so that a fraction of a pixel matters little."""
    return cv2.resize(noise(8, 8, seed), (240, 240), interpolation=cv2.INTER_CUBIC)


def tilted(landmarks: np.ndarray) -> np.ndarray:
    return landmarks @ np.array(((0.94, 0.34), (-0.34, 0.94))) + (50.0, -10.0)


@pytest.mark.parametrize("landmarks", [LANDMARKS, tilted(LANDMARKS)], ids=["upright", "tilted"])
def test_vectors_are_those_of_opencv(models, tmp_path: Path, landmarks):
    (tmp_path / "tiny.onnx").write_bytes(face_vector())
    theirs = cv2.FaceRecognizerSF.create(str(tmp_path / "tiny.onnx"), "")
    picture = smooth(1)
    face = np.concatenate((np.zeros(4), landmarks.ravel(), [1.0])).astype(np.float32)
    wanted = theirs.feature(theirs.alignCrop(picture, face[None]))[0]
    (found,) = open_face_embedding(models, "sface").run([PicturePart(picture, landmarks)])
    assert np.allclose(found, wanted / np.linalg.norm(wanted), atol=2e-3)
    swapped = picture[..., ::-1].copy()
    (other,) = open_face_embedding(models, "sface").run([PicturePart(swapped, landmarks)])
    assert abs(other - found).max() > 0.01, "the order of colours matters"


def test_a_vector_has_the_length_one(models):
    (found,) = open_face_embedding(models, "sface").run([PicturePart(smooth(2), LANDMARKS)])
    assert (found.shape, found.dtype) == ((128,), np.float32)
    assert np.linalg.norm(found.astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


def test_the_network_receives_rgb_from_0_to_255(models):
    blue = np.zeros((240, 240, 3), np.uint8)
    blue[..., 0] = 200
    open_face_embedding(models, "sface").run([PicturePart(blue, LANDMARKS)])
    (feed,) = models.made["sface"].feeds
    assert feed.shape == (1, 3, 112, 112)
    assert feed[0, :, 56, 56].tolist() == [0.0, 0.0, 200.0]


def test_threads_change_no_bit(models):
    parts = [PicturePart(smooth(seed), LANDMARKS) for seed in range(5)]
    wanted = [vector.tobytes() for vector in open_face_embedding(models, "sface").run(parts)]
    runner = open_face_embedding(OpenedModels(given=models.given, threads=3), "sface")
    assert [vector.tobytes() for vector in runner.run(parts)] == wanted
    assert len(set(wanted)) == 5
    runner.close()
