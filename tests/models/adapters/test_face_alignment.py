"""Faces turned upright, beside what OpenCV's own recogniser makes of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from opened_models import noise

from cortexia.errors import ValidationError
from cortexia.models.adapters.face_alignment import SIDE, TEMPLATE, aligned_face, similarity


def turned(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """A turn, scale and shift, (2, 3)."""
    angle = np.radians(degrees)
    turn = scale * np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    return np.hstack((turn, np.array(shift)[:, None]))


@pytest.mark.parametrize("degrees", [0.0, 30.0, -75.0, 179.0])
def test_a_similarity_is_found_again(degrees):
    wanted = turned(degrees, 1.7, (12.0, -30.0))
    points = TEMPLATE @ wanted[:, :2].T + wanted[:, 2]
    assert np.allclose(similarity(TEMPLATE, points), wanted, atol=1e-9)


def test_it_is_the_nearest_in_least_squares():
    source = TEMPLATE + np.random.default_rng(3).normal(0, 4, (5, 2))
    best = similarity(source, TEMPLATE)

    def gap(matrix: np.ndarray) -> float:
        return float(((source @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE) ** 2).sum())

    for degrees, scale in ((0.5, 1.0), (-0.5, 1.0), (0.0, 1.01), (0.0, 0.99)):
        other = best.copy()
        other[:, :2] = turned(degrees, scale, (0, 0))[:, :2] @ best[:, :2]
        other[:, 2] += TEMPLATE.mean(axis=0) - (source.mean(axis=0) @ other[:, :2].T + other[:, 2])
        assert gap(other) > gap(best)


def test_a_mirrored_face_is_not_mirrored_back():
    mirrored = TEMPLATE * (-1.0, 1.0)
    assert np.linalg.det(similarity(mirrored, TEMPLATE)[:, :2]) > 0


def test_landmarks_come_to_their_places():
    picture = np.zeros((300, 400, 3), np.uint8)
    place = turned(25.0, 1.4, (120.0, 60.0))
    landmarks = TEMPLATE @ place[:, :2].T + place[:, 2]
    for number, (x, y) in enumerate(landmarks):
        cv2.circle(picture, (round(x), round(y)), 3, (0, 50 + 40 * number, 255), -1)
    face = aligned_face(picture, landmarks)
    assert face.shape == (SIDE, SIDE, 3)
    for number, (x, y) in enumerate(TEMPLATE):
        assert np.abs(face[round(y), round(x)].astype(int) - (0, 50 + 40 * number, 255)).max() <= 12


def test_what_is_beyond_the_picture_is_black():
    picture = np.full((60, 60, 3), 200, np.uint8)
    assert (aligned_face(picture, TEMPLATE + (-40.0, 0.0))[:, :30] == 0).all()


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_landmarks_without_a_direction_are_refused(landmarks):
    with pytest.raises(ValidationError, match="no direction"):
        aligned_face(noise(20, 20), landmarks)


def test_other_than_five_landmarks_are_refused():
    with pytest.raises(ValidationError, match="five points"):
        aligned_face(noise(20, 20), TEMPLATE[:4])
