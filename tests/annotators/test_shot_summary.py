"""One row per shot, from what others stored."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import pytest
from footage import context

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.shot_summary import ShotSummary
from cortexia.errors import ValidationError
from cortexia.types import KeyPicture, Measure, Shot, TimeSpan, Timestamp, Transition
from cortexia.types import ShotSummary as Summary

GOLDEN = Path(__file__).parents[1] / "golden/shot_summary.json"
MILLIS = Fraction(1, 1000)


def span(start_s: float, end_s: float, base: Fraction = MILLIS) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s / base), base), Timestamp(round(end_s / base), base))


def shot(start_s, end_s, **more) -> Shot:
    first, last = round(start_s * 25), round(end_s * 25) - 1
    return Shot(span=span(start_s, end_s), frame_index=first, first_frame=first, last_frame=last, **more)


def picture(at_s, quality=0.5, representative=True) -> KeyPicture:
    return KeyPicture(
        span=span(at_s, at_s + 0.04),
        frame_index=round(at_s * 25),
        picture=f"picture at {at_s}",
        thumbnail="t",
        width=320,
        height=180,
        quality=quality,
        is_representative=representative,
    )


def loudness(start_s, end_s, rms, peak=-1.0, active=1.0, label="loudness") -> Measure:
    values = {"rms_dbfs": rms, "peak_dbfs": peak, "active_fraction": active}
    return Measure(span=span(start_s, end_s, Fraction(1, 16_000)), label=label, values=values)


def summaries(*rows) -> list[Summary]:
    ordered = sorted(rows, key=lambda row: (row.span.start, row.type))
    stored = StoredAnnotations(read=lambda types: (row for row in ordered if row.type in types))
    return list(ShotSummary().solve(stored, context()))


def test_one_row_per_shot_with_its_span_and_transitions():
    cut = Transition.CUT
    rows = summaries(shot(0, 2, transition_out=cut), shot(2, 5, transition_in=cut))
    assert [(row.first_frame, row.last_frame, row.frame_count, row.duration_s) for row in rows] == [
        (0, 49, 50, 2.0),
        (50, 124, 75, 3.0),
    ]
    assert rows[0].span == span(0, 2)
    assert [(row.transition_in, row.transition_out) for row in rows] == [("start", "cut"), ("cut", "end")]


def test_no_shots_no_rows():
    assert summaries(picture(1), loudness(0, 1, -20)) == []


def test_the_best_picture_of_the_shot_stands_for_it():
    rows = summaries(shot(0, 2), shot(2, 4), picture(0.4), picture(1.2, 0.9), picture(1.6, 0.9), picture(2.4, 0.1))
    assert [(row.picture, row.picture_frame) for row in rows] == [("picture at 1.2", 30), ("picture at 2.4", 60)]


def test_pictures_that_represent_nothing_are_left_out():
    (row,) = summaries(shot(0, 2), picture(1, 0.9, representative=False))
    assert row.picture is None


def test_loudness_is_weighted_by_the_time_shared():
    one, two = summaries(shot(0, 1.5), shot(1.5, 3), loudness(0, 1, -20), loudness(1, 2, -40), loudness(2, 3, -60))
    # 10 log10((1 x 1e-2 + 0.5 x 1e-4) / 1.5)
    assert one.rms_dbfs == pytest.approx(-21.74, abs=0.01)
    # 10 log10((0.5 x 1e-4 + 1 x 1e-6) / 1.5)
    assert two.rms_dbfs == pytest.approx(-44.69, abs=0.01)
    assert (one.max_rms_dbfs, two.max_rms_dbfs) == (-20, -40)


def test_activity_is_weighted_by_the_time_shared_and_the_peak_is_the_largest():
    (row,) = summaries(shot(0.5, 2), loudness(0, 1, -20, -9, 1.0), loudness(1, 2, -20, -3, 0.25))
    assert row.active_fraction == 0.5
    assert row.peak_dbfs == -3


def test_silence_is_measured():
    (row,) = summaries(shot(0, 1), loudness(0, 1, -120, -120, 0))
    assert (row.rms_dbfs, row.active_fraction) == (-120, 0)
    assert "rms_dbfs" not in row.not_measured


def test_what_could_not_be_measured_says_why():
    (row,) = summaries(shot(0, 1))
    assert row.rms_dbfs is row.peak_dbfs is row.picture is None
    assert row.not_measured["rms_dbfs"] == "no sound in this span"
    assert row.not_measured["picture"] == "no picture was kept of this shot"
    assert set(row.not_measured) == {
        "picture",
        "picture_frame",
        "rms_dbfs",
        "max_rms_dbfs",
        "peak_dbfs",
        "active_fraction",
    }


def test_sound_that_ends_before_the_pictures_leaves_the_rest_unmeasured():
    one, two = summaries(shot(0, 1), shot(1, 2), loudness(0, 0.9, -20))
    assert one.rms_dbfs == -20
    assert two.rms_dbfs is None


def test_measures_of_others_and_those_not_measurable_do_not_count():
    silent = Measure(span=span(0, 1), label="loudness", reason="no sound")
    (row,) = summaries(shot(0, 1), loudness(0, 1, -3, label="sharpness"), silent)
    assert row.rms_dbfs is None


def test_rows_are_read_in_step_and_not_gathered():
    """An hour of shots: at no time are more than a few rows of loudness read ahead."""
    read = 0

    def rows(types):
        nonlocal read
        for second in range(3600):
            if "measure" in types:
                read += 1
                yield loudness(second, second + 1, -20)
            elif "shot" in types:
                yield shot(second, second + 1)

    for done, row in enumerate(ShotSummary().solve(StoredAnnotations(read=rows), context())):
        assert row.rms_dbfs == -20
        assert read <= done + 3


def test_a_summary_has_a_value_or_a_reason():
    (row,) = summaries(shot(0, 1), picture(0.5), loudness(0, 1, -20))
    with pytest.raises(ValidationError, match="rms_dbfs"):
        dataclasses.replace(row, rms_dbfs=None)
    with pytest.raises(ValidationError, match="rms_dbfs"):
        dataclasses.replace(row, not_measured={"rms_dbfs": "why?"})


def test_golden():
    cut, fade = Transition.CUT, Transition.FADE
    rows = summaries(
        shot(0, 2.2, transition_out=cut, confidence=0.9),
        shot(2.2, 3.0, transition_in=cut, transition_out=fade),
        shot(3.0, 6.0, transition_in=fade),
        picture(1.0, 0.4),
        picture(2.5, 0.3),
        loudness(0.02, 1, -18.5, -4.2, 0.8),
        loudness(1, 2, -33.1, -12, 0.35),
        loudness(2, 2.7, -70.2, -60, 0.0),
    )
    assert [row.data() for row in rows] == json.loads(GOLDEN.read_text())
