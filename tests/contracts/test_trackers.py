"""What every registered tracker promises, however it tracks."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia import registry
from cortexia.errors import ConfigurationError, UnknownNameError, ValidationError
from cortexia.trackers import TrackerOptions, make_tracker
from cortexia.trackers.base import NO_TRACK

NAMES = registry.names("trackers")
BOX = np.array([[10.0, 10.0, 50.0, 90.0]])
SURE = np.array([0.9])


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def fed(name: str, times: list[float], score: float = 0.9, **options: float) -> list[int]:
    """The ids of a box that stands still."""
    tracker = make_tracker(name, TrackerOptions(**options))  # type: ignore[arg-type]
    for time_s in times:
        tracker.update(time_s, BOX, SURE * score / 0.9)
    return tracker.finish().tolist()


def test_a_name_that_nobody_has_is_refused():
    with pytest.raises(UnknownNameError, match="bytetrack"):
        make_tracker("bytetrck")


def test_what_stands_still_is_one_track(name):
    assert fed(name, [0.0, 0.1, 0.2, 0.3]) == [1, 1, 1, 1]


def test_nothing_fed_is_nothing_found(name):
    assert make_tracker(name).finish().tolist() == []


def test_a_frame_of_nothing_is_a_frame(name):
    tracker = make_tracker(name)
    tracker.update(0.0, np.empty((0, 4)), np.empty(0))
    tracker.update(1.0, np.empty((0, 4)), np.empty(0))
    assert tracker.finish().tolist() == []


def test_the_buffer_is_the_longest_way_from_box_to_box(name):
    assert fed(name, [0.0, 0.1, 0.2, 2.2, 2.3, 2.4]) == [1] * 6
    assert fed(name, [0.0, 0.1, 0.2, 2.201, 2.3, 2.4]) == [1, 1, 1, 2, 2, 2]


def test_too_few_boxes_are_no_track(name):
    assert fed(name, [0.0, 0.1]) == [NO_TRACK] * 2
    assert fed(name, [0.0, 0.1], min_hits=2) == [1, 1]


def test_a_track_needs_one_sure_box(name):
    assert fed(name, [0.0, 0.1, 0.2], score=0.49) == [NO_TRACK] * 3
    assert fed(name, [0.0, 0.1, 0.2], score=0.5) == [1, 1, 1]


def test_what_is_below_low_is_left_out(name):
    assert fed(name, [0.0, 0.1, 0.2], score=0.09, high=0.1, birth=0.1, low=0.09) == [NO_TRACK] * 3
    assert fed(name, [0.0, 0.1, 0.2], score=0.09, high=0.09, birth=0.09, low=0.09) == [1, 1, 1]


def test_boxes_without_an_area_do_no_harm(name):
    tracker = make_tracker(name)
    for index in range(5):
        tracker.update(float(index), np.array([[5.0, 5, 5, 5], [10, 10, 50, 90]]), np.full(2, 0.9))
    assert tracker.finish().reshape(-1, 2)[:, 1].tolist() in ([1] * 5, [2] * 5)


def test_equal_boxes_are_two(name):
    tracker = make_tracker(name)
    for index in range(4):
        tracker.update(index / 10, np.concatenate((BOX, BOX)), np.full(2, 0.9))
    assert {frozenset(row) for row in tracker.finish().reshape(-1, 2).tolist()} == {frozenset((1, 2))}


def test_a_long_sequence_is_one_track(name):
    times = (np.arange(5000) / 25).tolist()
    assert set(fed(name, times)) == {1}


@pytest.mark.parametrize(
    ("boxes", "scores", "hint"),
    [
        (np.zeros((2, 4)), np.ones(1), "fit"),
        (np.zeros((1, 5)), np.ones(1), "fit"),
        (np.zeros(4), np.ones(4), "fit"),
        (np.array([[0.0, 0, np.nan, 1]]), np.ones(1), "finite"),
        (np.array([[0.0, 0, np.inf, 1]]), np.ones(1), "finite"),
        (np.array([[0.0, 0, 1, 1]]), np.array([np.nan]), "finite"),
        (np.array([[5.0, 0, 1, 1]]), np.ones(1), "ends before"),
    ],
)
def test_detections_that_cannot_be_are_refused(name, boxes, scores, hint):
    with pytest.raises(ValidationError, match=hint):
        make_tracker(name).update(0.0, boxes, scores)


@pytest.mark.parametrize("time_s", [1.0, 0.9, float("nan"), float("inf")])
def test_time_moves_on(name, time_s):
    tracker = make_tracker(name)
    tracker.update(1.0, BOX, SURE)
    with pytest.raises(ValidationError, match=r"order of time|finite"):
        tracker.update(time_s, BOX, SURE)


@pytest.mark.parametrize(
    "options", [{"low": 0.7}, {"birth": 0.3}, {"buffer_s": -1.0}, {"buffer_s": float("nan")}, {"min_hits": 0}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        TrackerOptions(**options)
