"""ByteTrack-class association on scenes made by hand: who keeps an identity, and who does not."""

from __future__ import annotations

import pytest
from scenes import Scene, around, ids_of, scene

RATES = (2.0, 5.0, 12.5, 25.0, 60.0)


def walk(start: float, speed: float, y: float = 200.0, hidden: tuple[float, float] = (0.0, 0.0)):
    """Along a line in pixels a second; out of sight from and until."""
    return lambda t: None if hidden[0] <= t < hidden[1] else (start + speed * t, y)


@pytest.mark.parametrize("rate", RATES)
def test_any_sampling_gives_the_same_identities(rate):
    people = {"a": walk(100, 30), "b": walk(700, -30, 330), "c": walk(400, 0, 500)}
    assert scene(people, rate, 12).identities() == {"a": {1}, "c": {2}, "b": {3}}


@pytest.mark.parametrize("rate", RATES[1:])
def test_those_who_cross_keep_their_identity(rate):
    people = {"a": walk(100, 60, 200), "b": walk(700, -60, 210)}
    assert scene(people, rate, 10).identities() == {"a": {1}, "b": {2}}


def test_without_motion_those_who_cross_are_mixed_up():
    """Negative control of the test above: overlap alone cannot tell at this rate."""
    people = {"a": walk(100, 80, 200), "b": walk(700, -80, 210)}
    assert scene(people, 5.0, 7.5).identities("iou") == {"a": {1, 2}, "b": {1, 2}}
    assert scene(people, 5.0, 7.5).identities() == {"a": {1}, "b": {2}}


@pytest.mark.parametrize("rate", RATES)
def test_who_is_hidden_for_less_than_the_buffer_is_found_again(rate):
    assert scene({"a": walk(100, 20, hidden=(5.0, 6.4))}, rate, 12).identities() == {"a": {1}}


@pytest.mark.parametrize("rate", RATES)
def test_who_is_hidden_for_longer_is_somebody_else(rate):
    assert scene({"a": walk(100, 20, hidden=(5.0, 7.6))}, rate, 12).identities() == {"a": {1, 2}}


def test_the_buffer_is_in_seconds():
    hidden = scene({"a": walk(100, 20, hidden=(5.0, 7.6))}, 12.5, 12)
    assert hidden.identities(buffer_s=3.0) == {"a": {1}}
    assert hidden.identities(buffer_s=1.0) == {"a": {1, 2}}


def test_frames_without_anything_need_not_be_told():
    told = scene({"a": walk(100, 20, hidden=(5.0, 6.0)), "b": walk(500, 10, 400, (5.0, 6.5))}, 10, 12)
    untold = [(time_s, seen) for time_s, seen in told.frames if seen]
    assert len(untold) < len(told.frames)
    assert ids_of(untold) == ids_of(told.frames)


def test_a_track_claims_its_boxes_from_the_first_one_on():
    rising = scene({"a": walk(100, 20)}, 10, 3, score=lambda t: 0.3 if t < 0.55 else 0.9)
    assert rising.identities() == {"a": {1}}


def test_what_never_gets_sure_is_no_track():
    assert scene({"a": walk(100, 20)}, 10, 3, score=lambda t: 0.45).identities() == {"a": {0}}


def test_the_second_band_carries_over_a_dip():
    dip = scene({"a": walk(100, 20)}, 10, 8, score=lambda t: 0.15 if 3 <= t < 6 else 0.9)
    assert dip.identities() == {"a": {1}}


def test_without_the_second_band_the_dip_parts_the_track():
    """Negative control of the test above."""
    dip = scene({"a": walk(100, 20)}, 10, 8, score=lambda t: 0.15 if 3 <= t < 6 else 0.9)
    assert dip.identities(low=0.2) == {"a": {0, 1, 2}}


def test_low_confidence_brings_nobody_back():
    back = scene({"a": walk(100, 0, hidden=(3.0, 4.5))}, 10, 8, score=lambda t: 0.2 if t >= 4.5 else 0.9)
    assert back.identities() == {"a": {0, 1}}


@pytest.mark.parametrize("rate", RATES)
def test_a_few_boxes_are_no_track(rate):
    boxes = [(index / rate, [("a", around(100, 100), 0.9)]) for index in range(2)]
    assert ids_of(boxes) == [0, 0]
    assert ids_of(boxes, min_hits=2) == [1, 1]


def test_flashes_at_random_places_are_no_tracks():
    flashes = [(index / 10, [("-", around(97.0 * index % 1100, 61.0 * index % 600), 0.8)]) for index in range(100)]
    assert set(ids_of(flashes)) == {0}


@pytest.mark.parametrize("speed", [200.0, 350.0, 500.0])
def test_fast_things_are_followed(speed):
    """From frame to frame the fastest moves by half of its width."""
    assert scene({"a": walk(0, speed)}, 25, 1.5).identities() == {"a": {1}}


def test_who_leaves_and_who_enters_are_two():
    people = {"a": lambda t: (100 + 60 * t, 200) if t < 4 else None, "b": lambda t: (900, 500) if t >= 4.3 else None}
    assert scene(people, 10, 8).identities() == {"a": {1}, "b": {2}}


def panned(names: str) -> Scene:
    """The camera begins at once to pan by almost half a width a frame, and as suddenly ends."""
    frames = []
    for index in range(40):
        offset = 18.0 * min(max(index - 10, 0), 19)
        seen = [(who, around(150 + 170 * place + offset, 200 + 40 * place), 0.9) for place, who in enumerate(names)]
        frames.append((index / 25, seen))
    return Scene(frames)


def test_a_camera_that_moves_at_once_does_not_part_tracks():
    assert panned("abcdef").identities() == {who: {number} for number, who in enumerate("abcdef", 1)}


def test_of_two_boxes_nobody_can_tell_that_the_camera_moved():
    """Negative control of the test above."""
    assert panned("ab").identities() != {"a": {1}, "b": {2}}


def test_ids_count_in_order_of_confirmation():
    """The first to be seen is the last to be believed."""

    def score(time_s: float, who: str) -> float:
        return 0.9 if who == "b" or time_s > 1 else 0.3

    people = {"a": (100, 100), "b": (500, 100)}
    frames = [(t / 10, [(who, around(*at), score(t / 10, who)) for who, at in people.items()]) for t in range(30)]
    assert Scene(frames).identities() == {"a": {2}, "b": {1}}
