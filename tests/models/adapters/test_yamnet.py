"""YAMNet beside its authors' spectra, the reference decoding, and the list of its classes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from opened_models import OpenedModels
from shared_models import load_reference

from cortexia.models.adapters import open_sound_tagger
from cortexia.models.adapters.audioset import CLASSES
from cortexia.models.adapters.yamnet import PATCH, Yamnet


def test_there_are_521_classes_and_each_is_another():
    assert len(set(CLASSES)) == len(CLASSES) == 521
    assert (CLASSES[0], CLASSES[13], CLASSES[62], CLASSES[132], CLASSES[494]) == (
        *("Speech", "Laughter", "Applause", "Music", "Silence"),
    )


@pytest.mark.data
def test_classes_stand_where_the_network_has_them(data_dir):
    with (data_dir / "models/audio/yamnet_class_map.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(521))
    assert [row["display_name"] for row in rows] == list(CLASSES)


def authors_sound(data_dir: Path) -> np.ndarray:
    raw = np.frombuffer((data_dir / "audio/events/yamnet_test_audio_16k_s16le.bin").read_bytes(), "<i2")
    return (raw / 32768).astype(np.float32)


@pytest.mark.data
def test_spectra_are_the_authors_but_for_a_constant(data_dir):
    raw = (data_dir / "audio/events/yamnet_test_spectra_96x64_f32.bin").read_bytes()
    wanted = np.frombuffer(raw, "<f4").reshape(96, 64)
    sound = authors_sound(data_dir)
    made = Yamnet().prepare(sound[:PATCH])
    assert made.shape == wanted.shape
    assert np.corrcoef(made.ravel(), wanted.ravel())[0, 1] > 0.9999
    assert (made - wanted).std() < 0.02
    late = Yamnet().prepare(np.roll(sound, 160)[:PATCH])
    assert np.corrcoef(late.ravel(), wanted.ravel())[0, 1] < 0.9999, "one frame off would be seen"


@pytest.mark.data
def test_scores_are_those_of_the_reference(data_dir):
    reference = load_reference(data_dir)
    sound = np.concatenate((authors_sound(data_dir), authors_sound(data_dir)))
    wanted = reference.yamnet(reference.tfl("audio/yamnet_spectra_in.tflite", 1), sound)
    runner = open_sound_tagger(OpenedModels(data_dir), "yamnet")
    found = np.array(runner.run([sound[at : at + PATCH] for at in range(0, len(sound) - PATCH + 1, 7680)]))
    runner.close()
    assert (found.shape[1], found.dtype) == (521, np.float32)
    assert len(found) >= 3
    assert np.abs(found - wanted[: len(found)]).max() < 0.02
