"""Levels and activity of sounds whose truth is known."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from driving import Drive, annotations
from footage import AUDIO_RATE, context, read_sound, sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from cortexia.annotators.loudness import Loudness
from cortexia.errors import ConfigurationError
from cortexia.types import Measure, SoundEvent, Timestamp

GOLDEN = Path(__file__).parents[1] / "golden/loudness.json"


def listen(blocks, recipe=None):
    return annotations(Drive(recipe or Loudness(), context(), blocks).run())


def measures(rows) -> list[Measure]:
    return [row for row in rows if isinstance(row, Measure)]


def events(rows) -> list[SoundEvent]:
    return [row for row in rows if isinstance(row, SoundEvent)]


def seconds(rows) -> list[tuple[float, float]]:
    return [(row.span.start.seconds, row.span.end.seconds) for row in rows]


def silence(duration_s: float) -> np.ndarray:
    return np.zeros(round(duration_s * AUDIO_RATE), np.float32)


def sine(duration_s: float, amplitude: float, hz: float = 400.0) -> np.ndarray:
    at = np.arange(round(duration_s * AUDIO_RATE)) / AUDIO_RATE
    return (amplitude * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def noise(duration_s: float, amplitude: float, seed: int = 1) -> np.ndarray:
    count = round(duration_s * AUDIO_RATE)
    return np.random.default_rng(seed).uniform(-amplitude, amplitude, count).astype(np.float32)


# -- levels


def test_a_full_scale_sine_is_3_db_below_full_scale():
    (row,) = measures(listen(sound_of(sine(1, 1.0))))
    assert row.values["rms_dbfs"] == pytest.approx(-3.01, abs=0.01)
    assert row.values["peak_dbfs"] == pytest.approx(0.0, abs=0.01)
    assert row.values["active_fraction"] == 1.0
    assert row.label == "loudness"


@pytest.mark.parametrize("amplitude", [0.5, 0.1, 0.001])
def test_levels_follow_the_amplitude(amplitude):
    (row,) = measures(listen(sound_of(sine(1, amplitude))))
    assert row.values["rms_dbfs"] == pytest.approx(20 * np.log10(amplitude) - 3.01, abs=0.02)


def test_digital_silence_is_the_floor_and_no_event():
    rows = listen(sound_of(silence(2)))
    assert events(rows) == []
    for row in measures(rows):
        assert row.values == {"rms_dbfs": -120.0, "peak_dbfs": -120.0, "active_fraction": 0.0}
        assert row.attributes["envelope"] == [-120] * 20


def test_a_row_per_second_of_the_clock():
    rows = measures(listen(sound_of(noise(2.5, 0.1), start=8000)))
    assert seconds(rows) == [(0.5, 1.0), (1.0, 2.0), (2.0, 3.0)]


def test_the_envelope_steps_by_50_ms():
    (row,) = measures(listen(sound_of(np.concatenate((sine(0.5, 0.5), silence(0.5))))))
    assert row.attributes["envelope_step_s"] == 0.05
    assert row.attributes["envelope"] == [-9] * 10 + [-120] * 10


def test_the_last_moment_counts_though_it_fills_no_hop():
    samples = np.concatenate((silence(1), np.full(50, 0.5, np.float32)))
    rows = listen(sound_of(samples))
    assert rows[-1].span.end == Timestamp(len(samples), Fraction(1, AUDIO_RATE))
    assert measures(rows)[-1].values["peak_dbfs"] == pytest.approx(-6.02, abs=0.01)


def test_less_than_a_hop_of_sound_is_measured():
    (row,) = measures(listen(sound_of(np.full(3, 0.5, np.float32))))
    assert row.values["rms_dbfs"] == pytest.approx(-6.02, abs=0.01)


def test_a_gap_in_the_clock_begins_anew():
    before = sound_of(noise(0.4033, 0.1))
    late = [
        dataclasses.replace(
            block, index=block.index + 6453, timestamp=Timestamp(block.timestamp.pts + 40_000, Fraction(1, AUDIO_RATE))
        )
        for block in sound_of(noise(0.5, 0.1))
    ]
    rows = listen([*before, *late])
    assert seconds(measures(rows)) == [(0.0, 6453 / AUDIO_RATE), (2.5, 3.0)]
    assert seconds(events(rows)) == [(0.0, 6453 / AUDIO_RATE), (2.5, 3.0)]


def test_an_empty_block_changes_nothing():
    samples = noise(0.5, 0.1)
    blocks = sound_of(samples)
    empty = dataclasses.replace(blocks[3], samples=samples[:0])
    assert listen([*blocks[:3], empty, *blocks[3:]]) == listen(blocks)


# -- activity


@pytest.mark.parametrize("at_s", [0.25, 0.5013, 1.7777])
def test_the_onset_of_a_click_is_within_10_ms(at_s):
    samples = silence(3)
    first = round(at_s * AUDIO_RATE)
    samples[first : first + 16] = 0.8
    (event,) = events(listen(sound_of(samples)))
    assert abs(event.span.start.seconds - at_s) <= 0.01
    assert event.label == "sound"
    assert event.confidence > 0.99


def test_a_click_in_noise_is_heard_and_the_noise_becomes_background():
    samples = noise(12, 0.006)
    samples[160_000:160_030] = 0.7
    heard = events(listen(sound_of(samples)))
    assert [row for row in heard if abs(row.span.start.seconds - 10.0) <= 0.01]
    assert not [row for row in heard if row.span.start.seconds > 5 and abs(row.span.start.seconds - 10.0) > 0.01]


def test_loud_steady_sound_never_becomes_background():
    (event,) = events(listen(sound_of(np.concatenate((silence(1), sine(40, 0.3), silence(1))))))
    assert seconds([event])[0] == pytest.approx((1.0, 41.0), abs=0.01)


def test_short_gaps_are_bridged_and_long_ones_not():
    beep = sine(0.3, 0.3)
    joined = np.concatenate((silence(0.5), beep, silence(0.1), beep, silence(0.5), beep, silence(0.5)))
    assert len(events(listen(sound_of(joined)))) == 2
    assert len(events(listen(sound_of(joined), Loudness(min_gap_s=0.05)))) == 3
    assert len(events(listen(sound_of(joined), Loudness(min_gap_s=1.0)))) == 1


def test_intervals_that_are_too_short_are_dropped():
    samples = np.concatenate((silence(0.5), sine(0.05, 0.3), silence(0.5), sine(0.3, 0.3), silence(0.5)))
    (event,) = events(listen(sound_of(samples), Loudness(min_length_s=0.1)))
    assert event.span.start.seconds == pytest.approx(1.05, abs=0.01)


def test_hysteresis_keeps_a_falling_level_together():
    level = np.repeat(np.tile([0.008, 0.005], 20), 800).astype(np.float32)
    samples = np.concatenate((silence(1), level * np.sign(sine(2, 1.0)), silence(1)))
    limits = {"min_gap_s": 0.0, "threshold_dbfs": -44.0, "floor_rise_db_s": 0.0}
    patient = events(listen(sound_of(samples), Loudness(**limits)))
    hasty = events(listen(sound_of(samples), Loudness(**limits, hysteresis_db=0.0)))
    assert len(patient) == 1
    assert len(hasty) > 10


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=12))
def test_block_sizes_change_nothing(sizes):
    samples = np.concatenate((silence(0.2), noise(0.7, 0.2), silence(0.4), noise(0.31, 0.02, 2)))
    assert listen(sound_of(samples, sizes)) == listen(sound_of(samples))


@pytest.mark.parametrize("option", ["threshold_dbfs", "margin_db", "hysteresis_db", "min_gap_s", "floor_rise_db_s"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ConfigurationError, match=option):
        Loudness(**{option: -1000.0})


@pytest.mark.data
def test_speech_and_laughter_of_the_montage_are_heard(data_dir):
    truth = json.loads((data_dir / "gt/montage_cuts_speech.json").read_text())["audio_events"]
    heard = events(listen(sound_of(read_sound(data_dir / "videos/composed/montage_cuts_speech.mp4"))))
    for event in truth:
        inside = [row for row in heard if event["start"] - 0.1 <= row.span.start.seconds < event["end"]]
        share = sum(row.span.duration_s for row in inside) / (event["end"] - event["start"])
        assert 0.7 <= share <= 1.02, event["label"]
    assert all(any(e["start"] - 0.1 <= row.span.start.seconds < e["end"] for e in truth) for row in heard)


def test_golden():
    samples = np.concatenate((silence(0.3), sine(0.4, 0.5), silence(0.6), sine(0.8, 0.02, 900), silence(0.4)))
    rows = [
        [row.type, *seconds([row])[0], row.confidence, row.data()] for row in listen(sound_of(samples, (777,), 100))
    ]
    wanted = json.loads(GOLDEN.read_text())
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted, strict=True):
        assert row[:3] == want[:3]
        assert row[3] == pytest.approx(want[3], abs=1e-3)
        assert row[4].get("envelope") == want[4].get("envelope")
        numbers = {key: value for key, value in _flat(row[4]).items() if isinstance(value, float)}
        assert numbers == pytest.approx({key: _flat(want[4])[key] for key in numbers}, abs=0.02)


def _flat(data):
    return {**data, **data.get("values", {})}
