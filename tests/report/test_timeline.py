"""Lanes of labels tell when something was seen, and no more than that."""

from __future__ import annotations

import re

import pytest

from cortexia.report.axis import Axis
from cortexia.report.gather import Facts, Series
from cortexia.report.timeline import Lane, make_lanes

END_S = 140


def lanes(**seen: list[float]) -> dict[str, Lane]:
    """Lanes of labels whose detections begin at these seconds, in a video of 140 s."""
    facts = Facts(end=END_S * 1_000_000)
    for label, moments in seen.items():
        series = facts.detections[label] = Series()
        facts.detection_frames[label] = len(moments)
        for at in moments:
            series.add(round(at * 1e6), round(at * 1e6) + 40_000)
    colours = dict.fromkeys(seen, 0)
    return {lane.name: lane for lane in make_lanes(facts, Axis(facts.end), colours)}


def spans(lane: Lane) -> list[tuple[float, float]]:
    """What is drawn, in seconds."""
    found = [pair for _, path in lane.paths for pair in re.findall(r"M([\d.]+) 0H([\d.]+)V", path)]
    return sorted((float(left) * END_S / 1000, float(right) * END_S / 1000) for left, right in found)


ALL = [place / 5 for place in range(END_S * 5)]


@pytest.mark.parametrize("others", [{"person": ALL}, {}])
def test_a_label_seen_thrice_is_three_moments(others):
    drawn = spans(lanes(dog=[10.0, 52.0, 130.0], **others)["dog"])
    assert len(drawn) == 3
    assert [left for left, _ in drawn] == pytest.approx([10, 52, 130], abs=1.1)
    assert all(right - left < 2.1 for left, right in drawn)


def test_what_is_seen_in_every_sample_is_one_even_span():
    lane = lanes(person=ALL)["person"]
    assert [look for look, _ in lane.paths] == ["level4"]
    assert spans(lane) == [(0.0, pytest.approx(END_S, abs=0.5))]


def test_twice_as_many_are_twice_as_strong():
    lane = lanes(person=ALL[:350] + sorted(ALL[350:] * 2))["person"]
    assert [look for look, _ in lane.paths] == ["level2", "level4"]
    assert spans(lane)[1][0] == pytest.approx(70, abs=0.5)
