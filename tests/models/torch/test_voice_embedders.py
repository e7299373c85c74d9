"""Vectors of voices: of length 1, those of the library, and the same whatever else is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_models
import torch
import transformers as hub

from cortexia.annotators._voice_makers import ModelVoices
from cortexia.errors import ConfigurationError, UnknownNameError, ValidationError
from cortexia.models.torch import open_voice_embedder

NOISE = np.random.default_rng(3)
STRETCHES = [NOISE.normal(0, 0.1, length).astype(np.float32) for length in (16_000, 24_000, 6000)]


def test_vectors_are_those_of_the_library(family, tiny_folder):
    folder = tiny_folder("wavlm-xvector")
    model = hub.WavLMForXVector.from_pretrained(folder).eval()
    extractor = hub.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    with torch.inference_mode():
        heard = extractor(STRETCHES[0], sampling_rate=16_000, return_tensors="pt")
        wanted = torch.nn.functional.normalize(model(**heard).embeddings.double()).numpy()
    ours = family("wavlm-xvector").voices(STRETCHES[:1])
    assert ours.shape == (1, 24)
    assert np.allclose(ours, wanted, atol=1e-5)


def test_a_vector_does_not_depend_on_the_others(family):
    model = family("wavlm-xvector")
    together = model.voices(STRETCHES)
    assert np.allclose(np.linalg.norm(together.astype(np.float64), axis=1), 1.0, atol=1e-6)
    for number, samples in enumerate(STRETCHES):
        assert np.array_equal(model.voices([samples])[0], together[number])
    assert len({row.tobytes() for row in together}) == 3
    assert model.voices([]).shape == (0, 24)


def test_the_shortest_stretch_has_a_vector_and_a_shorter_one_is_refused(family):
    model = family("wavlm-xvector")
    assert model.shortest == 5200
    heard = np.random.default_rng(4).normal(0, 0.1, 5200).astype(np.float32)
    assert np.isfinite(model.voices([heard])).all()
    with pytest.raises(ValidationError, match="5199 samples"):
        model.voices([heard[1:]])


@pytest.mark.filterwarnings("ignore:std")
def test_below_the_shortest_the_library_says_nothing_of_use(tiny_folder):
    """Negative control: of one frame there is no spread, and of fewer no frame."""
    model = hub.WavLMForXVector.from_pretrained(tiny_folder("wavlm-xvector")).eval()
    with torch.inference_mode():
        assert not torch.isfinite(model(torch.randn(1, 5199)).embeddings).all()
        with pytest.raises(RuntimeError):
            model(torch.randn(1, 4000))


def test_short_speech_has_no_voice_and_stops_nothing(family):
    model = family("wavlm-xvector")
    maker = ModelVoices("tiny", lambda some: list(model.voices(some)), model.shortest)
    heard = [STRETCHES[0][:length] for length in (2400, 4000, 5000, 5199, 5200)]
    assert [made is not None for made in maker.voices(heard)] == [False] * 4 + [True]


def test_how_loud_it_is_does_not_matter(family):
    loud, quiet = family("wavlm-xvector").voices([STRETCHES[0], STRETCHES[0] * np.float32(0.25)])
    assert np.allclose(loud, quiet, atol=1e-3)


def test_a_model_of_another_rate_is_refused(tmp_path):
    folder = tiny_models.make("wavlm-xvector", tmp_path / "other")
    hub.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(folder)
    tiny_models.write_manifest(folder, "tiny/wavlm-xvector")
    with pytest.raises(ConfigurationError, match="8000 Hz"):
        tiny_models.opened(folder, "wavlm-xvector")


def test_another_family_makes_no_voices():
    class Models:
        def entry(self, model_id):
            return tiny_models.entry_of("clip")

    with pytest.raises(UnknownNameError, match="voice embedding"):
        open_voice_embedder(Models(), "tiny-clip")
