"""PocketSphinx, an English recogniser whose models come with its package: that library's one door."""

from __future__ import annotations

import math
import re

import numpy as np
from pocketsphinx import Config, Decoder

from cortexia.errors import ConfigurationError, InferenceError
from cortexia.models.failures import first_line
from cortexia.models.hearing import POCKETSPHINX, RATE, Asked, HeardText, HeardWord, Sound, Transcript, paused_texts

LANGUAGE = "en"
_FRAME_S = 0.01
_PAUSE_S = 0.5
"""Words with a longer pause between them make two texts."""
_VARIANT = re.compile(r"\(\d+\)$")
_LEAST = 1e-6
"""Of a probability, before its logarithm."""


class SphinxTranscriber:
    """American English, words of a dictionary of 134,000, a trigram model of 2013: it finds the words of clear, slow
    speech in part, and invents others. Its probabilities are posteriors of the words."""

    def __init__(self) -> None:
        # cmn=batch: levels are those of the piece itself, never of those before it
        self._decoder = Decoder(Config(samprate=RATE, loglevel="FATAL", cmn="batch"))

    def transcribe(self, sound: Sound, asked: Asked) -> Transcript:
        if asked.language not in (None, LANGUAGE) or asked.translate:
            raise ConfigurationError(
                f"{POCKETSPHINX} knows English only and translates nothing; choose a whisper model"
                " (cortexia models list)"
            )
        if not len(sound):
            return Transcript((), LANGUAGE)
        try:
            return Transcript(self._texts(sound), LANGUAGE)
        except RuntimeError as error:
            raise InferenceError(POCKETSPHINX, first_line(error)) from error

    def _texts(self, sound: Sound) -> tuple[HeardText, ...]:
        decoder = self._decoder
        decoder.reinit_feat()  # it adapts to what it hears; this makes it as new
        decoder.start_utt()
        decoder.process_raw(_pcm(sound), full_utt=True)
        decoder.end_utt()
        words = [word for part in decoder.seg() or () if (word := _word(part)) is not None]
        return paused_texts(words, [math.log(max(_LEAST, word.probability)) for word in words], _PAUSE_S)


def _word(part: object) -> HeardWord | None:
    """``None`` for silence, breath and noise. Frames of 10 ms, the last one included."""
    name, first, last, odds = (getattr(part, key) for key in ("word", "start_frame", "end_frame", "prob"))
    if name.startswith(("<", "[", "+")):
        return None
    return HeardWord(_VARIANT.sub("", name), first * _FRAME_S, (last + 1) * _FRAME_S, min(1.0, max(0.0, float(odds))))


def _pcm(sound: Sound) -> bytes:
    return (np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes()
