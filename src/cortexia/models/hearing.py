"""What turns speech into words, whatever library does it. Sound is mono float32 in [-1, 1] at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
POCKETSPHINX = "pocketsphinx"
"""What comes with the program, in place of a model's id."""
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a piece of speech is to be put into words.

    ``language``: ISO 639-1 code; ``None``: to be found out. ``translate``: into English. ``words``: with the time of
    each. ``beam``: so many guesses are followed at a time. ``prompt``: words to expect. ``said``: what was said before;
    the end of it, where it is too long for the model. ``no_repeats_of``: no sequence of so many tokens comes twice; 0
    allows all.
    """

    language: str | None = None
    translate: bool = False
    words: bool = True
    beam: int = 5
    prompt: str = ""
    said: str = ""
    no_repeats_of: int = 0


@dataclass(frozen=True, slots=True)
class HeardWord:
    """``start_s``, ``end_s``: seconds from the beginning of the sound. ``probability`` in [0, 1]."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class HeardText:
    """Words that belong together. ``log_probability``: the mean over their tokens. ``no_speech``: probability that
    nobody spoke, where the model says."""

    text: str
    start_s: float
    end_s: float
    log_probability: float
    words: tuple[HeardWord, ...] = ()
    no_speech: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """``language``: ISO 639-1 code of what was spoken, with its probability in [0, 1]."""

    texts: tuple[HeardText, ...]
    language: str | None = None
    language_probability: float = 1.0


class Transcriber(Protocol):
    """The same sound and wishes give the same bits each time, whatever came before."""

    def transcribe(self, sound: Sound, asked: Asked) -> Transcript:
        """At most 30 s of ``sound``. Raises ``ConfigurationError`` for a wish that it cannot fulfil, such as a
        language that it does not know, and ``InferenceError``."""


def paused_texts(words: Sequence[HeardWord], log_of: Sequence[float], pause_s: float) -> tuple[HeardText, ...]:
    """Texts out of words alone: a new one after each pause of ``pause_s``. ``log_of``: log-probability of each."""
    texts: list[HeardText] = []
    first = 0
    for place in range(1, len(words) + 1):
        if place == len(words) or words[place].start_s - words[place - 1].end_s >= pause_s:
            said = tuple(words[first:place])
            mean = sum(log_of[first:place]) / len(said)
            text = " ".join(word.text for word in said)
            texts.append(HeardText(text, said[0].start_s, said[-1].end_s, mean, said))
            first = place
    return tuple(texts)
