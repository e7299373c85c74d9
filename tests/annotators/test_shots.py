"""Where shots begin and end, on pictures and clips whose truth is known."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import Drive, annotations
from footage import StillFrame, context, flat, frames_of, lit, mixed, panned, place, read_frames

from cortexia.annotators.shots import Shots
from cortexia.errors import ConfigurationError
from cortexia.types import Shot, Timestamp, Transition

GOLDEN = Path(__file__).parents[1] / "golden/shots.json"


def shots_of(pictures, fps=25, recipe=None) -> list[Shot]:
    return find(frames_of(pictures, fps), recipe)


def find(frames, recipe=None) -> list[Shot]:
    return annotations(Drive(recipe or Shots(), context(), frames).run())


def starts(shots) -> list[int]:
    return [shot.first_frame for shot in shots[1:]]


def held(seed: int, count: int) -> list:
    return [place(seed)] * count


# -- tiling


def test_shots_tile_the_video():
    frames = frames_of([*held(1, 30), *held(2, 40), *mixed(place(2), place(3), 10), *held(3, 40)])
    shots = find(frames)
    assert shots[0].span.start == frames[0].timestamp
    assert shots[0].first_frame == 0
    assert shots[-1].span.end == frames[-1].end
    assert shots[-1].last_frame == len(frames) - 1
    for one, next_one in itertools.pairwise(shots):
        assert next_one.span.start == one.span.end == frames[next_one.first_frame].timestamp
        assert next_one.first_frame == one.last_frame + 1
        assert next_one.transition_in is one.transition_out
    assert shots[0].transition_in is Transition.START
    assert shots[-1].transition_out is Transition.END


def test_a_video_without_a_boundary_is_one_shot():
    (shot,) = shots_of(held(1, 50))
    assert (shot.first_frame, shot.last_frame, shot.confidence) == (0, 49, 1.0)


def test_a_single_picture_is_a_shot():
    (shot,) = shots_of(held(1, 1))
    assert (shot.first_frame, shot.last_frame) == (0, 0)


def test_no_picture_no_shot():
    assert shots_of([]) == []


def test_frames_keep_their_numbers_when_the_first_is_not_0():
    frames = frames_of([*held(1, 30), *held(2, 30), *held(3, 30)])[20:]
    assert [(shot.first_frame, shot.last_frame) for shot in find(frames)] == [(20, 29), (30, 59), (60, 89)]


# -- boundaries


@pytest.mark.parametrize("fps", [10, 25, Fraction(30000, 1001), 60])
def test_a_cut_is_found_at_its_frame(fps):
    count = round(2 * fps)
    shots = shots_of([*held(1, count), *held(2, count), *held(3, count)], fps)
    assert starts(shots) == [count, 2 * count]
    assert {shot.transition_in for shot in shots[1:]} == {Transition.CUT}


def test_a_cut_at_a_variable_rate_is_found():
    pictures = [*held(1, 40), *held(2, 40)]
    base, now, frames = Fraction(1, 1000), 0, []
    for index, picture in enumerate(pictures):
        step = (17, 50, 120, 33)[index % 4]
        frames.append(StillFrame(index, Timestamp(now, base), Timestamp(now + step, base), picture))
        now += step
    assert starts(find(frames)) == [40]


@pytest.mark.parametrize("gain", [0.15, 0.3])
def test_a_cut_at_low_contrast_is_found(gain):
    pictures = [lit(place(seed), gain, 100 * (1 - gain)) for seed in (1, 2) for _ in range(30)]
    assert starts(shots_of(pictures)) == [30]


def test_a_cut_in_grain_is_found_and_grain_is_none():
    rng = np.random.default_rng(7)
    noisy = [
        np.clip(place(seed) + rng.normal(0, 20, (180, 320, 1)), 0, 255).astype(np.uint8)
        for seed in (1, 2)
        for _ in range(30)
    ]
    assert starts(shots_of(noisy)) == [30]


def test_a_cut_between_pans_is_found():
    assert starts(shots_of([*panned(1, 40, 4), *panned(2, 40, 4)])) == [40]


def test_a_cut_to_another_colour_of_the_same_picture_is_found():
    card = cv2.putText(flat(90), "Frame", (60, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
    red = card.copy()
    red[card.max(axis=2) < 100] = (70, 70, 160)
    assert starts(shots_of([card] * 20 + [red] * 20)) == [20]


@pytest.mark.parametrize("count", [6, 12, 25, 50])
def test_a_dissolve_has_one_boundary_inside(count):
    shots = shots_of([*held(1, 50), *mixed(place(1), place(2), count), *held(2, 50)])
    (start,) = starts(shots)
    assert 50 <= start < 50 + count
    assert shots[1].transition_in is Transition.DISSOLVE


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize(("count", "hold"), [(6, 0), (12, 5), (25, 60)])
def test_a_fade_out_and_in_has_one_boundary(level, count, hold):
    down, up = mixed(place(1), flat(level), count), mixed(flat(level), place(2), count)
    shots = shots_of([*held(1, 50), *down, *[flat(level)] * hold, *up, *held(2, 50)])
    (start,) = starts(shots)
    assert 50 <= start <= 50 + 2 * count + hold
    assert shots[1].transition_in is Transition.FADE


def test_a_cut_to_black_then_a_fade_in_begins_the_next_shot_at_the_cut():
    shots = shots_of([*held(1, 40), *[flat(0)] * 10, *mixed(flat(0), place(2), 10), *held(2, 40)])
    assert starts(shots) == [40]


def test_a_fade_out_then_a_cut_begins_the_next_shot_at_the_cut():
    shots = shots_of([*held(1, 40), *mixed(place(1), flat(0), 10), *[flat(0)] * 10, *held(2, 40)])
    assert starts(shots) == [60]


def test_black_between_two_cuts_is_a_shot_of_its_own():
    assert starts(shots_of([*held(1, 40), *[flat(0)] * 25, *held(2, 40)])) == [40, 65]


def test_a_moment_of_black_between_two_cuts_is_one_boundary():
    assert starts(shots_of([*held(1, 40), *[flat(0)] * 3, *held(2, 40)])) == [40]


def test_nearer_than_the_shortest_shot_the_surer_boundary_stays():
    faint = cv2.addWeighted(place(1), 0.45, place(4), 0.55, 0)
    shots = shots_of([*held(1, 40), *[faint] * 4, *held(2, 40)])
    assert starts(shots) == [44]


# -- none


def test_a_fade_out_at_the_end_starts_no_shot():
    assert starts(shots_of([*held(1, 50), *mixed(place(1), flat(0), 20), *[flat(0)] * 20])) == []


def test_a_fade_in_at_the_start_starts_no_second_shot():
    assert starts(shots_of([*[flat(0)] * 20, *mixed(flat(0), place(1), 20), *held(1, 50)])) == []


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("picture", ["bright", "white", "black"])
def test_a_flash_is_none(length, picture):
    shown = {"bright": lit(place(1), 2.5, 80), "white": flat(255), "black": flat(0)}[picture]
    assert starts(shots_of([*held(1, 40), *[shown] * length, *held(1, 40)])) == []


def test_a_flash_that_dies_away_is_none():
    flash = [lit(place(1), 1.0, 230 * 0.8**step) for step in range(20)]
    assert starts(shots_of([*held(1, 40), *flash, *held(1, 40)])) == []


def test_a_flash_at_a_cut_leaves_one_boundary():
    assert starts(shots_of([*held(1, 40), *[lit(place(1), 2.5, 80)] * 2, *held(2, 40)])) in ([40], [42])


def test_a_strobe_is_none():
    blink = [lit(place(1), 1.0 if step % 6 < 3 else 0.25) for step in range(75)]
    assert starts(shots_of([*held(1, 30), *blink, *held(1, 30)])) == []


def test_light_that_changes_is_none():
    ramp = [lit(place(1), 1 - 0.6 * step / 60) for step in range(60)]
    step = [lit(place(1), 0.4)] * 40
    assert starts(shots_of([*held(1, 30), *ramp, *step, *held(1, 40)])) == []


@pytest.mark.parametrize("step", [2, 5, 10])
def test_a_pan_is_none(step):
    moving = panned(1, 80, step)
    assert starts(shots_of([moving[0]] * 30 + moving + [moving[-1]] * 30)) == []


def test_a_zoom_is_none():
    wide = place(5, 960, 540)
    pictures = []
    for number in range(60):
        side = round(900 * 0.98**number) // 2
        crop = wide[270 - side * 9 // 16 : 270 + side * 9 // 16, 480 - side : 480 + side]
        pictures.append(cv2.resize(crop, (320, 180), interpolation=cv2.INTER_AREA))
    assert starts(shots_of(pictures)) == []


def test_a_large_thing_passing_is_none():
    pictures = []
    for number in range(80):
        picture = place(1).copy()
        left = -300 + 12 * number
        picture[20:160, max(0, left) : max(0, left + 280)] = (30, 60, 130)
        pictures.append(picture)
    assert starts(shots_of(pictures)) == []


# -- options


def test_sensitivity_decides_about_a_faint_cut():
    pictures = [lit(place(seed), 0.08, 120) for seed in (1, 2) for _ in range(30)]
    assert starts(shots_of(pictures, recipe=Shots(sensitivity=0.2))) == []
    assert starts(shots_of(pictures, recipe=Shots(sensitivity=3.0))) == [30]


def test_no_shot_is_shorter_than_asked():
    pictures = [picture for seed in range(8) for picture in held(seed, 20)]
    shots = shots_of(pictures, recipe=Shots(min_shot_s=1.0))
    assert len(shots) > 1
    assert all(shot.span.duration_s >= 1.0 for shot in shots)


def test_without_gradual_dissolves_are_left_out_and_fades_stay():
    pictures = [*held(1, 40), *mixed(place(1), place(2), 25), *held(2, 40), *mixed(place(2), flat(0), 10)]
    pictures += [*[flat(0)] * 5, *mixed(flat(0), place(3), 10), *held(3, 40)]
    shots = shots_of(pictures, recipe=Shots(gradual=False))
    assert [shot.transition_in for shot in shots[1:]] == [Transition.FADE]


@pytest.mark.parametrize("options", [{"sensitivity": 0.0}, {"sensitivity": float("nan")}, {"min_shot_s": -1.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Shots(**options)


# -- real clips


@pytest.mark.data
def test_every_boundary_of_the_montage_and_no_other(data_dir):
    truth = json.loads((data_dir / "gt/montage_cuts_speech.json").read_text())
    shots = find(read_frames(data_dir / "videos/composed/montage_cuts_speech.mp4", Shots()))
    (dissolve,) = [(item["start"], item["end"]) for item in truth["gradual"] if item["type"] == "dissolve"]
    inside = [start for start in starts(shots) if dissolve[0] <= start <= dissolve[1]]
    cuts = [start for start in starts(shots) if start not in inside]
    assert len(inside) == 1
    assert len(cuts) == len(truth["hard_cuts"])
    assert all(abs(found - true) <= 1 for found, true in zip(cuts, truth["hard_cuts"], strict=True))
    assert shots[-1].last_frame == truth["frames"] - 1


@pytest.mark.data
@pytest.mark.parametrize(
    "clip",
    [
        "intel/one-by-one-person-detection.mp4",
        "intel/car-detection.mp4",
        "intel/bottle-detection.mp4",
        "intel/asl_walk.mkv",
        "mdn/flower.mp4",
        "mdn/friday.mp4",
        "misc/bigbuckbunny.mp4",
    ],
)
def test_no_boundary_in_a_single_take(data_dir, clip):
    assert starts(find(read_frames(data_dir / "videos" / clip, Shots()))) == []


@pytest.mark.data
def test_the_colours_of_the_counter_change_twice(data_dir):
    assert starts(find(read_frames(data_dir / "videos/cuts/counter.mp4", Shots()))) == [10, 20]


@pytest.mark.data
def test_each_black_between_fades_is_one_boundary(data_dir):
    shots = find(read_frames(data_dir / "videos/cuts/fades.mp4", Shots()))
    assert len(shots) == 3
    assert all(shot.transition_in is Transition.FADE for shot in shots[1:])
    # Black at about 84 and 167; the middle of the light is at 42, 125 and 208.
    assert 42 < shots[1].first_frame < 125 < shots[2].first_frame < 208


# -- golden


def test_golden():
    pictures = [*panned(1, 40, 3), *held(2, 40), *mixed(place(2), place(3), 16), *held(3, 30)]
    pictures += [*mixed(place(3), flat(0), 10), *mixed(flat(0), place(4), 10), *held(4, 30)]
    found = [
        [shot.first_frame, shot.last_frame, shot.transition_in.value, shot.confidence] for shot in shots_of(pictures)
    ]
    wanted = json.loads(GOLDEN.read_text())
    assert [shot[:3] for shot in found] == [shot[:3] for shot in wanted]
    assert [shot[3] for shot in found] == pytest.approx([shot[3] for shot in wanted], abs=0.01)
