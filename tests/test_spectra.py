"""Spectra of tones whose pitch and level are known."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia.spectra import Bands, frames_of, hann, hz_to_mel, magnitudes, mel_weights

RATE, LENGTH, HOP, SIZE = 16_000, 400, 160, 512


def tone(hz: float, samples: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(samples) / RATE).astype(np.float32)


@pytest.mark.parametrize(("samples", "count"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)])
def test_only_whole_frames_and_one_at_each_hop(samples, count):
    frames = frames_of(np.arange(samples, dtype=np.float32), LENGTH, HOP)
    assert frames.shape == (count, LENGTH)
    assert [frame[0] for frame in frames] == [HOP * number for number in range(count)]


def test_the_window_is_periodic():
    window = hann(LENGTH)
    assert window[0] == 0.0
    assert window[LENGTH // 2] == 1.0
    assert window[:200] + window[200:] == pytest.approx(np.ones(200)), "halves that overlap add up to one"


@pytest.mark.parametrize("hz", [125.0, 1000.0, 6000.0])
def test_a_tone_is_highest_in_its_own_bin(hz):
    spectra = magnitudes(frames_of(tone(hz), LENGTH, HOP), hann(LENGTH), SIZE)
    assert spectra.shape == (98, SIZE // 2 + 1)
    assert np.abs(spectra.argmax(axis=1) * RATE / SIZE - hz).max() <= RATE / SIZE
    assert spectra.max() == pytest.approx(LENGTH / 4, rel=0.1), (
        "a sine keeps half its height, and the window half of that"
    )


def test_mels_are_those_of_htk():
    assert float(hz_to_mel(0.0)) == 0.0
    assert float(hz_to_mel(1000.0)) == pytest.approx(1000.0, abs=0.1)
    hz = np.array([125.0, 440.0, 7500.0])
    assert hz_to_mel(hz) == pytest.approx(2595.0 * np.log10(1.0 + hz / 700.0), rel=1e-3), "as it is written elsewhere"


def test_bands_are_triangles_in_order_that_cover_what_was_asked_for():
    weights = mel_weights(64, 125.0, 7500.0, SIZE, RATE)
    hz = np.linspace(0, RATE / 2, SIZE // 2 + 1)
    assert weights.shape == (SIZE // 2 + 1, 64)
    assert weights.min() == 0.0
    assert weights.max() <= 1.0
    assert not weights[(hz < 125.0) | (hz > 7500.0)].any()
    middles = (hz[:, None] * weights).sum(axis=0) / weights.sum(axis=0)
    assert (np.diff(middles) > 0).all()


def test_a_tone_is_heard_in_the_band_of_its_pitch():
    weights = mel_weights(64, 125.0, 7500.0, SIZE, RATE)
    edges = np.linspace(hz_to_mel(125.0), hz_to_mel(7500.0), 66)
    for hz in (300.0, 1000.0, 4000.0):
        bands = magnitudes(frames_of(tone(hz), LENGTH, HOP), hann(LENGTH), SIZE) @ weights
        band = int(np.argmax(bands[10]))
        assert edges[band] <= hz_to_mel(hz) <= edges[band + 2]


def test_one_frame_at_a_time_says_the_same_of_it():
    """As whoever asks for the same shapes each time relies on."""
    samples = np.random.default_rng(1).normal(size=RATE).astype(np.float32)
    window = hann(LENGTH)
    whole = [magnitudes(frame[None], window, SIZE) for frame in frames_of(samples, LENGTH, HOP)]
    for number in (0, 17, 97):
        alone = frames_of(samples[number * HOP : number * HOP + LENGTH], LENGTH, HOP)
        assert np.array_equal(magnitudes(alone, window, SIZE), whole[number])


@pytest.mark.parametrize(("bands", "low_hz", "high_hz"), [(64, 125.0, 7500.0), (128, 20.0, 8000.0), (4, 0.0, 8000.0)])
def test_sums_over_bands_leave_nothing_out(bands, low_hz, high_hz):
    weights = mel_weights(bands, low_hz, high_hz, 512, 16_000)
    spectra = np.random.default_rng(1).random((7, 257))
    assert np.abs(Bands(weights).sums(spectra) - spectra @ weights).max() < 1e-12
    assert np.abs(Bands(weights[:, ::-1]).sums(spectra) - spectra @ weights).max() > 1e-3
