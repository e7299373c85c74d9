"""Hashes: alike for pictures that look alike, apart for others."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from cortexia.annotators._hashes import average_hash, difference_hash, grid_hash, perceptual_hash
from cortexia.testing import SCENES, paint_scene
from cortexia.types import Picture

BITS = {average_hash: 64, perceptual_hash: 64, difference_hash: 64, grid_hash: 256}

every_hash = pytest.mark.parametrize("hashed", BITS, ids=lambda function: function.__name__)
Hash = Callable[[Picture], str]


@functools.cache
def luma(name: str, size=(480, 270)) -> Picture:
    return cv2.cvtColor(paint_scene(name, *size, 1), cv2.COLOR_BGR2GRAY)


def apart(hashed: Hash, one: Picture, two: Picture) -> float:
    """Share of bits that differ."""
    return (int(hashed(one), 16) ^ int(hashed(two), 16)).bit_count() / BITS[hashed]


def as_jpeg(picture: Picture, quality: int) -> Picture:
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)


def halves(left: int, right: int) -> Picture:
    return np.repeat(np.array([[left] * 240 + [right] * 240], np.uint8), 270, axis=0)


@every_hash
def test_length(hashed):
    assert len(hashed(luma("sea"))) == BITS[hashed] / 4


@every_hash
@pytest.mark.parametrize("level", [0, 77, 255])
def test_one_level_has_no_bits(hashed, level):
    assert int(hashed(np.full((270, 480), level, np.uint8)), 16) == 0


def test_bits_go_row_by_row_the_first_the_highest():
    assert average_hash(halves(200, 50)) == "f0" * 8
    assert average_hash(halves(50, 200).T.copy()) == "00" * 4 + "ff" * 4
    assert grid_hash(halves(200, 50)) == "ff00" * 16
    rising = np.tile(np.linspace(0, 255, 480).astype(np.uint8), (270, 1))
    assert difference_hash(rising) == "ff" * 8
    assert difference_hash(rising[:, ::-1].copy()) == "00" * 8


def test_perceptual_hash_is_told_by_low_frequencies():
    """Against the definition of the transform, written out."""
    picture = luma("city")
    cells = np.rint(cv2.resize(picture.astype(np.float64), (32, 32), interpolation=cv2.INTER_AREA))
    basis = np.cos(np.pi * np.outer(np.arange(1, 9), 2 * np.arange(32) + 1) / 64)
    low = basis @ cells @ basis.T
    bits = "".join(str(int(value > np.median(low))) for value in low.flat)
    assert f"{int(bits, 2):016x}" == perceptual_hash(picture)


@every_hash
@pytest.mark.parametrize("name", SCENES)
def test_compression_changes_little(hashed, name):
    assert apart(hashed, luma(name), as_jpeg(luma(name), 50)) <= 0.1


@every_hash
@pytest.mark.parametrize("name", ["sea", "city"])
def test_size_changes_little(hashed, name):
    large = luma(name, (1920, 1080))
    small = cv2.resize(large, (320, 180), interpolation=cv2.INTER_AREA)
    assert apart(hashed, large, small) <= 0.1


@every_hash
@pytest.mark.parametrize("name", ["sea", "city", "forest", "studio"])
def test_light_changes_little(hashed, name):
    dimmed = np.round(luma(name) * 0.7 + 20).astype(np.uint8)
    assert apart(hashed, luma(name), dimmed) <= 0.1


@every_hash
def test_other_pictures_are_far(hashed):
    pictures = [luma(name) for name in SCENES]
    assert min(apart(hashed, one, two) for one, two in itertools.combinations(pictures, 2)) > 0.12


@every_hash
@pytest.mark.data
def test_frames_of_real_clips(hashed, data_dir):
    frames = []
    for clip in ("mdn/flower.mp4", "misc/bigbuckbunny.mp4", "intel/bottle-detection.mp4", "mdn/friday.mp4"):
        frames.append(cv2.cvtColor(cv2.VideoCapture(str(data_dir / "videos" / clip)).read()[1], cv2.COLOR_BGR2GRAY))
    assert max(apart(hashed, frame, as_jpeg(frame, 50)) for frame in frames) <= 0.07
    assert min(apart(hashed, one, two) for one, two in itertools.combinations(frames, 2)) >= 0.3
