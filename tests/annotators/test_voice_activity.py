"""Intervals of speech out of probabilities, chunk by chunk."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortexia.annotators._voice_activity import Interval, SpeechIntervals, SpeechLimits, chunks_in

LIMITS = SpeechLimits(threshold=0.5, hysteresis=0.15, min_speech=3, min_silence=4, pad=2, max_speech=40)
QUIET, DOUBT, LOUD = 0.1, 0.4, 0.9


def heard(odds: list[float], limits: SpeechLimits = LIMITS) -> list[Interval]:
    intervals = SpeechIntervals(limits)
    return [made for value in odds for made in intervals.add(value)] + intervals.end()


def places(odds: list[float], limits: SpeechLimits = LIMITS) -> list[tuple[int, int]]:
    return [(made.first, made.last) for made in heard(odds, limits)]


def test_silence_is_none():
    assert heard([QUIET] * 100) == []
    assert heard([]) == []


def test_speech_is_padded_at_both_ends():
    assert places([QUIET] * 10 + [LOUD] * 10 + [QUIET] * 10) == [(8, 22)]


def test_padding_ends_where_the_sound_does():
    assert places([LOUD] * 10) == [(0, 10)]
    assert places([QUIET] + [LOUD] * 10 + [QUIET]) == [(0, 12)]


def test_doubt_goes_on_with_speech_and_begins_none():
    """Hysteresis."""
    assert places([DOUBT] * 20) == []
    assert places([LOUD] * 5 + [DOUBT] * 20 + [LOUD] * 5) == [(0, 30)]


def test_without_hysteresis_doubt_is_silence():
    """Negative control."""
    bare = SpeechLimits(0.5, 0.0, 3, 4, 2, 40)
    assert places([LOUD] * 5 + [DOUBT] * 20 + [LOUD] * 5, bare) == [(0, 7), (23, 30)]


def test_what_is_too_short_is_dropped():
    assert places([QUIET] * 5 + [LOUD] * 2 + [QUIET] * 9) == []
    assert places([QUIET] * 5 + [LOUD] * 3 + [QUIET] * 9) == [(3, 10)]


def test_short_silences_are_bridged_and_long_ones_are_not():
    assert places([LOUD] * 5 + [QUIET] * 3 + [LOUD] * 5) == [(0, 13)]
    assert places([LOUD] * 5 + [QUIET] * 4 + [LOUD] * 5) == [(0, 7), (7, 14)]


def test_neighbours_share_the_room_between_them():
    wide = SpeechLimits(0.5, 0.15, 3, 4, 6, 40)
    (_, stop), (start, _) = places([LOUD] * 5 + [QUIET] * 8 + [LOUD] * 5, wide)
    assert stop <= start


def test_confidence_is_the_mean_without_the_padding():
    (made,) = heard([QUIET] * 10 + [0.6, 0.8, 1.0] + [QUIET] * 10)
    assert made.confidence == pytest.approx(0.8)


def test_long_speech_is_cut_where_it_is_least_probable_in_its_second_half():
    odds = [LOUD] * 60
    odds[5], odds[30] = 0.4, 0.6
    assert places(odds) == [(0, 30), (30, 60)]


def test_the_rest_after_a_cut_is_speech_however_short():
    odds = [LOUD] * 41 + [QUIET] * 10
    odds[39] = 0.6
    assert places(odds) == [(0, 39), (39, 43)]


def test_nothing_is_longer_than_allowed_padding_included():
    for length in range(30, 90):
        assert max(stop - start for start, stop in places([QUIET] * 5 + [LOUD] * length + [QUIET] * 9)) <= 40, length


@pytest.mark.parametrize("pad", [0, 1, 2, 4])
@pytest.mark.parametrize("before_pause", range(34, 40))
def test_a_cut_within_a_pause_leaves_nothing_behind(pad, before_pause):
    """Speech, then a pause in which it gets too long: the cut falls into the pause, and there is no rest."""
    odds = [LOUD] * before_pause + [0.3, 0.2, 0.1] + [0.0] * 20
    found = heard(odds, SpeechLimits(0.5, 0.15, 3, 4, pad, 40))
    assert all(made.first < made.last <= made.first + 40 for made in found)
    assert [(made.first, made.confidence > 0.5) for made in found] == [(0, True)]


def test_a_threshold_below_the_hysteresis_lets_speech_end():
    assert places([LOUD] * 10 + [0.0] * 100, SpeechLimits(0.1, 0.15, 3, 4, 2, 40)) == [(0, 12)]


RUNS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.34, 0.36, 0.5, 0.9]), st.integers(1, 45)), max_size=20)


@given(RUNS, st.integers(0, 8), st.integers(1, 8), st.integers(0, 8))
def test_so_are_they_where_probabilities_stay_for_a_while(runs, pad, min_silence, min_speech):
    odds = [value for value, length in runs for _ in range(length)]
    intervals = SpeechIntervals(SpeechLimits(0.5, 0.15, min_speech, min_silence, pad, 40))
    found, final = [], 0
    for value in odds:
        told = intervals.add(value)
        assert all(made.first >= final for made in told)
        found += told
        assert intervals.open_since >= final
        final = intervals.open_since
    found += intervals.end()
    assert all(0 <= made.first < made.last <= min(len(odds), made.first + 40) for made in found)
    assert all(before.last <= after.first for before, after in pairwise(found))


PROBABILITIES = st.lists(st.sampled_from([0.0, 0.1, 0.34, 0.36, 0.49, 0.5, 0.8, 1.0]), max_size=300)


@given(PROBABILITIES, st.integers(0, 8), st.integers(1, 8), st.integers(0, 8))
def test_intervals_are_in_order_apart_and_no_longer_than_allowed(odds, pad, min_silence, min_speech):
    found = heard(odds, SpeechLimits(0.5, 0.15, min_speech, min_silence, pad, 40))
    assert all(0 <= made.first < made.last <= len(odds) for made in found)
    assert all(made.last - made.first <= 40 for made in found)
    assert all(before.last <= after.first for before, after in pairwise(found))
    assert all(0.0 <= made.confidence <= 1.0 for made in found)


@given(PROBABILITIES, st.data())
def test_a_restart_anywhere_changes_nothing(odds, data):
    stop = data.draw(st.integers(0, len(odds)))
    before = SpeechIntervals(LIMITS)
    found = [made for value in odds[:stop] for made in before.add(value)]
    after = SpeechIntervals(LIMITS)
    after.recall(json.loads(json.dumps(before.memory())))
    found += [made for value in odds[stop:] for made in after.add(value)]
    assert found + after.end() == heard(odds)


@given(PROBABILITIES)
def test_nothing_begins_before_what_is_said_to_be_final(odds):
    intervals = SpeechIntervals(LIMITS)
    final = 0
    for value in odds:
        assert all(made.first >= final for made in intervals.add(value))
        assert intervals.open_since >= final
        final = intervals.open_since
    assert all(made.first >= final for made in intervals.end())


def test_seconds_are_whole_chunks():
    assert [chunks_in(seconds, 0.032) for seconds in (0.0, 0.032, 0.1, 0.2, 10.0)] == [0, 1, 3, 6, 312]
