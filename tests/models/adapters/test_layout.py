"""Where pictures lie in what networks take, and what squares are cut out of them."""

from __future__ import annotations

import numpy as np
import pytest
from opened_models import noise

from cortexia.models.adapters.crops import Square, cut, square_around
from cortexia.models.adapters.layout import Fit, Sizing, fitted, planes, stretched_rgb


@pytest.mark.parametrize(
    ("sizing", "inner", "outer"),
    [
        (Sizing(), (100, 40), (128, 64)),
        (Sizing(longest=50), (50, 20), (64, 32)),
        (Sizing(longest=500), (100, 40), (128, 64)),
        (Sizing((64, 64)), (64, 26), (64, 64)),
        (Sizing((400, 80)), (200, 80), (400, 80)),
        (Sizing(longest=1), (1, 1), (32, 32)),
    ],
)
def test_pictures_keep_their_aspect(sizing, inner, outer):
    fit = sizing.fit(100, 40)
    assert (fit.inner, fit.outer) == (inner, outer)
    assert (np.array(fit.inner) * fit.scale).tolist() == [100.0, 40.0]


def test_a_fitted_picture_lies_in_the_top_left_corner():
    picture = noise(3, 2)
    laid = fitted(picture, Fit((2, 3), (2, 3), (4, 4)), 7)
    assert (laid[:3, :2] == picture).all()
    assert (laid[3:] == 7).all()
    assert (laid[:, 2:] == 7).all()


def test_planes_and_colours_are_in_order():
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[..., 0] = 10
    assert planes(picture)[0].tolist() == [[10.0] * 3] * 2
    assert stretched_rgb(picture, (4, 4))[..., 2].tolist() == [[10] * 4] * 4


def test_a_square_is_around_the_middle_of_a_box():
    assert square_around(np.array((10.0, 20.0, 30.0, 60.0)), 1.5) == Square(-10, 10, 60)
    assert square_around(np.array((5.0, 5.0, 5.0, 5.0)), 1.3).side == 1


def test_beyond_the_picture_its_edge_goes_on():
    picture = noise(4, 5)
    assert (cut(picture, Square(1, 0, 3)) == picture[0:3, 1:4]).all()
    padded = np.pad(picture, ((2, 2), (2, 2), (0, 0)), mode="edge")
    assert (cut(picture, Square(-2, -2, 8)) == padded[:8, :8]).all()
    assert (cut(picture, Square(50, 50, 2)) == picture[-1, -1]).all(), "nothing of it may be inside"
