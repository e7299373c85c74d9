"""Suppression: what overlaps a better box of its class goes, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia.models.adapters.nms import suppress


def stay(boxes, scores, classes=None, max_overlap=0.5) -> list[int]:
    kinds = np.zeros(len(scores), np.int64) if classes is None else np.array(classes, np.int64)
    return suppress(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), kinds, max_overlap
    ).tolist()


def overlap(one, other) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def test_the_better_of_two_that_overlap_stays():
    assert stay([[0, 0, 10, 10], [1, 0, 11, 10]], [0.5, 0.9]) == [1]


def test_boxes_apart_all_stay_by_falling_score():
    assert stay([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [0.2, 0.9, 0.5]) == [1, 2, 0]


def test_classes_do_not_suppress_each_other():
    assert stay([[0, 0, 10, 10], [1, 0, 11, 10]], [0.5, 0.9], classes=[0, 1]) == [1, 0]


def test_equal_scores_keep_their_order():
    assert stay([[20 * i, 0, 20 * i + 10, 10] for i in range(20)], [0.5] * 20) == list(range(20))


def test_an_overlap_of_exactly_the_limit_is_allowed():
    halves = [[0, 0, 10, 10], [0, 0, 10, 5]]
    assert stay(halves, [0.9, 0.5], max_overlap=0.5) == [0, 1]
    assert stay(halves, [0.9, 0.5], max_overlap=0.499) == [0]


def test_what_was_suppressed_suppresses_nothing():
    chain = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]
    assert stay(chain, [0.9, 0.8, 0.7], max_overlap=0.3) == [0, 2]


def test_boxes_without_area_harm_nobody():
    assert stay([[5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 10, 10]], [0.9, 0.8, 0.7]) == [0, 1, 2]


def test_nothing_stays_of_nothing():
    assert stay([], []) == []


@pytest.mark.parametrize("seed", range(5))
def test_those_that_stay_do_not_overlap_and_those_that_go_do(seed):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (200, 2))
    boxes = np.hstack((corners, corners + rng.uniform(5, 40, (200, 2))))
    scores, kinds = rng.uniform(0, 1, 200), rng.integers(0, 3, 200)
    left = suppress(boxes, scores, kinds, 0.4).tolist()
    assert 0 < len(left) < 200
    for index in range(200):
        better = [k for k in left if kinds[k] == kinds[index] and scores[k] > scores[index]]
        assert (index in left) == all(overlap(boxes[k], boxes[index]) <= 0.4 for k in better)
