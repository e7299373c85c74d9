"""Curves keep their peaks and their gaps; ticks are round."""

from __future__ import annotations

import re
from random import Random

import pytest

from cortexia.report.axis import Axis
from cortexia.report.curves import make_curves
from cortexia.report.gather import Facts, Series, Span
from cortexia.report.words import number, time_ticks, value_ticks


def curve(values, step_us=1_000_000, blanks=(), skip=()):
    series = Series()
    for place, value in enumerate(values):
        if place not in skip:
            series.add(place * step_us, (place + 1) * step_us, value)
    facts = Facts(series={("quality", "sharpness"): series}, blanks={"quality": list(blanks)})
    return make_curves(facts, Axis(len(values) * step_us))[0]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_a_short_series_is_drawn_value_by_value():
    made = points(curve([0.0, 10.0, 5.0]).path)
    assert len(made) == 3
    assert made[0] == (166.7, 100.0)
    assert made[1][1] < made[2][1] < made[0][1]


def test_a_single_peak_among_a_hundred_thousand_values_is_kept():
    values = [1.0] * 100_000
    values[77_777] = 50.0
    made = points(curve(values).band)
    assert len(made) < 1100
    highest = min(made, key=lambda point: point[1])
    assert abs(highest[0] - 777.77) <= 2
    assert highest[1] < 10


def test_every_column_has_its_least_and_greatest_value():
    random = Random(7)
    values = [random.uniform(0, 100) for _ in range(5000)]
    made = curve(values)
    drawn = points(made.band)
    means = dict(points(made.path))
    top = 106.0 * max(values) / 106.0 + max(values) * 0.06
    for column in range(0, 500, 50):
        own = [y for x, y in drawn if int(x * 500 / 1000) == column]
        here = values[column * 10 : column * 10 + 10]
        mean = sum(here) / len(here)
        assert means[column * 2 + 1] == pytest.approx((top - mean) / top * 100, abs=0.1)
        assert min(own) == pytest.approx((top - max(here)) / top * 100, abs=0.1)
        assert max(own) == pytest.approx((top - min(here)) / top * 100, abs=0.1)


def test_a_gap_breaks_the_line():
    assert curve([1.0] * 20).path.count("M") == 1
    assert curve([1.0] * 20, skip=range(8, 13)).path.count("M") == 2


def test_what_could_not_be_measured_breaks_the_line_and_is_shown():
    made = curve([1.0] * 20, blanks=[Span(8_000_000, 9_000_000, "dark"), Span(9_000_000, 10_000_000, "dark")], skip=[8])
    assert made.path.count("M") >= 2
    assert [block.title for block in made.blanks] == ["not measured, 0:08.00 \u2013 0:10.00: dark"]


def test_nothing_measured_is_an_empty_plot_with_its_reason():
    facts = Facts(blanks={"motion": [Span(0, 5, "no texture")]})
    made = make_curves(facts, Axis(10))
    assert {one.path for one in made} == {""}
    assert {one.note for one in made} == {"not measured"}


def test_a_flat_line_has_a_scale():
    assert all(0 <= tick.percent <= 100 for tick in curve([0.0] * 5).ticks)


@pytest.mark.parametrize(
    ("end_s", "labels"),
    [
        (24, ["0:00", "0:05", "0:10", "0:15", "0:20"]),
        (0.3, ["0:00.00", "0:00.05", "0:00.10", "0:00.15", "0:00.20", "0:00.25", "0:00.30"]),
        (7200, ["0:00:00", "0:15:00", "0:30:00", "0:45:00", "1:00:00", "1:15:00", "1:30:00", "1:45:00", "2:00:00"]),
    ],
)
def test_time_ticks_are_round(end_s, labels):
    assert [text for _, text in time_ticks(int(end_s * 1e6))] == labels


def test_value_ticks_are_round_and_few():
    assert value_ticks(-80, 0) == [-80, -60, -40, -20, 0]
    assert value_ticks(-0.3, 0.3) == [-0.2, 0.0, 0.2]
    assert value_ticks(5, 5) == [5]
    for high in (0.003, 0.7, 9, 123, 54321):
        assert 2 <= len(value_ticks(0, high)) <= 6


def test_words():
    assert (number(-0.25), number(1234.4), number(0.0), number(0.00042)) == ("\u22120.25", "1234", "0", "0.00042")
