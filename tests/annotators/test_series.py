"""Figures of a shot: flicker, and focus against the shot's own."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from cortexia.annotators._series import FLICKER_SAMPLES, MEASURED, flicker, shot_values
from cortexia.types import Measure, TimeSpan, Timestamp

TIMES = np.arange(200) / 2


def unsteady(amplitude: float, seed: int = 1):
    return 0.5 + amplitude * np.random.default_rng(seed).standard_normal(200)


def sample(number: int, **values: float) -> Measure:
    base = Fraction(1, 2)
    span = TimeSpan(Timestamp(number, base), Timestamp(number + 1, base))
    every = dict.fromkeys(MEASURED, 0.5) | {"sharpness": 200.0}
    return Measure(span=span, label="quality", frame_index=12 * number, values=every | values)


def test_flicker_is_the_standard_deviation_of_light_that_varies_by_chance():
    for amplitude in (0.001, 0.01, 0.05):
        assert flicker(TIMES, unsteady(amplitude)) == pytest.approx(amplitude, rel=0.2)


def test_flicker_rises_with_its_amplitude():
    found = [flicker(TIMES, unsteady(amplitude)) for amplitude in (0, 0.002, 0.005, 0.01, 0.02, 0.05)]
    assert found[0] == 0
    assert all(one < two for one, two in itertools.pairwise(found))


def test_light_that_alternates():
    assert flicker(TIMES, 0.5 + 0.01 * (-1.0) ** np.arange(200)) == pytest.approx(0.0242, abs=0.0001)


def test_slow_change_is_no_flicker():
    assert flicker(TIMES, np.linspace(0, 1, 200)) < 1e-9
    assert flicker(TIMES, 0.5 + 0.4 * np.sin(2 * np.pi * TIMES / 30)) < 0.01


def test_a_slow_change_at_uneven_times_is_no_flicker():
    times = np.cumsum(np.random.default_rng(2).uniform(0.1, 1.0, 50))
    assert flicker(times, 0.2 + 0.01 * times) < 1e-9


def test_a_flash_is_no_flicker():
    light = np.full(200, 0.5)
    light[50] = 1.0
    assert flicker(TIMES, light) == 0


def test_flicker_needs_enough_frames():
    values, missing = shot_values([sample(number) for number in range(FLICKER_SAMPLES)])
    assert values["flicker"] == 0
    assert "flicker" not in missing
    values, missing = shot_values([sample(number) for number in range(FLICKER_SAMPLES - 1)])
    assert "flicker" not in values
    assert "fewer than 5 frames" in missing["flicker"]


def test_means_and_extremes():
    values, _ = shot_values([sample(number, contrast=contrast) for number, contrast in enumerate((0.1, 0.2, 0.6))])
    assert (values["contrast_mean"], values["contrast_min"], values["contrast_max"]) == (0.3, 0.1, 0.6)


def test_the_change_across_the_cut_does_not_count():
    values, _ = shot_values([sample(0, difference=0.9), sample(1, difference=0.1), sample(2, difference=0.2)])
    assert values["difference_max"] == 0.2
    values, missing = shot_values([sample(0, difference=0.9)])
    assert not any(name.startswith("difference") for name in values)
    assert "difference" in missing


def test_focus_is_told_against_the_median_of_the_shot():
    values, _ = shot_values([sample(number, sharpness=value) for number, value in enumerate((400, 400, 90, 500, 210))])
    assert values["sharpness_median"] == 400
    assert values["sharpness_relative_min"] == 90 / 400
    assert values["blurred_fraction"] == 0.2
    assert values["unsharp_fraction"] == 0.2


def test_soft_content_is_not_blurred_against_itself():
    values, _ = shot_values([sample(number, sharpness=20 + number) for number in range(6)])
    assert values["blurred_fraction"] == 0
    assert values["unsharp_fraction"] == 1


def test_without_anything_sharp_there_is_no_relation():
    values, missing = shot_values([sample(number, sharpness=0.0) for number in range(6)])
    assert "blurred_fraction" not in values
    assert "sharpness_relative_min" in missing
