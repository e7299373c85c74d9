"""What holds of any tracker for any detections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortexia import registry
from cortexia.trackers import TrackerOptions, make_tracker

every_tracker = pytest.mark.parametrize("name", registry.names("trackers"))
Fed = list[tuple[float, np.ndarray, np.ndarray]]
_PLACES = st.integers(0, 12)
_BOXES = st.tuples(_PLACES, _PLACES, st.integers(1, 4), st.integers(1, 4), st.integers(1, 100))
"""Left, top, width and height in tens of pixels, and score in hundredths: coarse, so that boxes meet and tie."""


@st.composite
def sequences(draw: st.DrawFn) -> Fed:
    """Frames at whole sixteenths of a second; no box occurs twice in one."""
    time_s, fed = 0.0, []
    for rows in draw(st.lists(st.lists(_BOXES, max_size=5, unique_by=lambda row: row[:4]), max_size=25)):
        time_s += draw(st.integers(1, 12)) / 16
        values = np.array(rows, np.float64).reshape(-1, 5)
        corners = np.concatenate((values[:, :2], values[:, :2] + values[:, 2:4]), axis=1) * 10
        fed.append((time_s, corners, values[:, 4] / 100))
    return fed


def ids_of(name: str, fed: Fed) -> list[np.ndarray]:
    tracker = make_tracker(name, TrackerOptions(min_hits=2))
    for frame in fed:
        tracker.update(*frame)
    ids = tracker.finish()
    assert len(ids) == sum(len(scores) for _, _, scores in fed)
    return np.split(ids, np.cumsum([len(scores) for _, _, scores in fed])[:-1]) if fed else []


@every_tracker
@settings(max_examples=60, deadline=None)
@given(fed=sequences())
def test_a_track_has_one_box_in_a_frame_and_as_many_boxes_as_it_must(name, fed):
    rows = ids_of(name, fed)
    for row in rows:
        tracked = row[row > 0]
        assert len(set(tracked.tolist())) == len(tracked)
    found, counts = np.unique(np.concatenate([*rows, np.zeros(1, np.int64)]), return_counts=True)
    assert found.tolist() == list(range(len(found)))
    assert (counts[1:] >= 2).all()


@every_tracker
@settings(max_examples=40, deadline=None)
@given(fed=sequences(), shift=st.sampled_from([1.0, 1000.25, 86_400.0, -7.5]))
def test_where_time_is_counted_from_changes_nothing(name, fed, shift):
    moved = [(time_s + shift, boxes, scores) for time_s, boxes, scores in fed]
    assert [row.tolist() for row in ids_of(name, moved)] == [row.tolist() for row in ids_of(name, fed)]


@every_tracker
@settings(max_examples=40, deadline=None)
@given(fed=sequences(), seed=st.integers(0, 99))
def test_the_order_within_a_frame_changes_nothing(name, fed, seed):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(scores)) for _, _, scores in fed]
    mixed = [(time_s, boxes[way], scores[way]) for (time_s, boxes, scores), way in zip(fed, orders, strict=True)]
    wanted = [row[way].tolist() for row, way in zip(ids_of(name, fed), orders, strict=True)]
    assert [row.tolist() for row in ids_of(name, mixed)] == wanted


@every_tracker
@settings(max_examples=40, deadline=None)
@given(fed=sequences(), later=sequences())
def test_what_comes_later_takes_no_box_away(name, fed, later):
    """A detection that belonged to a track still does, to one of the same number."""
    if not fed:
        return
    end = fed[-1][0] + 0.0625
    longer = fed + [(end + time_s, boxes, scores) for time_s, boxes, scores in later]
    for short, long in zip(ids_of(name, fed), ids_of(name, longer), strict=False):
        assert all(now == was for was, now in zip(short, long, strict=True) if was)


def test_the_order_of_frames_does_matter():
    """Negative control: a tracker that answered always the same would pass what stands above."""
    box = np.array([[0.0, 0, 10, 10]])
    there, away = (box, np.ones(1)), (box + 500, np.ones(1))
    apart = [(float(t), *(there if t < 3 else away)) for t in range(6)]
    mixed = [(float(t), *(there if t % 2 else away)) for t in range(6)]
    for name in registry.names("trackers"):
        assert np.concatenate(ids_of(name, apart)).tolist() == [1, 1, 1, 2, 2, 2]
        assert np.concatenate(ids_of(name, mixed)).tolist() != [1, 1, 1, 2, 2, 2]
