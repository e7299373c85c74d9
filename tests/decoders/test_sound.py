"""Sound is on the video's own clock: priming, late starts and gaps respected."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from decoding import decode

from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, click

CLICKS = (0.5, 1.25, 2.0)


def spec(**sound) -> VideoSpec:
    return VideoSpec(
        width=64, height=36, shots=(ShotSpec(3.0),), sound=SoundSpec(events=tuple(map(click, CLICKS)), **sound)
    )


def onsets(seen) -> list[float]:
    """Seconds at which the sound leaves silence."""
    loud = np.abs(seen.sound) > 0.2
    starts = [i for i in np.flatnonzero(loud) if not loud[max(0, i - 800) : i].any()]
    first = seen.blocks[0].timestamp.seconds
    return [first + start / 16_000 for start in starts]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["sound.mp4", "sound.mov", "sound.mkv"])
def test_a_click_comes_out_where_it_was(clips, rate, name):
    path, truth = clips(f"{rate}-{name}", spec(rate=rate))
    seen = decode(path, audio=True)
    found = onsets(seen)
    assert len(found) == len(CLICKS)
    expected = [event.start_s for event in truth.sounds]
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 0.002


def test_where_priming_is_not_declared_the_check_sees_it(clips):
    """Negative control: MPEG-TS has no place for an encoder's delay, so its clicks come late by those samples."""
    path, truth = clips("44100-sound.ts", spec(rate=44_100))
    expected = [event.start_s for event in truth.sounds]
    late = [a - b for a, b in zip(onsets(decode(path, audio=True)), expected, strict=True)]
    assert min(late) == pytest.approx(1024 / 44_100, abs=0.002)


def test_a_late_start_is_kept(clips):
    path, truth = clips("late-sound.mkv", spec(start_s=0.75))
    seen = decode(path, audio=True)
    assert seen.blocks[0].timestamp.seconds == pytest.approx(0.75, abs=0.03)
    expected = [event.start_s for event in truth.sounds]
    assert max(abs(a - b) for a, b in zip(onsets(seen), expected, strict=True)) < 0.002


def test_blocks_follow_each_other(clips):
    seen = decode(clips("48000-sound.mp4", spec(rate=48_000))[0], audio=True)
    assert seen.blocks[0].index == 0
    for a, b in pairwise(seen.blocks):
        assert b.index == a.index + len(a.samples)
        assert b.timestamp == a.end


def test_a_range_cuts_sound_to_the_sample_and_keeps_the_count(clips):
    from cortexia.types import TimeRange

    path, _ = clips("48000-sound.mp4", spec(rate=48_000))
    whole = decode(path, audio=True)
    part = decode(path, audio=True, time_range=TimeRange(1.0, 2.1))
    assert part.blocks[0].timestamp.seconds == 1.0
    assert part.blocks[-1].end.seconds == pytest.approx(2.1)
    first = part.blocks[0].index
    assert (part.sound == whole.sound[first : first + len(part.sound)]).all()


def test_one_context_for_each_track(clips):
    seen = decode(clips("48000-sound.mp4", spec(rate=48_000))[0], audio=True)
    assert seen.contexts_opened == 2


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_are_mixed_to_one(clips, channels):
    seen = decode(clips(f"{channels}-channels.mkv", spec(channels=channels))[0], audio=True)
    assert seen.sound.ndim == 1
    assert len(onsets(seen)) == len(CLICKS)
