"""Run lengths say what pycocotools says, sign for sign; polygons hold the pixels that they came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as peer

from cortexia.errors import ValidationError
from cortexia.outlines import bitmap_of, polygons_of
from cortexia.rle import PIXEL_LIMIT, area, decode, encode, from_text, run_lengths, to_text

BITMAPS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
RUNS = st.lists(st.integers(0, 1 << 40), max_size=12)


def blobs(seed: int, size: tuple[int, int]) -> np.ndarray:
    """Ellipses as masks of things are: long runs, some at the borders."""
    random = np.random.default_rng(seed)
    height, width = size
    y, x = np.mgrid[:height, :width]
    made = np.zeros(size, bool)
    for _ in range(4):
        cx, cy = random.uniform(0, width), random.uniform(0, height)
        rx, ry = random.uniform(2, width / 3), random.uniform(2, height / 3)
        made |= ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
    return made


@given(BITMAPS)
def test_the_text_is_that_of_pycocotools(bitmap):
    theirs = peer.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    ours = encode(bitmap)
    assert (ours["size"], ours["counts"]) == (theirs["size"], theirs["counts"].decode())
    assert np.array_equal(decode(ours), bitmap)
    assert area(ours) == int(peer.area(theirs)) == int(bitmap.sum())


@pytest.mark.parametrize("seed", range(5))
def test_large_masks_are_the_same_too(seed):
    bitmap = blobs(seed, (1080, 1920))
    theirs = peer.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    assert encode(bitmap)["counts"] == theirs["counts"].decode()
    assert np.array_equal(peer.decode({**encode(bitmap)}).astype(bool), bitmap)


@given(RUNS)
def test_any_run_lengths_come_back_from_text(runs):
    assert from_text(to_text(runs)) == runs


@settings(max_examples=300)
@given(st.text(max_size=20))
def test_any_text_is_run_lengths_or_none(text):
    runs = from_text(text)
    assert runs is None or all(isinstance(run, int) for run in runs)


def test_lists_and_text_are_the_same_mask():
    bitmap = blobs(1, (30, 50))
    listed = {"size": [30, 50], "counts": run_lengths(encode(bitmap))}
    assert np.array_equal(decode(listed), bitmap)


@pytest.mark.parametrize(
    ("size", "counts", "hint"),
    [
        ([2, 3], "7", "add up to 7, its size to 6"),
        ([2, 3], [3, -1, 4], "no run lengths"),
        ([2, 3], [True, 5], "no run lengths"),
        ([2, 3], "\x00", "no run lengths"),
        ([2, 3], None, "no run lengths"),
        ([2], "6", "no height and width"),
        ([2.0, 3.0], "6", "no height and width"),
        ([PIXEL_LIMIT, 2], "6", "too large"),
    ],
)
def test_what_is_no_mask_is_refused(size, counts, hint):
    with pytest.raises(ValidationError, match=hint):
        # the size is looked at where the counts are sound
        decode({"size": size, "counts": counts})


# -- polygons


@pytest.mark.parametrize("seed", range(6))
def test_polygons_hold_the_pixels_of_a_mask_without_holes(seed):
    bitmap = bitmap_of(polygons_of(blobs(seed, (90, 120))), (90, 120))
    assert np.array_equal(bitmap_of(polygons_of(bitmap), (90, 120)), bitmap)


def test_parts_come_the_largest_first_and_points_have_an_area():
    bitmap = np.zeros((20, 30), bool)
    bitmap[2, 3] = True
    bitmap[5:15, 10:25] = True
    assert polygons_of(bitmap) == [
        [10.0, 5.0, 10.0, 14.0, 24.0, 14.0, 24.0, 5.0],
        [3.0, 2.0, 4.0, 2.0, 4.0, 3.0, 3.0, 3.0],
    ]


def test_a_tolerance_makes_fewer_corners():
    bitmap = blobs(3, (200, 300))
    exact, coarse = (sum(map(len, polygons_of(bitmap, tolerance))) for tolerance in (0.0, 2.0))
    assert coarse < exact / 2


def test_an_empty_mask_has_no_polygon():
    assert polygons_of(np.zeros((4, 4), bool)) == []
