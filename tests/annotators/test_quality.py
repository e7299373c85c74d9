"""Rows of ``quality``: which frames, which values, and since when they changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from driving import Drive, annotations
from footage import context, flat, frames_of, lit, mixed, panned, place

from cortexia.annotators.quality import Quality
from cortexia.errors import ConfigurationError
from cortexia.types import Measure, TimeSpan

GOLDEN = Path(__file__).parents[1] / "golden/quality.json"
VALUES = {
    "sharpness",
    "exposure",
    "underexposed",
    "overexposed",
    "contrast",
    "noise_sigma",
    "entropy",
    "difference",
}


def rows_of(pictures, recipe=None, fps=25) -> list[Measure]:
    return annotations(Drive(recipe or Quality(), context(), frames_of(pictures, fps)).run())


def test_a_row_for_each_sampled_frame_with_its_span():
    frames = frames_of([place(1)] * 60)
    rows = annotations(Drive(Quality(), context(), frames).run())
    assert [row.frame_index for row in rows] == [0, 12, 25, 37, 50]
    for row in rows:
        frame = frames[row.frame_index]
        assert row.span == TimeSpan(frame.timestamp, frame.end)
        assert row.label == "quality"


def test_every_so_many_frames_instead():
    rows = rows_of([place(1)] * 20, Quality(frame_interval=7))
    assert [row.frame_index for row in rows] == [0, 7, 14]


def test_every_value_and_hash_is_there():
    one, two = rows_of([place(1)] * 20)
    assert set(two.values) == VALUES
    assert {name: len(text) for name, text in one.attributes.items()} == {
        "ahash": 16,
        "phash": 16,
        "dhash": 16,
        "grid_hash": 64,
    }


def test_the_first_frame_differs_from_nothing():
    rows = rows_of([flat(0)] * 12 + [flat(102)] * 13)
    assert "difference" not in rows[0].values
    assert rows[1].values["difference"] == 0.4


def test_a_difference_is_to_the_frame_sampled_before_and_no_other():
    flash = [flat(0)] * 5 + [flat(255)] + [flat(0)] * 20
    assert [row.values.get("difference") for row in rows_of(flash)] == [None, 0, 0]
    assert rows_of(flash, Quality(frame_interval=1))[5].values["difference"] == 1


def test_pictures_of_another_size_are_not_compared():
    rows = rows_of([place(1)] * 13 + [place(1, 320, 240)] * 20)
    assert ["difference" in row.values for row in rows] == [False, True, False]


def test_large_pictures_are_measured_at_the_working_resolution():
    spec = Quality().views[0]
    assert spec.fit(1920, 1080) == (480, 270)
    assert spec.fit(2160, 3840) == (270, 480)
    assert spec.fit(320, 180) == (320, 180)
    assert (spec.pixel_format, spec.resample) == ("gray", "area")


@pytest.mark.parametrize(
    "options", [{"per_second": 0.0}, {"per_second": 1e9}, {"frame_interval": 0}, {"frame_interval": -1}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Quality(**options)


def film():
    rng = np.random.default_rng(4)
    grainy = [np.clip(place(2) + rng.normal(0, 8, (180, 320, 3)), 0, 255).astype(np.uint8) for _ in range(25)]
    return [*panned(1, 40, 4), *grainy, *mixed(place(2), flat(0), 20), *[flat(0)] * 15, *[lit(place(3), 2.0)] * 20]


def test_golden():
    rows, wanted = rows_of(film()), json.loads(GOLDEN.read_text())
    assert [row.frame_index for row in rows] == [row["frame"] for row in wanted]
    for row, told in zip(rows, wanted, strict=True):
        assert row.values == pytest.approx(told["values"], rel=0.01, abs=0.002)
        assert row.attributes == told["hashes"]
