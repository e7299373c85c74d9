"""How things look, where somebody says so."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia.errors import ValidationError
from cortexia.trackers import TrackerOptions, make_tracker

RED, BLUE = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def swapped(with_looks: bool) -> list[list[int]]:
    """Two that stand close together are out of sight, and have changed places."""
    tracker = make_tracker("bytetrack", TrackerOptions())
    left, right = [100.0, 100.0, 140.0, 180.0], [125.0, 100.0, 165.0, 180.0]
    for index in [*range(10), *range(20, 30)]:
        boxes = [left, right] if index < 10 else [right, left]
        tracker.update(index / 10, np.array(boxes), np.full(2, 0.9), np.array([RED, BLUE]) if with_looks else None)
    return tracker.finish().reshape(-1, 2).tolist()


def test_looks_tell_who_is_who():
    ids = swapped(with_looks=True)
    assert ids == [ids[0]] * 20


def test_without_looks_the_place_decides():
    """Negative control of the test above."""
    ids = swapped(with_looks=False)
    assert ids[-1] == ids[0][::-1]


@pytest.mark.parametrize(
    "vectors", [np.zeros((1, 2)), np.zeros(2), np.array([[np.nan, 0.0]] * 2), np.zeros((2, 3)), None]
)
def test_vectors_that_do_not_fit_are_refused(vectors):
    tracker = make_tracker("bytetrack", TrackerOptions())
    boxes = np.array([[0.0, 0, 9, 9], [20, 0, 29, 9]])
    tracker.update(0.0, boxes, np.ones(2), np.array([RED, BLUE]))
    with pytest.raises(ValidationError, match="vector"):
        tracker.update(1.0, boxes, np.ones(2), vectors)
