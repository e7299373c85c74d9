"""A knock is stored within 10 ms of where it was, whatever the container does to its clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortexia.testing import ShotSpec, SoundSpec, Truth, VideoSpec, click, make_video
from sounds import annotate, stored

CLICKS = (0.5, 1.25, 2.0)
NEAR_S = 0.01


def film(path: Path, rate: int, pictures_from_s: float = 0.0, sound_from_s: float = 0.0) -> Truth:
    spec = SoundSpec(events=tuple(map(click, CLICKS)), rate=rate, start_s=sound_from_s)
    shots = (ShotSpec(3.5),)
    return make_video(path, VideoSpec(width=64, height=36, shots=shots, sound=spec, start_s=pictures_from_s))


def errors(path: Path, truth: Truth) -> list[float]:
    """By how many seconds each sound is found late, from the store."""
    (video,) = annotate(path.parent / "store", path, wanted=("loudness",)).videos
    assert video.status == "completed"
    found = [row.span.start.seconds for row in stored(path.parent / "store", "sound_event")]
    assert len(found) == len(truth.sounds)
    return [at - sound.start_s for at, sound in zip(found, truth.sounds, strict=True)]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["priming.mp4", "priming.mov", "priming.mkv"])
def test_the_delay_of_the_encoder_is_taken_off(tmp_path, name, rate):
    path = tmp_path / name
    assert max(map(abs, errors(path, film(path, rate)))) <= NEAR_S


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_where_the_delay_is_not_taken_off_the_check_fails(tmp_path, rate):
    """Negative control: MPEG-TS has no place for it."""
    path = tmp_path / "ignored.ts"
    late = errors(path, film(path, rate))
    assert min(late) > NEAR_S
    assert late == pytest.approx([1024 / rate] * 3, abs=NEAR_S)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_an_edit_list_that_hides_the_first_pictures_moves_no_sound(tmp_path, rate):
    path = tmp_path / "hidden.mp4"
    truth = film(path, rate, pictures_from_s=-0.4)
    assert truth.first_number > 0, "pictures before zero are hidden"
    assert max(map(abs, errors(path, truth))) <= NEAR_S


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_sound_that_starts_late_is_found_late(tmp_path, name, rate):
    path = tmp_path / name
    truth = film(path, rate, sound_from_s=0.75)
    assert truth.sounds[0].start_s == 1.25
    assert max(map(abs, errors(path, truth))) <= NEAR_S
