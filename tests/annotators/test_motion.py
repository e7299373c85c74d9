"""Camera motion is what the generator's camera did; what moves in front of it is no camera motion."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import flat, frames_of, lit, mixed, panned, place
from shooting import SWARM, errors, film, mean, measure, measured, read, take, truth

from cortexia.annotators import _registration
from cortexia.annotators.motion import MOTION_VIEW, Motion
from cortexia.errors import ConfigurationError
from cortexia.testing import Camera, Mover, ShotSpec, VideoSpec, render

GOLDEN = Path(__file__).parents[1] / "golden/motion.json"
MOVES = {
    "right": Camera(pan_x=0.2),
    "left": Camera(pan_x=-0.5),
    "down": Camera(pan_y=0.2),
    "up": Camera(pan_y=-0.2),
    "in": Camera(zoom_to=1.25),
    "out": Camera(zoom_from=1.25),
    "clockwise": Camera(roll=0.04),
    "anticlockwise": Camera(roll=-0.04),
    "all": Camera(pan_x=0.15, pan_y=0.1, zoom_to=1.1, roll=0.02),
    "hand": Camera(shake=0.006),
}
SIGNS = {
    "right": ("pan", 1), "left": ("pan", -1), "down": ("tilt", 1), "up": ("tilt", -1), "in": ("zoom", 1),
    "out": ("zoom", -1), "clockwise": ("roll", 1), "anticlockwise": ("roll", -1),
}  # fmt: skip


@pytest.mark.parametrize("scene", ["city", "forest"])
@pytest.mark.parametrize("move", MOVES)
def test_the_camera_is_measured_to_half_a_hundredth_of_a_frame(move, scene):
    """Which holds for the moves that the camera does not make, too."""
    spec = take(MOVES[move], scene=scene)
    worst = errors(spec, measured(spec))
    assert max(worst["pan"], worst["tilt"]) < 0.008
    assert worst["zoom"] < 0.012
    assert worst["roll"] < 0.002


@pytest.mark.parametrize("move", SIGNS)
def test_signs(move):
    name, sign = SIGNS[move]
    assert all(row.values[name] * sign > 0.02 for row in measured(take(MOVES[move])))


def test_roll_clockwise_turns_the_picture_anticlockwise():
    """The sign once more, without the generator: what was right of the centre goes up."""
    picture = place(5)
    turn = cv2.getRotationMatrix2D((159.5, 89.5), 3.0, 1.0)
    turned = cv2.warpAffine(picture, turn, (320, 180), borderMode=cv2.BORDER_REFLECT)
    _, row = measure(frames_of([picture, turned], 10))
    assert row.values["roll"] == pytest.approx(3 / 360 * 10, rel=0.03)


def test_a_still_picture_does_not_move():
    row = measure(frames_of([place(1)] * 3))[-1]
    assert {row.values[name] for name in ("pan", "tilt", "zoom", "roll", "residual")} == {0.0}
    assert row.values["inliers"] == 1.0


def test_noise_is_no_motion():
    for row in measured(take(grain=6.0, scene="studio")):
        assert max(abs(row.values[name]) for name in ("pan", "tilt", "zoom", "roll")) < 0.006
        assert row.values["residual"] < 0.02


def test_light_that_changes_is_no_motion():
    rows = measured(take(light=(1.0, 0.5), scene="forest"))
    assert max(abs(row.values[name]) for row in rows for name in ("pan", "tilt", "zoom", "roll")) < 0.005


def test_that_is_so_because_the_mean_of_the_surroundings_is_taken_away(monkeypatch):
    monkeypatch.setattr(_registration, "_detail", lambda luma: luma)
    _, *rows = measure(film(take(light=(1.0, 0.5), scene="forest")))
    assert any(row.reason for row in rows)


def test_a_fast_pan_is_followed_by_the_shift_of_the_whole():
    spec = take(Camera(pan_x=2.0), frames=11)
    assert errors(spec, measured(spec))["pan"] < 0.02


# -- what moves in front of the camera


def naive_pan(spec: VideoSpec) -> float:
    """Mean of dense flow between the first and the third picture, as a camera's pan."""
    first, _, third = itertools.islice(render(spec), 3)
    planes = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in (first, third)]
    flow = cv2.calcOpticalFlowFarneback(*planes, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return -float(flow[..., 0].mean()) / spec.width / 0.08


@pytest.mark.parametrize("camera", [Camera(), Camera(pan_x=0.2)], ids=["still", "pan"])
def test_things_that_move_do_not_move_the_camera_as_they_do_a_mean_of_flow(camera):
    spec = take(camera, frames=30, scene="city", movers=SWARM)
    assert errors(spec, measured(spec))["pan"] < 0.01
    assert abs(naive_pan(spec) - truth(spec, 0, 2, 0.08)["pan"]) > 0.03


def test_a_thing_that_moves_is_residual_and_a_pan_is_not():
    mover = (Mover("car", (0.2, 0.6), (0.5, 0.6), 0.3),)
    moving, panning = measured(take(movers=mover)), measured(take(Camera(pan_x=0.4)))
    assert mean(moving, "residual") > 0.1
    assert max(row.values["residual"] for row in panning) < 0.03
    assert mean(moving, "inliers") < 0.95 < mean(panning, "inliers")


def test_points_led_astray_by_a_fast_pan_are_sought_again(monkeypatch):
    frames = film(take(Camera(pan_x=0.8), frames=13))

    def largest() -> float:
        return max(row.values["residual"] for row in measure(frames)[1:])

    assert largest() < 0.02
    monkeypatch.setattr(_registration, "_second_look", lambda first, second, fit: fit)
    assert largest() > 0.2


def test_residual_is_the_speed_of_a_thing_in_diagonals_per_second():
    """Where the tenth of the points that deviate most lie on it; the camera may pan."""
    mover = (Mover("car", (0.2, 0.6), (0.6, 0.6), 0.45),)
    speed = 0.4 / (15 / 25) * 320 / np.hypot(320, 180)
    for camera in (Camera(), Camera(pan_x=0.2)):
        assert mean(measured(take(camera, movers=mover, scene="forest")), "residual") == pytest.approx(speed, rel=0.1)


def slid(shifts: Sequence[int], band: int) -> list[np.ndarray]:
    """Two pictures: vertical bands, each of which slides down by its shift from one to the other, in turns."""
    first = place(1)
    second = first.copy()
    for number, left in enumerate(range(0, first.shape[1], band)):
        columns = slice(left, left + band)
        second[:, columns] = np.roll(first[:, columns], shifts[number % len(shifts)], axis=0)
    return [first, second]


def test_what_moves_in_a_small_part_of_the_picture_is_no_camera():
    """A quarter each: none of them is the scene."""
    _, row = measure(frames_of(slid((-9, 0, 9, 18), 80)), Motion(per_second=None))
    assert (row.reason, row.values) == ("no_dominant_motion", {})


def test_that_is_so_because_of_where_it_moves(monkeypatch):
    monkeypatch.setattr(_registration, "_SPREAD", 0.0)
    _, row = measure(frames_of(slid((-9, 0, 9, 18), 80)), Motion(per_second=None))
    assert row.reason is None


def test_what_stays_all_over_the_picture_is_the_scene_though_few_do():
    _, row = measure(frames_of(slid((0, 12, 0, -12, 20), 40)), Motion(per_second=None))
    assert row.values["inliers"] < 0.5
    assert abs(row.values["tilt"]) < 0.05


@pytest.mark.data
def test_a_car_that_fills_much_of_the_picture_moves_no_camera(data_dir):
    _, *rows = measure(read(data_dir / "videos/intel/car-detection.mp4", limit=220))
    assert {row.reason for row in rows} == {None, "no_dominant_motion"}
    assert max(abs(row.values[name]) for row in rows if row.reason is None for name in ("pan", "tilt")) < 0.05


# -- what cannot be measured


def reasons(pictures) -> list[str | None]:
    return [row.reason for row in measure(frames_of(pictures), Motion(per_second=None))]


def test_a_cut_is_no_motion():
    assert reasons([place(1)] * 2 + [place(2)] * 2) == ["first_frame", None, "cut", None]


@pytest.mark.parametrize("scenes", [("dusk", "sea"), ("sea", "city"), ("city", "forest"), ("meadow", "studio")])
def test_scenes_that_follow_each_other_are_cuts(scenes):
    spec = VideoSpec(stamp=False, shots=tuple(ShotSpec(frames=2, scene=scene) for scene in scenes))
    assert [row.reason for row in measure(film(spec), Motion(per_second=None))] == ["first_frame", None, "cut", None]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_without_texture_does_not_stand_still(level):
    assert reasons([flat(level)] * 3) == ["first_frame", "no_texture", "no_texture"]


@pytest.mark.parametrize("deviation", [1, 3, 8])
def test_noise_without_a_picture_is_no_texture(deviation):
    rng = np.random.default_rng(3)
    pictures = [np.clip(rng.normal(90, deviation, (180, 320, 1)), 0, 255).astype(np.uint8) for _ in range(3)]
    assert reasons([np.repeat(picture, 3, axis=2) for picture in pictures])[1:] == ["no_texture"] * 2


def test_through_black_nothing_is_measured():
    assert reasons([place(1), flat(0), place(1)])[1:] == ["no_texture", "no_texture"]


def test_a_flash_is_not_measured_as_motion():
    dazzled = lit(place(1), 0.05, 240)
    for row in measure(frames_of([place(1), dazzled, place(1)]), Motion(per_second=None)):
        assert row.reason or max(abs(row.values[name]) for name in ("pan", "tilt")) < 0.02


@pytest.mark.parametrize("size", [(1, 1), (16, 9), (320, 8), (40, 40)])
def test_tiny_pictures_are_no_error(size):
    rows = measure(frames_of([place(1, *size)] * 3))
    assert [row.reason for row in rows] == ["first_frame", "no_texture"]


def test_a_picture_of_another_size_is_another_picture():
    assert reasons([place(1), place(1, 320, 240)]) == ["first_frame", "cut"]


# -- time


def test_rows_reach_from_frame_to_frame():
    frames = film(take())
    rows = measure(frames)
    assert [row.frame_index for row in rows] == list(range(0, 16, 2))
    assert rows[0].span.start == rows[0].span.end == frames[0].timestamp
    for before, row in itertools.pairwise(rows):
        assert (row.span.start, row.span.end) == (before.span.end, frames[row.frame_index].timestamp)


@pytest.mark.parametrize("per_second", [None, 12.5, 5.0])
def test_speed_does_not_depend_on_how_often_it_is_measured(per_second):
    rows = measured(take(Camera(pan_x=0.3), frames=26), Motion(per_second=per_second))
    assert mean(rows, "pan") == pytest.approx(0.3, abs=0.005)


def test_a_variable_rate_is_measured_by_its_times(clips):
    """The camera advances evenly from picture to picture, the pictures stay for 20 to 80 ms."""
    spec = take(Camera(pan_x=0.2), frames=24)
    uneven = VideoSpec(
        shots=spec.shots, stamp=False, frame_durations=(Fraction(1, 50), Fraction(2, 25), Fraction(1, 25))
    )
    path, _ = clips("motion_uneven.mp4", uneven)
    _, *rows = measure(read(path), Motion(per_second=None))
    assert {round(row.span.duration_s, 2) for row in rows} == {0.02, 0.08, 0.04}
    for row in rows:
        assert row.values["pan"] * row.span.duration_s == pytest.approx(0.2 / 25, abs=0.0004)


@pytest.mark.parametrize("move", ["left", "in", "clockwise"])
def test_encoded_clips_are_measured_alike(move, clips):
    spec = take(MOVES[move])
    large = VideoSpec(width=960, height=540, shots=spec.shots, stamp=False)
    path, _ = clips(f"motion_{move}.mp4", large)
    _, *rows = measure(read(path))
    worst = errors(large, rows)
    assert max(worst["pan"], worst["tilt"]) < 0.008
    assert worst["zoom"] < 0.012
    assert worst["roll"] < 0.002


def test_threads_of_opencv_change_nothing():
    frames = film(take(Camera(pan_x=0.3), frames=8, movers=SWARM))
    before = cv2.getNumThreads()
    try:
        said = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            said.append(measure(frames))
    finally:
        cv2.setNumThreads(before)
    assert said[0] == said[1]


@pytest.mark.parametrize("per_second", [0.5, 1000.0, float("inf")])
def test_a_rate_out_of_range_is_refused(per_second):
    with pytest.raises(ConfigurationError, match="per_second"):
        Motion(per_second=per_second)


def test_it_asks_for_small_averaged_luma():
    assert (MOTION_VIEW.fit(1920, 1080), MOTION_VIEW.fit(160, 90)) == ((320, 180), (160, 90))
    assert (MOTION_VIEW.pixel_format, MOTION_VIEW.resample) == ("gray", "area")


# -- golden


def test_golden():
    pictures = [*panned(1, 10, 3), *([place(2)] * 4), *mixed(place(2), flat(0), 6), *([flat(0)] * 4)]
    rows = [[row.frame_index, row.reason, dict(row.values)] for row in measure(frames_of(pictures))]
    wanted = json.loads(GOLDEN.read_text())
    assert [row[:2] for row in rows] == [row[:2] for row in wanted]
    for row, want in zip(rows, wanted, strict=True):
        assert row[2] == pytest.approx(want[2], abs=0.005)
