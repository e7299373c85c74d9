"""One row per shot about its camera, and a word for what it did."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from footage import context, flat, frames_of
from shooting import SWARM, cameras, film, read, summaries, take

from cortexia.annotators._camera import camera_kind
from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.motion_summary import MotionSummary
from cortexia.testing import Camera, ShotSpec, VideoSpec
from cortexia.types import Measure, Shot, TimeSpan, Timestamp

BASE = Fraction(1, 100)
STILL = {"pan": 0.0, "tilt": 0.0, "zoom": 0.0, "roll": 0.0, "residual": 0.0, "inliers": 1.0}


def span(start_s: float, end_s: float) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s * 100), BASE), Timestamp(round(end_s * 100), BASE))


def shot(start_s: float, end_s: float) -> Shot:
    """Ten frames a second."""
    first = round(start_s * 10)
    return Shot(span=span(start_s, end_s), frame_index=first, first_frame=first, last_frame=round(end_s * 10) - 1)


def row(start_s: float, end_s: float, reason: str | None = None, label: str = "motion", **values: float) -> Measure:
    given = {} if reason else STILL | values
    return Measure(span=span(start_s, end_s), label=label, frame_index=round(end_s * 10), values=given, reason=reason)


def summarised(*rows) -> list[Measure]:
    ordered = sorted(rows, key=lambda made: (made.span.start, made.type))
    stored = StoredAnnotations(read=lambda types: (made for made in ordered if made.type in types))
    return list(MotionSummary().solve(stored, context()))


# -- from stored rows


def test_means_are_weighted_by_time():
    (made,) = summarised(shot(0, 1), row(0, 0.2, pan=0.4, residual=0.1), row(0.2, 0.8, pan=0.0, residual=0.3))
    values = made.values
    assert values["pan_mean"] == pytest.approx(0.1)
    assert values["pan_rms"] == pytest.approx(0.2)
    assert (values["pan_min"], values["pan_max"]) == (0.0, 0.4)
    assert (values["residual_mean"], values["residual_max"]) == pytest.approx((0.25, 0.3))
    assert (values["measured_s"], values["path_length"]) == pytest.approx((0.8, 0.08))


def test_each_row_belongs_to_the_shot_of_both_its_frames():
    one, two = summarised(
        shot(0, 1), shot(1, 2), row(0.5, 0.9, pan=0.1), row(0.9, 1.0, pan=9.0), row(1.0, 1.5, pan=0.3)
    )
    assert (one.values["pan_max"], two.values["pan_max"]) == (0.1, 0.3)
    assert (one.span, two.span) == (span(0, 1), span(1, 2))


def test_measures_of_others_are_left_alone():
    (made,) = summarised(shot(0, 1), row(0.1, 0.2, pan=0.1), row(0.2, 0.3, label="quality", pan=5.0))
    assert made.values["pan_max"] == 0.1


def test_what_could_not_be_measured_is_told_in_seconds():
    (made,) = summarised(shot(0, 1), row(0, 0.2), row(0.2, 0.5, "cut"), row(0.5, 0.9))
    assert made.values["unmeasured_s"] == pytest.approx(0.3)


def test_a_shot_without_a_measurement_says_why():
    black, short = summarised(
        shot(0, 1), shot(1, 1.1), row(0, 0, "first_frame"), row(0, 0.4, "no_texture"), row(0.4, 0.8, "no_texture")
    )
    assert (black.reason, short.reason) == ("no_texture", "too_short")
    assert not black.values
    assert "camera" not in black.attributes


def test_no_shots_no_rows():
    assert summarised(row(0, 1)) == []


# -- the word for it


@pytest.mark.parametrize(
    ("speeds", "shake", "kind"),
    [
        ({}, 0.0, "static"),
        ({"pan": 0.009}, 0.019, "static"),
        ({"pan": 0.011}, 0.0, "pan"),
        ({"tilt": 0.5, "pan": 0.2}, 0.1, "tilt"),
        ({"tilt": 0.5, "pan": 0.3}, 0.1, "mixed"),
        ({"roll": 0.1}, 0.0, "roll"),
        ({"pan": 0.001}, 0.021, "handheld"),
        ({"pan": 0.1}, 0.09, "mixed"),
        ({"zoom": 0.1, "tilt": 0.09}, 0.0, "zoom"),
        ({"zoom": 0.1, "tilt": 0.11}, 0.0, "mixed"),
    ],
)
def test_thresholds(speeds, shake, kind):
    still = dict.fromkeys(("pan", "tilt", "zoom", "roll"), 0.0)
    assert camera_kind(still | speeds, shake) == kind


@pytest.mark.parametrize(
    ("kind", "camera"),
    [
        ("pan", Camera(pan_x=0.1)),
        ("pan", Camera(pan_x=-0.4, shake=0.0005)),
        ("tilt", Camera(pan_y=-0.1)),
        ("zoom", Camera(zoom_to=1.3)),
        ("zoom", Camera(zoom_from=1.2)),
        ("roll", Camera(roll=0.02)),
        ("handheld", Camera(shake=0.004)),
        ("handheld", Camera(pan_x=0.03, shake=0.006)),
        ("mixed", Camera(pan_x=0.1, pan_y=-0.1)),
        ("mixed", Camera(pan_x=0.1, roll=0.02)),
        ("static", Camera()),
    ],
)
def test_cameras_are_called_what_they_are(kind, camera):
    assert cameras(film(take(camera, frames=50, scene="city"))) == [kind]


@pytest.mark.parametrize("more", [{"movers": SWARM}, {"grain": 8.0}, {"light": (1.0, 0.6)}], ids=str)
def test_what_happens_before_a_static_camera_leaves_it_static(more):
    assert cameras(film(take(frames=50, scene="forest", **more))) == ["static"]


def test_black_has_a_reason():
    assert cameras(frames_of([flat(0)] * 30)) == ["no_texture"]


def test_shots_of_an_encoded_clip_have_cameras_of_their_own(clips):
    takes = (Camera(pan_x=0.15), Camera(), Camera(zoom_to=1.4), Camera(shake=0.006))
    scenes = ("city", "forest", "meadow", "studio")
    shots = tuple(ShotSpec(frames=40, scene=scene, camera=one) for scene, one in zip(scenes, takes, strict=True))
    path, _ = clips("cameras.mp4", VideoSpec(width=640, height=360, shots=shots))
    pan, still, zoom, hand = summaries(read(path))
    assert [made.attributes["camera"] for made in (pan, still, zoom, hand)] == ["pan", "static", "zoom", "handheld"]
    assert pan.values["pan_mean"] == pytest.approx(0.15, abs=0.005)
    assert zoom.values["zoom_mean"] == pytest.approx(0.215, abs=0.01)
    assert still.values["path_length"] < 0.01
    assert abs(hand.values["pan_mean"]) < 0.02 < hand.values["pan_rms"]


# -- real clips


@pytest.mark.data
def test_the_cameras_of_the_montage(data_dir):
    told = json.loads((data_dir / "gt/montage_cuts_speech.json").read_text())["shots"]
    found = summaries(read(data_dir / "videos/composed/montage_cuts_speech.mp4"))
    assert len(found) == len(told)
    for made, wanted in zip(found, told, strict=True):
        assert made.attributes["camera"] == wanted["camera"].split("_")[0], wanted["name"]
    pan, zoom = (next(i for i, wanted in enumerate(told) if wanted["camera"] == c) for c in ("pan_right", "zoom_in"))
    assert found[pan].values["pan_min"] > 0.2
    assert found[zoom].values["zoom_min"] > 0.1


@pytest.mark.data
@pytest.mark.parametrize("clip", ["one-by-one-person-detection", "car-detection", "bottle-detection"])
def test_static_cameras_are_static_whatever_passes(clip, data_dir):
    (made,) = summaries(read(data_dir / f"videos/intel/{clip}.mp4", 300))
    assert made.attributes["camera"] == "static"
    assert abs(made.values["pan_mean"]) < 0.002
    assert made.values["residual_max"] > 0.1
