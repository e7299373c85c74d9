"""Head pose beside the reference decoding, with the signs of ``types.Face``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from opened_models import OpenedModels, frames_of
from shared_models import load_reference

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters import PicturePart, open_face_detector, open_head_pose

pytestmark = pytest.mark.data

BOTH = ("fsanet-1x1", "fsanet-var")
CLIPS = ("head-pose-face-detection-female-and-male", "head-pose-face-detection-female")


@pytest.fixture(scope="module")
def faces(data_dir: Path) -> list[tuple[PicturePart, np.ndarray]]:
    """Faces of the clips, each with its landmarks (5, 2)."""
    frames = [frame for clip in CLIPS for frame in frames_of(data_dir / f"videos/intel/{clip}.preview.gif", each=6)]
    found = open_face_detector(OpenedModels(data_dir), "yunet").run(frames)
    return [
        (PicturePart(frame, box), landmarks)
        for frame, batch in zip(frames, found, strict=True)
        for box, landmarks in zip(batch.boxes, batch.landmarks, strict=True)
    ]


@pytest.fixture(scope="module")
def poses(data_dir: Path, faces: list[tuple[PicturePart, np.ndarray]]) -> np.ndarray:
    """Yaw, pitch and roll of each, (n, 3)."""
    return np.array(open_head_pose(OpenedModels(data_dir), BOTH).run([face for face, _ in faces]))


def test_poses_are_those_of_the_reference(data_dir, faces):
    """Boxes of whole pixels, whose squares are the same on both sides."""
    reference = load_reference(data_dir)
    sessions = [reference.sess(f"face/fsanet-{kind}-iter-688590.onnx", 1) for kind in ("1x1", "var")]
    runner = open_head_pose(OpenedModels(data_dir), BOTH)
    for face, _ in faces[:6]:
        left, top = face.where[:2].round()
        box = np.array((left, top, left + 60, top + 60))
        yaw, pitch, roll = reference.headpose(*sessions, face.picture, box)
        (found,) = runner.run([PicturePart(face.picture, box)])
        assert np.allclose(found, (-yaw, pitch, -roll), atol=1e-3)


def test_yaw_is_positive_to_the_persons_left(faces, poses):
    """Then the nose lies nearer to the left eye."""
    offsets = np.array([nose_offset(landmarks) for _, landmarks in faces])
    turned = abs(poses[:, 0]) > 15
    assert turned.sum() >= 10
    assert (np.sign(offsets[turned]) == np.sign(poses[turned, 0])).all()
    assert {-1.0, 1.0} == set(np.sign(poses[turned, 0]).tolist()), "both ways"


def nose_offset(landmarks: np.ndarray) -> float:
    """How far the nose is from the middle of the eyes towards the left one, in distances of the eyes."""
    right, left, nose = landmarks[:3].astype(np.float64)
    return float((nose - (right + left) / 2) @ (left - right) / ((left - right) @ (left - right)))


def test_roll_is_positive_towards_the_persons_right_shoulder(faces, poses):
    """Then the right eye lies lower, on the left side of the picture."""
    tilts = np.array([tilt(landmarks) for _, landmarks in faces])
    tilted = abs(tilts) > 15
    assert tilted.sum() >= 5
    assert (np.sign(tilts[tilted]) == np.sign(poses[tilted, 2])).all()
    assert np.corrcoef(tilts, poses[:, 2])[0, 1] > 0.8


def tilt(landmarks: np.ndarray) -> float:
    """Degrees by which the line of the eyes falls towards the right eye."""
    across, down = landmarks[0] - landmarks[1]
    return float(np.degrees(np.arctan2(down, -across)))


def test_pitch_is_positive_upwards(data_dir):
    """In the first frames of one clip the woman lifts her chin; twenty frames on in the other she looks down."""
    up, down = (pitches(data_dir, clip, frame) for clip, frame in ((CLIPS[1], 0), (CLIPS[0], 20)))
    assert max(up) > 10
    assert min(down) < -10


def pitches(data_dir: Path, clip: str, frame: int) -> list[float]:
    picture = frames_of(data_dir / f"videos/intel/{clip}.preview.gif")[frame]
    models = OpenedModels(data_dir)
    (batch,) = open_face_detector(models, "yunet").run([picture])
    return [float(pose[1]) for pose in open_head_pose(models, BOTH).run([PicturePart(picture, b) for b in batch.boxes])]


def test_two_models_are_averaged(data_dir, faces):
    parts = [face for face, _ in faces[:3]]
    single = [np.array(open_head_pose(OpenedModels(data_dir), [model_id]).run(parts)) for model_id in BOTH]
    both = np.array(open_head_pose(OpenedModels(data_dir), BOTH).run(parts))
    assert np.allclose(both, (single[0] + single[1]) / 2, atol=1e-4)
    assert abs(single[0] - single[1]).max() > 0.5, "they differ"


def test_threads_change_no_bit(data_dir, faces, poses):
    runner = open_head_pose(OpenedModels(data_dir, threads=3), BOTH)
    assert np.array(runner.run([face for face, _ in faces])).tobytes() == poses.tobytes()
    runner.close()


def test_what_estimates_no_pose_is_refused(data_dir):
    with pytest.raises(UnknownNameError, match=r"head pose family.*'yunet'.*fsanet"):
        open_head_pose(OpenedModels(data_dir), ["yunet"])
    with pytest.raises(ConfigurationError, match="at least one"):
        open_head_pose(OpenedModels(data_dir), [])
