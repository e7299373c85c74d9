"""The filter: what it knows of boxes, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia.trackers import kalman
from cortexia.trackers.kalman import SPEED, SPEED_VARIANCE, VALUE, VALUE_VARIANCE

BOX = np.array([[100.0], [200.0], [40.0], [80.0]])


def followed(steps: list[float], speed: float = 50.0) -> np.ndarray:
    states = kalman.begun(BOX)
    moved = BOX.copy()
    for seconds in steps:
        moved[0] += speed * seconds
        kalman.predict(states, seconds)
        states = kalman.corrected(states, moved)
    return states


def by_hand(steps: list[float], speed: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """The same for centre x with matrices, as the textbooks write it."""
    state, covariance = np.array([100.0, 0.0]), np.diag([0.05**2, 1.5**2])
    for count, _ in enumerate(steps, 1):
        dt = steps[count - 1]
        move = np.array([[1, dt], [0, 1]])
        noise = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        state, covariance = move @ state, move @ covariance @ move.T + noise
        gain = covariance[:, 0] / (covariance[0, 0] + 0.05**2)
        state = state + gain * (100 + speed * sum(steps[:count]) - state[0])
        covariance = covariance - np.outer(gain, covariance[0])
    return state, covariance


@pytest.mark.parametrize("steps", [[0.04] * 20, [0.5] * 6, [0.1, 0.02, 0.7, 0.04]])
def test_it_is_the_textbook_filter(steps):
    states, (state, covariance) = followed(steps), by_hand(steps)
    assert states[[VALUE, SPEED], 0, 0] == pytest.approx(state)
    assert states[VALUE_VARIANCE:, 0, 0] == pytest.approx([covariance[0, 0], covariance[0, 1], covariance[1, 1]])


def test_one_step_is_as_good_as_several():
    once, often = followed([0.1] * 5), followed([0.1] * 5)
    kalman.predict(once, 0.6)
    for _ in range(3):
        kalman.predict(often, 0.2)
    assert once == pytest.approx(often)


def test_doubt_grows_unseen_and_shrinks_when_seen():
    states = followed([0.1] * 5)
    before = states[VALUE_VARIANCE].copy()
    kalman.predict(states, 1.0)
    assert (states[VALUE_VARIANCE] > before).all()
    assert (kalman.corrected(states, BOX)[SPEED_VARIANCE] < states[SPEED_VARIANCE]).all()


def test_boxes_do_not_know_of_each_other():
    rng = np.random.default_rng(5)
    boxes, seen = rng.uniform(10, 90, (2, 4, 37))
    many = kalman.begun(boxes)
    kalman.predict(many, 0.3)
    many = kalman.corrected(many, seen)
    for place in range(37):
        one = kalman.begun(boxes[:, [place]])
        kalman.predict(one, 0.3)
        assert (kalman.corrected(one, seen[:, [place]])[..., 0] == many[..., place]).all()


def test_edges_and_centres_are_each_others_inverse():
    assert kalman.cornered(BOX).ravel().tolist() == [80.0, 160.0, 120.0, 240.0]
    assert (kalman.centred(kalman.cornered(BOX)) == BOX).all()
