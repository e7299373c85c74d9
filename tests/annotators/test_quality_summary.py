"""Quality per shot, and spans of black and standstill, on made-up rows and on clips with known truth."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import Drive, annotations
from footage import context, flat, frames_of, lit, mixed, panned, place, read_frames

from cortexia.annotators._series import MEASURED
from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.quality import Quality
from cortexia.annotators.quality_summary import QualitySummary
from cortexia.annotators.shots import Shots
from cortexia.errors import ConfigurationError
from cortexia.testing import Camera, ShotSpec, VideoSpec, fade
from cortexia.types import Measure, Shot, TimeSpan, Timestamp

GOLDEN = Path(__file__).parents[1] / "golden/quality_summary.json"
HALF = Fraction(1, 2)


def span(start: float, end: float) -> TimeSpan:
    """``start``, ``end``: counted in samples, two a second."""
    return TimeSpan(Timestamp(round(start * 50), HALF / 50), Timestamp(round(end * 50), HALF / 50))


def sample(number: float, label="quality", **values: float) -> Measure:
    """A frame that is on screen for a part of the sampling interval."""
    every = dict.fromkeys(MEASURED, 0.5) | {"sharpness": 200.0}
    return Measure(span=span(number, number + 0.04), label=label, frame_index=round(10 * number), values=every | values)


def shot(first: int, end: int) -> Shot:
    return Shot(span=span(first, end), frame_index=10 * first, first_frame=10 * first, last_frame=10 * end - 1)


def solved(rows, recipe=None) -> dict[str, list[Measure]]:
    """Rows by label."""
    ordered = sorted(rows, key=lambda row: (row.span.start, row.type))
    stored = StoredAnnotations(read=lambda types: (row for row in ordered if row.type in types))
    found: dict[str, list[Measure]] = {"quality_summary": [], "black": [], "frozen": []}
    for row in (recipe or QualitySummary()).solve(stored, context()):
        found[row.label].append(row)
    return found


def summarised(frames, recipe=None, quality=None) -> dict[str, list[Measure]]:
    """Through the annotators that it needs."""
    rows = [*annotations(Drive(quality or Quality(), context(), frames).run())]
    return solved([*rows, *annotations(Drive(Shots(), context(), frames).run())], recipe)


def spans(rows) -> list[tuple[float, float]]:
    return [(row.span.start.seconds, row.span.end.seconds) for row in rows]


# -- per shot


def test_one_row_per_shot_from_its_own_frames():
    rows = [sample(number, exposure=0.2 if number < 4 else 0.6) for number in range(10)]
    one, two = solved([*rows, shot(0, 4), shot(4, 10)])["quality_summary"]
    assert (one.span, one.frame_index) == (span(0, 4), 0)
    assert (one.attributes["samples"], two.attributes["samples"]) == (4, 6)
    assert (one.values["exposure_mean"], two.values["exposure_mean"]) == (0.2, 0.6)


def test_a_shot_without_a_sampled_frame_says_so():
    rows = [sample(number) for number in range(3)]
    _, bare = solved([*rows, shot(0, 3), shot(3, 5)])["quality_summary"]
    assert bare.values == {}
    assert bare.reason == "no frame of this shot was sampled"


def test_no_shots_no_rows():
    assert solved([])["quality_summary"] == []


def test_rows_of_others_and_those_without_values_do_not_count():
    silent = Measure(span=span(1, 2), label="quality", frame_index=10, reason="cannot be")
    others = [sample(number, "motion", exposure=0.0) for number in range(4)]
    (row,) = solved([*others, silent, sample(3), shot(0, 4)])["quality_summary"]
    assert row.attributes["samples"] == 1
    assert row.values["exposure_mean"] == 0.5


def test_what_a_short_shot_does_not_tell_is_named():
    (row,) = solved([sample(0), shot(0, 1)])["quality_summary"]
    assert set(row.attributes["not_measured"]) == {"difference", "flicker"}
    assert "flicker" not in row.values


def test_flicker_of_pictures_rises_with_its_amplitude():
    light = np.random.default_rng(5).uniform(-1, 1, 60)
    found = []
    for amplitude in (0.0, 0.01, 0.03, 0.1):
        frames = frames_of([lit(place(1), 1 + amplitude * gain) for gain in light], 5)
        found.append(summarised(frames, quality=Quality(per_second=5.0))["quality_summary"][0].values["flicker"])
    assert found[0] == 0
    assert found == sorted(set(found))


def test_a_slow_ramp_of_light_does_not_flicker():
    frames = frames_of([lit(place(1), 0.4 + 0.008 * number) for number in range(60)], 5)
    (row,) = summarised(frames, quality=Quality(per_second=5.0))["quality_summary"]
    assert row.values["exposure_max"] - row.values["exposure_min"] > 0.15
    assert row.values["flicker"] < 0.002


def test_one_blurred_frame_of_a_shot():
    pictures = [place(1)] * 100
    pictures[45:55] = [cv2.GaussianBlur(place(1), (0, 0), 5)] * 10
    (row,) = summarised(frames_of(pictures))["quality_summary"]
    assert row.values["blurred_fraction"] == 1 / 8
    assert row.values["sharpness_relative_min"] < 0.3


# -- black


def test_black_from_its_first_sample_to_the_first_after_it():
    dark = {"exposure": 0.01, "contrast": 0.005}
    rows = [sample(number, **(dark if number in (2, 3, 7) else {})) for number in range(8)]
    found = solved([*rows, shot(0, 9)])
    assert [row.span for row in found["black"]] == [span(2, 4), span(7, 9)]
    assert found["black"][0].values == {"exposure": 0.01, "contrast_max": 0.005}
    assert found["quality_summary"][0].values["black_fraction"] == 3 / 8


@pytest.mark.parametrize("values", [{"exposure": 0.01, "contrast": 0.05}, {"exposure": 0.1, "contrast": 0.01}])
def test_black_is_dark_and_even(values):
    assert solved([*(sample(number, **values) for number in range(8)), shot(0, 8)])["black"] == []


def test_dark_is_not_black():
    bright = place(1)
    dark, stars = lit(bright, 0.2), flat(0)
    stars[::20, ::20] = 255
    assert summarised(frames_of([dark] * 100))["black"] == []
    assert summarised(frames_of([stars] * 100))["black"] == []
    assert len(summarised(frames_of([lit(bright, 0.02)] * 100))["black"]) == 1


def test_black_in_an_encoded_clip(clips):
    """A black shot of two seconds from 3.0 s on, between fades of a quarter of a second."""
    spec = VideoSpec(
        shots=(
            ShotSpec(frames=75, scene="sea", transition_out=fade(6)),
            ShotSpec(frames=50, light=(0.0, 0.0), transition_out=fade(6)),
            ShotSpec(frames=75, scene="city"),
        ),
        stamp=False,
    )
    path, truth = clips("black.mp4", spec)
    every = summarised(read_frames(path, Both()), quality=Quality(frame_interval=1))["black"]
    coarse = summarised(read_frames(path, Both()))["black"]
    assert len(every) == len(coarse) == 1
    (start, end), (late_start, late_end) = *spans(every), *spans(coarse)
    assert start == pytest.approx(3.0, abs=0.06)
    assert end == pytest.approx(5.0, abs=0.06)
    assert start <= late_start < start + 0.54
    assert end <= late_end < end + 0.54
    assert truth.shots[1].first_frame == 75


# -- frozen


def test_frozen_from_the_first_sample_that_shows_it():
    rows = [sample(number, difference=0.0 if 3 <= number <= 8 else 0.2) for number in range(12)]
    found = solved([*rows, shot(0, 12)])
    assert [row.span for row in found["frozen"]] == [span(2, 9)]
    assert found["frozen"][0].frame_index == 20
    assert found["quality_summary"][0].values["frozen_fraction"] == round(7 / 12, 6)


def test_a_short_standstill_is_not_frozen():
    rows = [sample(number, difference=0.0 if 3 <= number <= 5 else 0.2) for number in range(12)]
    assert solved([*rows, shot(0, 12)])["frozen"] == []
    assert len(solved([*rows, shot(0, 12)], QualitySummary(frozen_s=1.0))["frozen"]) == 1


def test_frozen_until_the_end_ends_with_the_last_shot():
    rows = [sample(number, difference=0.0) for number in range(10)]
    assert [row.span for row in solved([*rows, shot(0, 10)])["frozen"]] == [span(0, 10)]


def test_frozen_over_a_boundary_counts_for_both_shots():
    rows = [sample(number, difference=0.0 if 3 <= number <= 8 else 0.2) for number in range(12)]
    found = solved([*rows, shot(0, 5), shot(5, 12)])
    assert [row.values["frozen_fraction"] for row in found["quality_summary"]] == [0.6, round(4 / 7, 6)]


def test_a_change_above_the_limit_divides():
    rows = [sample(number, difference=0.002 if number == 10 else 0.0) for number in range(20)]
    assert len(solved([*rows, shot(0, 20)])["frozen"]) == 2
    assert len(solved([*rows, shot(0, 20)], QualitySummary(frozen_difference=0.002))["frozen"]) == 1


def test_frozen_in_an_encoded_clip(clips):
    """Four seconds of standstill from 2.0 s on, between two pans."""
    pan = Camera(pan_x=0.2)
    spec = VideoSpec(
        shots=(
            ShotSpec(frames=50, scene="sea", camera=pan),
            ShotSpec(frames=100, scene="city"),
            ShotSpec(frames=75, scene="forest", camera=pan),
        ),
        stamp=False,
    )
    path, _ = clips("frozen.mp4", spec)
    found = summarised(read_frames(path, Both()))
    assert spans(found["frozen"]) == [(2.0, 6.0)]
    assert [row.values["frozen_fraction"] for row in found["quality_summary"]] == [0, 1, 0]


def test_what_moves_is_not_frozen():
    assert summarised(frames_of(panned(1, 150, 1)))["frozen"] == []


def test_slow_is_not_still_however_often_one_looks():
    """A tenth of what stands still from look to look, ten times as often."""
    rows = [sample(number / 10, difference=0.0008) for number in range(200)]
    assert solved([*rows, shot(0, 20)])["frozen"] == []
    still = [sample(number / 10, difference=0.00008) for number in range(200)]
    assert len(solved([*still, shot(0, 20)])["frozen"]) == 1


def test_frozen_at_the_rate_of_the_video():
    frames = frames_of([*panned(1, 50, 3), *[place(2)] * 75, *panned(3, 50, 3)])
    ((start, end),) = spans(summarised(frames, quality=Quality(frame_interval=1))["frozen"])
    assert 2.0 <= start < 2.4
    assert 5.0 <= end < 5.4


class Both(Quality):
    """For ``read_frames``: the views of both stream annotators."""

    @property
    def views(self):
        return (*Quality().views, *Shots().views)


# -- options, real clips, golden


@pytest.mark.parametrize(
    "options",
    [{"black_exposure": -0.1}, {"black_contrast": 0.6}, {"frozen_difference": 2.0}, {"frozen_s": float("nan")}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        QualitySummary(**options)


@pytest.mark.data
def test_the_montage_ends_in_black_and_never_stands_still(data_dir):
    """Its last frame is black, and that only; two frames a second need not see it."""
    frames = read_frames(data_dir / "videos/composed/montage_cuts_speech.mp4", Both())
    found = summarised(frames, quality=Quality(frame_interval=1))
    assert len(found["quality_summary"]) == 9
    assert found["frozen"] == []
    (black,) = found["black"]
    assert 599 <= black.frame_index <= 602
    assert black.span.end == frames[-1].end


@pytest.mark.data
def test_a_time_lapse_is_neither_black_nor_frozen(data_dir):
    found = summarised(read_frames(data_dir / "videos/mdn/flower.mp4", Both()))
    assert found["black"] == found["frozen"] == []
    assert found["quality_summary"][0].values["sharpness_relative_min"] > 0.5


def test_golden():
    pictures = [*panned(1, 75, 3), *[place(2)] * 90, *mixed(place(2), flat(0), 10), *[flat(0)] * 60]
    pictures += [*mixed(flat(0), place(4), 10), *panned(4, 40, 2)]
    rows = [row for part in summarised(frames_of(pictures)).values() for row in part]
    wanted = json.loads(GOLDEN.read_text())
    assert [[row.label, *spans([row])] for row in rows] == [[row["label"], tuple(row["span"])] for row in wanted]
    for row, told in zip(rows, wanted, strict=True):
        assert row.values == pytest.approx(told["values"], rel=0.01, abs=0.002)
        assert row.attributes == told["attributes"]
