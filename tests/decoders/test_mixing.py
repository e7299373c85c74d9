"""Channels become one without getting louder, and no bad sample spoils its neighbours."""

from __future__ import annotations

import av
import numpy as np
import pytest

from cortexia.decoders.limits import DEFAULT_LIMITS
from cortexia.decoders.mixing import Mixer, put_right

RATE = 44_100
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def frame_of(channels: np.ndarray, layout: str, form: str = "flt") -> av.AudioFrame:
    """``channels``: (channels, n)."""
    packed = np.ascontiguousarray(channels.T).reshape(1, -1)
    if form == "s16":
        packed = np.round(packed * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(packed, form, layout)
    frame.sample_rate = RATE
    return frame


def mixed(channels: np.ndarray, layout: str, form: str = "flt", rate: int = 16_000) -> np.ndarray:
    frame = frame_of(channels, layout, form)
    mixer = Mixer(frame, rate)
    return np.concatenate(mixer.mix(frame) + mixer.mix(None))


@pytest.mark.parametrize("form", ["flt", "s16"])
@pytest.mark.parametrize(
    ("layout", "count"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8), ("3 channels", 3), ("16 channels", 16)]
)
def test_what_all_channels_share_keeps_its_level(layout, count, form):
    heard = mixed(np.tile(TONE, (count, 1)), layout, form)
    assert len(heard) == 16_000
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.002)


def test_left_to_itself_the_library_makes_it_louder():
    """Negative control."""
    resampler = av.AudioResampler("flt", "mono", RATE)
    frame = frame_of(np.tile(TONE, (8, 1)), "7.1")
    assert max(np.abs(part.to_ndarray()).max() for part in resampler.resample(frame)) > 1.5


def alone(place: int) -> float:
    """Share of one channel of 7.1 in the mix."""
    channels = np.zeros((8, RATE), np.float32)
    channels[place] = TONE
    return float(np.abs(mixed(channels, "7.1")).max() / 0.5)


def test_the_centre_of_many_channels_has_the_most_to_say():
    left, right, centre, bass, *others = (alone(place) for place in range(8))
    assert centre == pytest.approx(0.227, abs=0.005)
    assert left == right == pytest.approx(centre * 0.5**0.5, rel=0.01)
    assert others == pytest.approx([centre / 2] * 4, rel=0.01)
    assert bass == 0.0


@pytest.mark.parametrize("form", ["flt", "fltp", "dbl", "dblp"])
def test_only_what_is_no_number_is_put_right(form):
    kind = np.float64 if form.startswith("dbl") else np.float32
    values = np.array([[0.5, np.nan, -2.0, np.inf, -np.inf, 0.25]], kind)
    frame = av.AudioFrame.from_ndarray(values, form, "mono")
    put_right(frame)
    assert frame.to_ndarray().tolist() == [[0.5, 0.0, -2.0, 1.0, -1.0, 0.25]]


def test_a_bad_sample_spoils_no_others():
    bad = TONE.copy()
    bad[20_000] = np.nan
    near = mixed(bad[None], "mono") - mixed(np.where(np.isnan(bad), 0.0, bad).astype(np.float32)[None], "mono")
    assert not near.any()


def test_rates_equal_to_the_limits_are_allowed():
    low, high = DEFAULT_LIMITS.lowest_sound_rate, DEFAULT_LIMITS.highest_sound_rate
    assert [DEFAULT_LIMITS.allow_sound(rate) for rate in (0, low - 1, low, high, high + 1)] == [0, 0, 1, 1, 0]
