"""The time rule: one strictly increasing time for each picture, and where it came from."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from decoding import decode
from hypothesis import given
from hypothesis import strategies as st

from cortexia.decoders.clock import PictureClock
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import TimeSource

BASE = Fraction(1, 1000)
RATE = Fraction(25)
PTS, INDEX, REBASED = TimeSource.PTS, TimeSource.INDEX, TimeSource.REBASED


def stamped(pts, rate: Fraction | None = RATE) -> list[tuple[int, TimeSource]]:
    clock = PictureClock(BASE, rate, Fraction(240))
    return [clock.stamp(value) for value in pts]


def test_sound_times_are_kept():
    assert stamped([-40, 0, 33, 500]) == [(-40, PTS), (0, PTS), (33, PTS), (500, PTS)]


def test_without_pts_the_index_over_the_rate():
    assert stamped([None] * 4) == [(0, INDEX), (40, INDEX), (80, INDEX), (120, INDEX)]


def test_periods_that_are_no_whole_ticks_do_not_drift():
    times = [time for time, _ in stamped([None] * 3001, Fraction(30000, 1001))]
    assert times[3000] == 100_100
    assert all(abs(time - index * 1001 / 30) <= 0.5 for index, time in enumerate(times))


def test_a_gap_of_pts_is_filled_from_the_last_known_one():
    assert stamped([100, None, None, 220]) == [(100, PTS), (140, INDEX), (180, INDEX), (220, PTS)]


def test_a_short_step_back_is_a_glitch():
    assert stamped([0, 40, 40, 39, 120]) == [(0, PTS), (40, PTS), (41, REBASED), (42, REBASED), (120, PTS)]


def test_a_clock_set_anew_is_carried_on():
    """As where an MPEG-TS clock wraps or programmes were joined: the difference is kept from there on."""
    assert stamped([90_000, 90_040, 0, 40, 80]) == [
        (90_000, PTS),
        (90_040, PTS),
        (90_080, REBASED),
        (90_120, REBASED),
        (90_160, REBASED),
    ]


@pytest.mark.parametrize(
    ("rate", "nominal"),
    [(None, 40), (Fraction(0), 40), (Fraction(-5), 40), (Fraction(240), 4), (Fraction(241), 4), (Fraction(90000), 4)],
)
def test_absurd_rates_count_as_usable_ones(rate, nominal):
    assert PictureClock(BASE, rate, Fraction(240)).nominal == nominal


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), max_size=60))
def test_time_always_goes_on(pts):
    times = [time for time, _ in stamped(pts)]
    assert all(before < after for before, after in pairwise(times))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_raw_streams_have_no_times_of_their_own(clips, codec):
    suffix = {"libx264": "h264", "mpeg4": "m4v"}[codec]
    path, _ = clips(f"raw.{suffix}", VideoSpec(160, 90, shots=(ShotSpec(1.0),), codec=codec))
    found = decode(path)
    assert len(found.frames) == 25
    assert [frame.time_s for frame in found.frames] == pytest.approx([index / 25 for index in range(25)], abs=1e-3)
    if codec == "libx264":
        assert {frame.time_source for frame in found.frames} == {INDEX}
