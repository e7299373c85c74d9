"""PocketSphinx: words with times, the same each time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pocketsphinx import Config, Decoder

from cortexia.errors import ConfigurationError
from cortexia.models.hearing import Asked, HeardWord, paused_texts
from cortexia.models.sphinx import SphinxTranscriber


@pytest.fixture(scope="module")
def sphinx() -> SphinxTranscriber:
    return SphinxTranscriber()


@pytest.fixture(scope="module")
def jfk(data_dir) -> np.ndarray:
    from footage import read_sound

    return read_sound(data_dir / "audio/speech/jfk.flac")


@pytest.mark.data
def test_it_hears_some_words_of_clear_speech(sphinx, jfk):
    said = sphinx.transcribe(jfk, Asked())
    words = " ".join(text.text for text in said.texts).split()
    assert {"my", "fellow", "what", "your", "country", "can", "do", "for", "you"} <= set(words)
    assert said.language == "en"
    moments = [moment for text in said.texts for word in text.words for moment in (word.start_s, word.end_s)]
    assert moments == sorted(moments)
    assert not any(character in text.text for text in said.texts for character in "<>[]()")


@pytest.mark.data
def test_what_came_before_changes_nothing(sphinx, jfk):
    part = jfk[: 5 * 16_000]
    first = SphinxTranscriber().transcribe(part, Asked())
    sphinx.transcribe(jfk[6 * 16_000 :], Asked())
    assert sphinx.transcribe(part, Asked()) == first


@pytest.mark.data
def test_by_itself_the_library_adapts_to_what_it_hears(jfk):
    """Negative control of the test above."""
    decoder = Decoder(Config(samprate=16_000, loglevel="FATAL", cmn="batch"))
    pcm = (jfk[: 5 * 16_000] * 32767).astype("<i2").tobytes()
    heard = []
    for _ in range(2):
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        heard.append([(part.word, part.start_frame, part.prob, part.ascore) for part in decoder.seg()])
    assert heard[0] != heard[1]


def test_next_to_nothing_has_no_words(sphinx):
    """In a second of silence it would hear a dog, for certain: only speech is given to it."""
    for length in (0, 1, 200, 1600):
        assert sphinx.transcribe(np.zeros(length, np.float32), Asked()).texts == ()


@pytest.mark.parametrize("asked", [Asked(language="de"), Asked(translate=True)])
def test_it_knows_english_only(sphinx, asked):
    with pytest.raises(ConfigurationError, match="English only"):
        sphinx.transcribe(np.zeros(16_000, np.float32), asked)


def test_a_pause_makes_two_texts():
    words = [HeardWord("a", 0.0, 0.5, 0.5), HeardWord("b", 0.6, 1.0, 0.25), HeardWord("c", 1.5, 2.0, 1.0)]
    logs = [math.log(word.probability) for word in words]
    first, second = paused_texts(words, logs, 0.5)
    assert (first.text, first.start_s, first.end_s, first.words) == ("a b", 0.0, 1.0, tuple(words[:2]))
    assert math.exp(first.log_probability) == pytest.approx(math.sqrt(0.5 * 0.25))
    assert (second.text, second.log_probability) == ("c", 0.0)
    assert len(paused_texts(words, logs, 0.51)) == 1
    assert paused_texts([], [], 0.5) == ()
