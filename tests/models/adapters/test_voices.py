"""Networks that hear voices: what goes in, what is read, and both together from sound to turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny_networks
from driving import Drive, annotations
from footage import Blobs, context, sound_of
from opened_models import OpenedModels

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.speakers import Speakers
from cortexia.annotators.voices import Voices
from cortexia.errors import ConfigurationError, UnknownNameError, ValidationError
from cortexia.models.adapters.openers import open_speaker_segmentation, open_voice_embedding
from cortexia.models.adapters.pyannote import WINDOW, Pyannote
from cortexia.models.adapters.wespeaker import SHORTEST, Wespeaker, log_bands
from cortexia.spectra import hz_to_mel

SEGMENTATION, VECTORS = "pyannote-segmentation-3.0", "wespeaker-resnet34-lm"
RATE = 16_000


def models(**more: Any) -> OpenedModels:
    return OpenedModels(given={SEGMENTATION: tiny_networks.pyannote(), VECTORS: tiny_networks.wespeaker()}, **more)


def square(*parts: tuple[float, float, float], seconds: float = 10.0) -> np.ndarray:
    """A square wave of the given level between the given seconds."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    wave = np.where(np.arange(len(samples)) // 40 % 2, 1.0, -1.0)
    for start, end, level in parts:
        place = slice(round(start * RATE), round(end * RATE))
        samples[place] = level * wave[place]
    return samples


# -- local speakers


def test_who_speaks_when_and_with_whom():
    (told,) = open_speaker_segmentation(models(), SEGMENTATION).run([square((2.0, 6.0, 0.2), (4.0, 5.0, 0.8))])
    edges = told.edges()
    assert told.is_speaking.shape == (589, 3)
    assert edges[0] == 0
    assert edges[-1] == WINDOW
    spoken = [(edges[:-1][told.is_speaking[:, who]] / RATE) for who in (0, 1)]
    assert (spoken[0].min(), spoken[0].max()) == pytest.approx((2.0, 6.0), abs=0.05)
    assert (spoken[1].min(), spoken[1].max()) == pytest.approx((4.0, 5.0), abs=0.05)
    assert not told.is_speaking[:, 2].any()
    assert ((told.confidence > 0.14) & (told.confidence <= 1.0)).all()


def test_what_is_short_is_filled_up_with_silence():
    given = models()
    (told,) = open_speaker_segmentation(given, SEGMENTATION).run([square((0.0, 3.0, 0.2), seconds=3.0)])
    assert given.made[SEGMENTATION].feeds[0].shape == (1, 1, WINDOW)
    assert not told.is_speaking[200:].any()


def test_windows_of_one_call_do_not_change_each_other():
    runner = open_speaker_segmentation(models(), SEGMENTATION)
    windows = [square((1.0, 2.0, 0.2)), square((3.0, 8.0, 0.8)), square()]
    for together, window in zip(runner.run(windows), windows, strict=True):
        (alone,) = runner.run([window])
        assert np.array_equal(together.is_speaking, alone.is_speaking)
        assert np.array_equal(together.confidence, alone.confidence)


def test_the_output_of_another_network_is_refused():
    with pytest.raises(ConfigurationError, match=r"\(589, 4\)"):
        Pyannote().read([np.zeros((589, 4), np.float32)], square())
    with pytest.raises(UnknownNameError, match="speaker segmentation"):
        open_speaker_segmentation(models(), VECTORS)
    with pytest.raises(UnknownNameError, match="voice embedding"):
        open_voice_embedding(models(), SEGMENTATION)


# -- vectors


def test_a_tone_is_loudest_in_its_band():
    seconds = np.arange(RATE) / RATE
    edges = np.linspace(hz_to_mel(20.0), hz_to_mel(8000.0), 82)
    for hz in (300.0, 1000.0, 4000.0):
        bands = log_bands((0.3 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32))
        assert bands.shape == (98, 80)
        loudest = int(bands.mean(axis=0).argmax())
        assert edges[loudest] < hz_to_mel(hz) < edges[loudest + 2]


def test_bands_go_in_without_their_means_and_vectors_have_the_length_one():
    given = models()
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    (vector,) = open_voice_embedding(given, VECTORS).run([noise])
    (fed,) = given.made[VECTORS].feeds
    assert fed.shape == (1, 98, 80)
    assert np.allclose(fed[0].mean(axis=0), 0.0, atol=1e-4)
    assert vector.shape == (80,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_how_loud_it_is_does_not_matter():
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    assert np.allclose(Wespeaker().prepare(noise), Wespeaker().prepare(noise * np.float32(0.5)), atol=1e-3)


def test_too_little_and_another_network_are_refused():
    with pytest.raises(ValidationError, match="too few"):
        Wespeaker().prepare(np.zeros(SHORTEST - 1, np.float32))
    with pytest.raises(ConfigurationError, match="no vector"):
        Wespeaker().read([np.zeros((4, 4), np.float32)], np.zeros(RATE, np.float32))


# -- from sound to turns


def test_turns_with_overlap_from_both_networks():
    samples = square((1.0, 14.0, 0.2), (6.0, 8.0, 0.8), seconds=16.0)
    around = context(Blobs())
    object.__setattr__(around, "models", models())
    recipe = Voices(model=VECTORS, segmentation=SEGMENTATION)
    drive = Drive(recipe, around, sound_of(samples, [4000]))
    whole = drive.run(keep_stops=True)
    rows = annotations(whole)
    for stop in drive.stops[::11]:
        assert drive.resume(stop, whole) == whole
    assert Drive(recipe, around, sound_of(samples, [50_000])).run()[-1][1] == rows[-1]
    made = list(Speakers().solve(StoredAnnotations(lambda types: rows if "embedding" in types else []), around))
    both = [turn for turn in made if turn.is_overlap]
    assert len({turn.label for turn in both}) == 2
    assert {round(turn.span.start.seconds) for turn in both} == {6}
    assert {round(turn.span.end.seconds) for turn in both} == {8}
    assert made[0].span.start.seconds == pytest.approx(1.0, abs=0.05)
    assert made[-1].span.end.seconds == pytest.approx(14.0, abs=0.05)
