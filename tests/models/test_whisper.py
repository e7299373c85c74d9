"""Whisper end to end on a tiny model with random weights: loading, words with times, exactness. No claim on words."""

from __future__ import annotations

import dataclasses
import json
import pickle  # noqa: TID251 - to write what must be refused
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_whisper import tiny_whisper

from cortexia.config import Settings
from cortexia.errors import ConfigurationError, InferenceError, ModelError, UnknownNameError
from cortexia.models.access import open_models
from cortexia.models.adoption import Adoption
from cortexia.models.catalogue import load_catalogue
from cortexia.models.description import describe_folder
from cortexia.models.folders import FolderContent
from cortexia.models.hearing import Asked
from cortexia.models.library import ModelLibrary
from cortexia.models.whisper import LentWhisper, WhisperTranscriber

SOUND = np.random.default_rng(5).uniform(-0.3, 0.3, 7 * 16_000).astype(np.float32)
ASKED = Asked(language="en", beam=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper"))


def content_of(folder: Path, without: str | None = None) -> FolderContent:
    library = ModelLibrary([folder])
    content = library.read_folder(describe_folder(folder, library.digest))
    files = {name: data for name, data in content.files.items() if name != without}
    return dataclasses.replace(content, files=files)


@pytest.fixture(scope="module")
def model(folder) -> WhisperTranscriber:
    return WhisperTranscriber(content_of(folder), "cpu")


def test_a_folder_of_the_converter_is_told_by_its_settings(folder):
    entry = describe_folder(folder, ModelLibrary([folder]).digest)
    assert (entry.adapter, entry.task) == ("faster-whisper", "transcription")
    assert {file.name for file in entry.files} == {
        *("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json")
    }


def test_words_have_times_that_never_go_back(model):
    said = model.transcribe(SOUND, ASKED)
    words = [word for text in said.texts for word in text.words]
    assert len(words) > 5
    moments = [round(moment, 6) for word in words for moment in (word.start_s, word.end_s)]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert all(0.0 <= word.probability <= 1.0 for word in words)
    assert all(text.log_probability < 0 and 0 <= text.no_speech <= 1 for text in said.texts)
    assert said.language == "en"


def test_it_hears_what_it_is_given(model):
    assert model.transcribe(SOUND, ASKED) != model.transcribe(SOUND[::-1].copy(), ASKED)


def test_without_words_there_are_texts_alone(model):
    texts = model.transcribe(SOUND, dataclasses.replace(ASKED, words=False)).texts
    assert texts
    assert not any(text.words for text in texts)


def test_the_language_is_found_out(model):
    said = model.transcribe(SOUND, dataclasses.replace(ASKED, language=None))
    assert said.language in model.languages
    assert 0.0 < said.language_probability < 1.0


@pytest.mark.parametrize(
    "wish",
    [{"language": "de"}, {"translate": True}, {"prompt": "Ada, Grace"}, {"beam": 1}, {"no_repeats_of": 1}],
    ids=str,
)
def test_a_wish_changes_what_it_says(model, wish):
    assert model.transcribe(SOUND, dataclasses.replace(ASKED, **wish)).texts != model.transcribe(SOUND, ASKED).texts


def test_a_prompt_that_is_too_long_loses_its_beginning_and_keeps_the_words_to_expect(model):
    long = dataclasses.replace(ASKED, prompt="Ada", said="é" * 800, words=False)
    tokens = model._prompt(long)
    assert len(tokens) == 200
    assert tokens[:4] == model._prompt(dataclasses.replace(ASKED, prompt="Ada"))
    assert model.transcribe(SOUND, long).texts
    assert model._prompt(ASKED) is None


def test_what_came_before_changes_nothing(model, folder):
    before = model.transcribe(SOUND, ASKED)
    model.transcribe(SOUND[:16_000], Asked(beam=1))
    assert model.transcribe(SOUND, ASKED) == before
    assert WhisperTranscriber(content_of(folder), "cpu").transcribe(SOUND, ASKED) == before


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_no_bit(model, folder, threads):
    assert WhisperTranscriber(content_of(folder), "cpu", threads).transcribe(SOUND, ASKED) == model.transcribe(
        SOUND, ASKED
    )


def test_weights_may_be_int8_in_the_file(tmp_path):
    quantised = tiny_whisper(tmp_path, quantization="int8")
    assert WhisperTranscriber(content_of(quantised), "cpu").transcribe(SOUND, ASKED).texts


def test_unknown_languages_are_refused_by_name(model):
    with pytest.raises(UnknownNameError, match=r"language .*'xx'"):
        model.transcribe(SOUND, Asked(language="xx"))


def test_a_model_that_does_not_translate_says_so(folder):
    content = content_of(folder)
    entry = dataclasses.replace(content.entry, settings={"translates": False})
    with pytest.raises(ConfigurationError, match="does not translate"):
        WhisperTranscriber(dataclasses.replace(content, entry=entry), "cpu").require(Asked(translate=True))
    assert load_catalogue()["whisper-large-v3-turbo"].settings == {"translates": False}


@pytest.mark.parametrize("lacking", ["tokenizer.json", "config.json"])
def test_a_model_that_lacks_a_file_is_not_completed_from_elsewhere(folder, lacking):
    with pytest.raises(ModelError, match=f"lacks {lacking}"):
        WhisperTranscriber(content_of(folder, without=lacking), "cpu")


def test_a_gpu_that_is_not_there_is_said(folder):
    with pytest.raises(ConfigurationError, match="GPU"):
        WhisperTranscriber(content_of(folder), "cuda:7")


def test_weights_that_end_early_are_malformed(folder):
    content = content_of(folder)
    cut = {**content.files, "model.bin": content.files["model.bin"][:5000]}
    with pytest.raises(ModelError) as caught:
        WhisperTranscriber(dataclasses.replace(content, files=cut), "cpu")
    assert caught.value.reason == "malformed"


def test_a_tokenizer_that_is_none_is_malformed(folder):
    content = content_of(folder)
    broken = {**content.files, "tokenizer.json": b"{}"}
    with pytest.raises(ModelError) as caught:
        WhisperTranscriber(dataclasses.replace(content, files=broken), "cpu")
    assert caught.value.reason == "malformed"


def test_sound_of_a_wrong_shape_is_an_error_of_the_run(model):
    with pytest.raises(InferenceError):
        model.transcribe(np.zeros((2, 2, 2), np.float32), ASKED)


@pytest.mark.parametrize(
    ("data", "reason"), [(pickle.dumps({"a": 1}), "pickle"), (b"no weights at all" * 9, "unsupported")]
)
def test_a_model_bin_that_is_something_else_is_not_opened(folder, tmp_path, data, reason):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(data if path.name == "model.bin" else path.read_bytes())
    library = ModelLibrary([tmp_path])
    with pytest.raises(ModelError) as caught:
        library.read_folder(describe_folder(tmp_path, library.digest))
    assert caught.value.reason == reason


def test_other_files_that_end_so_are_no_part_of_a_model(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.bin").rename(tmp_path / "weights.bin")
    with pytest.raises(ModelError, match="holds no model"):
        describe_folder(tmp_path, ModelLibrary([tmp_path]).digest)


def test_it_is_lent_like_any_model(folder, model, tmp_path):
    settings = Settings(cache_dir=str(tmp_path / "cache"), device="cpu")
    library = ModelLibrary(settings.model_folders)
    entry = Adoption(settings, load_catalogue(), library).adopt(str(folder))
    lent = LentWhisper(open_models(settings), entry.id)
    assert lent.transcribe(SOUND, ASKED) == model.transcribe(SOUND, ASKED)
    with pytest.raises(UnknownNameError, match="transcription"):
        LentWhisper(open_models(settings), "yolox-nano")


def test_nothing_is_asked_of_a_hub(folder, tmp_path):
    """Without tokenizer.json the library would: here it is given all it needs, and no socket is opened."""
    code = (
        "import socket, sys, json; from pathlib import Path\n"
        "def refuse(*a, **k): raise SystemExit('a socket')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "sys.path[:0] = json.loads(sys.argv[2])\n"
        "from test_whisper import *\n"
        "print(len(WhisperTranscriber(content_of(Path(sys.argv[1])), 'cpu').transcribe(SOUND, ASKED).texts))"
    )
    paths = json.dumps([str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), paths], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
