"""Texts out of a map of chances, on a small network that takes bright pixels for text, beside OpenCV's own detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from opened_models import OpenedModels, noise
from tiny_networks import text_map

from cortexia.errors import ConfigurationError
from cortexia.models.adapters import open_text_detector
from cortexia.models.adapters.layout import Sizing
from cortexia.models.adapters.ppocr import DEVIATION, LONGEST, MAX_FOUND, MEAN, PpocrDetection, TextBatch, from_top_left

ID = "ppocr-text-detection"


def find(picture: np.ndarray, side: int | None = None, **options: float | None) -> TextBatch:
    models = OpenedModels(given={ID: text_map(side)})
    return open_text_detector(models, ID, **options).run([picture])[0]


def dark(height: int = 200, width: int = 300) -> np.ndarray:
    return np.full((height, width, 3), 10, np.uint8)


def bar(picture: np.ndarray, middle: tuple[float, float], size: tuple[float, float], angle: float, grey: int) -> None:
    """Draws a filled rectangle turned by ``angle`` degrees, clockwise."""
    cv2.fillPoly(picture, [cv2.boxPoints((middle, size, angle)).round().astype(np.int32)], (grey,) * 3)


def test_a_text_is_grown_by_what_training_shrank_it():
    picture = dark()
    picture[80:100, 50:150] = 255
    batch = find(picture)
    growth = 2.0 * 100 * 20 / (100 + 20) / 2
    wanted = np.array(((50, 80), (150, 80), (150, 100), (50, 100)), np.float64)
    wanted += growth * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
    assert np.allclose(batch.corners[0], wanted, atol=1e-3)
    assert batch.scores.tolist() == [pytest.approx(1.0, abs=1e-4)]
    assert (batch.corners.dtype, batch.scores.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("angle", [0.0, 20.0, -20.0, 40.0, -40.0, 90.0])
def test_corners_go_clockwise_from_the_top_left(angle):
    picture = dark()
    bar(picture, (150, 100), (100, 16), angle, 255)
    corners = find(picture).corners[0].astype(np.float64)
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    assert (sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] > 0).all()
    tall = abs(angle) > 45
    assert (np.linalg.norm(sides[0]) < np.linalg.norm(sides[1])) == tall
    slope = np.degrees(np.arctan2(sides[0, 1], sides[0, 0]))
    assert slope == pytest.approx(0.0 if tall else angle, abs=2.0)


def test_texts_come_by_falling_score_and_in_pixels_of_the_picture():
    picture = dark(1000, 2000)
    for left, grey in ((100, 200), (700, 255), (1300, 230)):
        picture[400:460, left : left + 400] = grey
    models = OpenedModels(given={ID: text_map(None)})
    (batch,) = open_text_detector(models, ID).run([picture])
    (feed,) = models.made[ID].feeds
    assert max(feed.shape[2:]) == LONGEST == 736
    middles = batch.corners.mean(axis=1)
    assert middles[:, 0] == pytest.approx([900, 1500, 300], abs=4)
    assert middles[:, 1] == pytest.approx([430] * 3, abs=4)
    assert batch.scores == pytest.approx([1.0, 0.9, 0.78], abs=0.03)


def test_what_is_too_faint_or_too_small_is_none():
    picture = dark()
    picture[20:40, 20:120] = 110
    picture[60:62, 20:120] = 255
    assert len(find(picture)) == 0
    assert len(find(picture, threshold=0.4)) == 1, "it is above the lower threshold"


def test_a_text_with_a_hole_is_one_text():
    picture = dark()
    picture[50:90, 50:200] = 255
    picture[60:80, 100:150] = 60
    assert len(find(picture)) == 1


def test_corners_are_cut_to_the_picture():
    picture = dark()
    picture[:20, :100] = 255
    batch = find(picture)
    assert batch.corners.min() == 0.0
    assert len(batch) == 1


def test_at_most_so_many_texts_stay():
    picture = dark(736, 736)
    for row in range(16):
        for column in range(16):
            picture[row * 46 + 4 : row * 46 + 16, column * 46 + 4 : column * 46 + 34] = 150 + row * 4
    assert len(find(picture)) == MAX_FOUND == 200
    assert find(picture).scores.min() > 150 / 255, "those with the lowest scores are left out"


def test_nothing_gives_empty_arrays():
    batch = find(dark())
    assert (batch.corners.shape, batch.scores.shape) == ((0, 4, 2), (0,))


@pytest.mark.parametrize("side", [None, 320])
def test_the_export_for_one_size_finds_the_same(side):
    picture = dark(160, 320)
    picture[80:100, 50:150] = 255
    assert np.allclose(find(picture, side).corners, find(picture).corners, atol=1e-3)


def test_texts_are_those_of_opencv(tmp_path: Path):
    """OpenCV's rectangles run through the middles of the outermost pixels, and lie up to two pixels from these."""
    picture = dark(320, 320)
    bars = [((160, 60), (200, 18), 0.0), ((100, 160), (120, 14), 25.0), ((230, 240), (90, 20), -12.0)]
    for middle, size, angle in bars:
        bar(picture, middle, size, angle, 255)
    (tmp_path / "tiny.onnx").write_bytes(text_map(320, is_flat=True))
    theirs = cv2.dnn.TextDetectionModel_DB(cv2.dnn.readNet(str(tmp_path / "tiny.onnx")))
    theirs.setBinaryThreshold(0.3).setPolygonThreshold(0.5).setUnclipRatio(2.0).setMaxCandidates(200)
    theirs.setInputParams(size=(320, 320), mean=MEAN.tolist())
    theirs.setInputScale((1.0 / DEVIATION).tolist())
    wanted, _ = theirs.detect(picture)
    found = find(picture, 320)
    assert len(found) == len(wanted) == 3
    for corners in found.corners:
        nearest = min(np.abs(clockwise(np.array(item)) - clockwise(corners)).max() for item in wanted)
        assert nearest <= 2.5


def clockwise(corners: np.ndarray) -> np.ndarray:
    return from_top_left(corners.astype(np.float64))


def test_the_network_receives_bgr_less_the_mean_over_the_deviation():
    picture = dark(32, 32)
    picture[:] = (200, 100, 50)
    models = OpenedModels(given={ID: text_map(None)})
    open_text_detector(models, ID).run([picture])
    (feed,) = models.made[ID].feeds
    assert feed[0, :, 5, 5] == pytest.approx((np.array((200, 100, 50)) - MEAN) / DEVIATION, abs=1e-5)


def test_batches_and_threads_change_no_bit():
    pictures = [noise(64, 96, seed) for seed in range(5)] + [noise(32, 32, 9)]
    for picture in pictures:
        bar(picture, (30, 20), (40, 12), 10.0, 255)
    given = {ID: text_map(None)}
    alone = open_text_detector(OpenedModels(given=given), ID)
    wanted = [alone.run([picture])[0].corners.tobytes() for picture in pictures]
    runner = open_text_detector(OpenedModels(given=given, threads=2), ID)
    assert [batch.corners.tobytes() for batch in runner.run(pictures)] == wanted
    runner.close()


def test_the_output_of_another_network_is_refused():
    family = PpocrDetection(Sizing())
    with pytest.raises(ConfigurationError, match=r"no detector of text.*64 x 32 pixels.*\(1, 32, 64\)"):
        family.read([np.zeros((1, 16, 32), np.float32)], dark(32, 64))
