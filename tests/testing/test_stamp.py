"""The painted frame number."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortexia.testing import SCENES, paint_frame_number, paint_scene, read_frame_number


@given(number=st.integers(0, 2**20 - 1), width=st.sampled_from([160, 320, 640, 854, 1280, 1920]))
def test_what_is_painted_is_read(number: int, width: int) -> None:
    picture = np.full((width * 9 // 16, width, 3), 127, np.uint8)
    paint_frame_number(picture, number)
    assert read_frame_number(picture) == number


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.5])
def test_number_survives_scaling_and_jpeg(scale: float) -> None:
    picture = paint_scene("forest", 640, 360, 1)
    paint_frame_number(picture, 54321)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert read_frame_number(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)) == 54321


@pytest.mark.parametrize("scene", [*SCENES])
def test_picture_without_a_number_is_refused(scene: str) -> None:
    with pytest.raises(ValueError, match="no frame number"):
        read_frame_number(paint_scene(scene, 320, 180, 1))


@pytest.mark.parametrize("level", [0, 255])
def test_blank_picture_has_no_number(level: int) -> None:
    with pytest.raises(ValueError, match="no frame number"):
        read_frame_number(np.full((90, 160), level, np.uint8))


def test_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="must lie in"):
        paint_frame_number(np.zeros((90, 160), np.uint8), 2**20)


@pytest.mark.parametrize("scene", [*SCENES])
def test_scenes_fill_any_canvas_and_differ(scene: str) -> None:
    picture = paint_scene(scene, 333, 97, 4)
    assert (picture.shape, picture.dtype) == ((97, 333, 3), np.uint8)
    assert picture.std() > 15
    assert np.array_equal(picture, paint_scene(scene, 333, 97, 4))
