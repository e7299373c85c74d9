"""AST hears what the library's own pipeline hears, from spectra that need no torchaudio."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tiny_models
import torch
import transformers as hub
from tiny_models import CLASSES, opened, write_manifest
from transformers.utils import is_speech_available

from cortexia.errors import ModelError, UnknownNameError
from cortexia.models.torch import open_audio_tagger

needs_numpy_path = pytest.mark.skipif(is_speech_available(), reason="the library makes spectra by torchaudio here")


def noise(length: int, level: float = 0.2, seed: int = 3) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(length)).astype(np.float32)


@needs_numpy_path
@pytest.mark.parametrize("length", [5_000, 20_880, 41_000], ids=["shorter", "as long", "longer"])
def test_spectra_are_those_of_the_library_without_torchaudio(family, tiny_folder, length):
    extractor = hub.ASTFeatureExtractor.from_pretrained(tiny_folder("ast"))
    samples = noise(length)
    wanted = extractor(samples, sampling_rate=16_000, return_tensors="np")["input_values"][0]
    made = family("ast").spectra(samples)
    assert made.dtype == np.float32
    assert np.abs(made - wanted).max() < 1e-4
    assert np.abs(family("ast").spectra(samples * 2) - wanted).max() > 1e-2, "a difference would be seen"


def test_silence_makes_spectra_without_infinities(family):
    assert np.isfinite(family("ast").spectra(np.zeros(20_000, np.float32))).all()


@needs_numpy_path
def test_scores_are_those_of_the_library_each_class_by_itself(family, tiny_folder):
    folder, samples = tiny_folder("ast"), noise(20_000)
    extractor = hub.ASTFeatureExtractor.from_pretrained(folder)
    model = hub.ASTForAudioClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        wanted = model(**extractor(samples, sampling_rate=16_000, return_tensors="pt")).logits[0].sigmoid().numpy()
    found = family("ast").tag(samples)
    assert family("ast").classes == CLASSES
    assert np.abs(found - wanted).max() < 1e-4
    assert np.abs(found - family("ast").tag(noise(20_000, seed=4))).max() > 1e-3, "it hears the sound"


def test_a_model_for_another_rate_is_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("ast"), tmp_path / "ast")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "sampling_rate": 8000}))
    write_manifest(folder, "tiny/ast")
    with pytest.raises(ModelError, match="hears 8000 Hz"):
        opened(folder, "ast")


def test_a_family_that_hears_nothing_is_refused():
    class Access:
        def entry(self, model_id):
            return tiny_models.entry_of("blip")

    with pytest.raises(UnknownNameError, match="sound events"):
        open_audio_tagger(Access(), "tiny-blip")
