"""The shape of the level: bounded, with every peak, and nothing where nothing was measured."""

from __future__ import annotations

import re

import pytest

from cortexia.report.axis import Axis
from cortexia.report.envelope import COLUMNS, Envelope

STEP = 50_000


def envelope(levels: list[float], first_us: int = 0) -> Envelope:
    made = Envelope()
    for place, level in enumerate(levels):
        start = first_us + place * STEP
        made.add(start, start + STEP, level)
    return made


def shapes(made: Envelope, end_us: int) -> list[list[tuple[float, float]]]:
    """(x, height) of the upper edge of each shape."""
    found = []
    for shape in made.path(Axis(end_us).x).split("M")[1:]:
        points = [(float(x), 1 - 2 * float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", shape)]
        found.append(points[: len(points) // 2])
    return found


def test_the_loudest_fills_the_lane_and_half_of_it_in_ten_decibels():
    """10 ** (-10 / 20 * 0.6) = 0.501."""
    ((first, *inner, last),) = shapes(envelope([-20.0, -10.0, -10.0]), 3 * STEP)
    assert [height for _, height in inner] == pytest.approx([0.501, 1.0, 1.0], abs=0.002)
    assert (first[0], last[0]) == (0.0, 1000.0)


@pytest.mark.parametrize("hours", [1, 7])
def test_a_lone_peak_in_hours_is_kept_and_the_shape_stays_small(hours):
    levels = [-60.0] * (hours * 72_000)
    levels[50_000] = -6.0
    made = envelope(levels)
    (points,) = shapes(made, len(levels) * STEP)
    assert COLUMNS / 2 <= len(points) <= COLUMNS + 2
    at, height = max(points, key=lambda point: point[1])
    assert height == pytest.approx(1.0, abs=0.01)
    assert at == pytest.approx(50_000 / len(levels) * 1000, abs=2)
    assert sorted(height for _, height in points)[-4] < 0.05
    assert made.loudest == -6.0


def test_where_nothing_was_measured_nothing_stands():
    made = envelope([-10.0] * 20)
    made.add(60 * STEP, 61 * STEP, -10.0)
    one, other = shapes(made, 80 * STEP)
    assert one[-1][0] == 250.0
    assert (other[0][0], other[-1][0]) == (750.0, 762.5)
    assert shapes(Envelope(), STEP) == []
    assert Envelope().loudest is None


@pytest.mark.parametrize("first_us", [0, 1, STEP - 1, 20_000])
def test_times_that_were_rounded_leave_no_holes(first_us):
    """Seconds begin a microsecond early or late."""
    made = Envelope()
    for second in range(30):
        for step in range(20):
            start = max(0, first_us + second * 1_000_000 + (-1, 0, 1)[second % 3]) + step * STEP
            made.add(start, start + STEP, -20.0)
    assert len(shapes(made, 31_000_000)) == 1


def test_silence_does_not_look_loud():
    """Negative control: the same at -40 dBFS fills the lane."""
    assert max(height for _, height in shapes(envelope([-120.0] * 9), 9 * STEP)[0]) < 0.05
    assert max(height for _, height in shapes(envelope([-40.0] * 9), 9 * STEP)[0]) == pytest.approx(1.0)
