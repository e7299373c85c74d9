"""A voice in a sound file, by which somebody shall be known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cortexia.annotators._by_model import NONE
from cortexia.annotators._enrolled import EnrolledVoice
from cortexia.annotators.base import SessionContext, StreamAnnotator
from cortexia.annotators.voices import Voices
from cortexia.decoders.base import Decoder, DecodeRequest
from cortexia.errors import ConfigurationError
from cortexia.models.base import ModelAccess
from cortexia.naming import required_name
from cortexia.types import Annotation, AudioBlock, Embedding, MediaInfo, VerdictStatus

VOICES, SPEAKERS = "voices", "speakers"
_RATE = 16_000


def parse_enrolments(texts: Sequence[str]) -> dict[str, Path]:
    """Files by name, from texts ``name=file``. Raises ``ConfigurationError``."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise ConfigurationError(f"--enroll {text!r} is not of the form NAME=FILE, e.g. anna=anna.wav")
        name = required_name(name)
        if name in found:
            raise ConfigurationError(f"--enroll names {name!r} twice; put all that shows the voice into one file")
        path = Path(file).expanduser().absolute()
        if not path.is_file():
            hint = "; a name may not hold '='" if "=" in file else ""
            raise ConfigurationError(f"--enroll {name}: there is no file {path}{hint}")
        found[name] = path
    return found


def enrolled_voice(
    name: str, path: Path, decoder: Decoder, recipes: tuple[StreamAnnotator, Voices], models: ModelAccess | None
) -> EnrolledVoice:
    """The mean of the vectors of all speech in a file, weighted by its length, made as that of videos is: ``recipes``
    are their ``speech`` and ``voices``. Whoever is enrolled is alone in the file, so no local speakers are looked for.

    Raises ``ConfigurationError`` for a file without sound or without speech, and what opening a model raises.
    """
    media = decoder.probe(path)
    if media.verdict.status is VerdictStatus.REJECTED or media.audio is None:
        raise ConfigurationError(f"--enroll {name}: {path} holds no sound that can be decoded")
    speech, voices = recipes
    alone = replace(voices, segmentation=NONE)
    rows = list(_rows(path, decoder, media, (speech, alone), models))
    if not rows:
        raise ConfigurationError(f"--enroll {name}: no speech was found in {path}; take a longer or clearer recording")
    weights = np.array([row.span.end.seconds - row.span.start.seconds for row in rows])
    mean = np.einsum("n,nd->d", weights, np.array([row.values() for row in rows], np.float64))
    return EnrolledVoice(name, rows[0].model, mean / max(float(np.linalg.norm(mean)), 1e-12))


def _rows(
    path: Path,
    decoder: Decoder,
    media: MediaInfo,
    recipes: tuple[StreamAnnotator, StreamAnnotator],
    models: ModelAccess | None,
) -> Iterator[Embedding]:
    context = SessionContext(media, lambda data, suffix: "", models)
    speech, voices = (recipe.session(context) for recipe in recipes)
    try:
        with decoder.open(path, media, DecodeRequest(audio_rate=_RATE, threads=1)) as stream:
            for item in stream:
                if isinstance(item, AudioBlock):
                    yield from _voices_of(voices.process([item], speech.process([item], [[]]))[0])
        yield from _voices_of(voices.finish(speech.finish([])))
    finally:
        voices.close()
        speech.close()


def _voices_of(rows: Sequence[Annotation]) -> Iterator[Embedding]:
    return (row for row in rows if isinstance(row, Embedding))
