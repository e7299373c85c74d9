"""A voice in a sound file, by which somebody shall be known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cortexia.annotators._by_model import NONE
from cortexia.annotators._enrolled import EnrolledVoice
from cortexia.annotators._vector_groups import mean_directions
from cortexia.annotators.base import SessionContext, StreamAnnotator
from cortexia.annotators.voices import Voices
from cortexia.decoders.base import Decoder, DecodeRequest
from cortexia.errors import ConfigurationError
from cortexia.models.base import ModelAccess
from cortexia.naming import required_name
from cortexia.types import Annotation, AudioBlock, Embedding, MediaInfo, Verdict, VerdictStatus

VOICES, SPEAKERS = "voices", "speakers"
LONGEST_S = 600
"""Seconds of sound that a recording holds at most: half a minute is enough."""
_RATE = 16_000
_LEAST_SHARE = 0.5
"""Of the length that a file tells, which is often a guess: MP3 of varying rates may be much shorter."""


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


@dataclass(frozen=True)
class Listening:
    """With what voices are heard. ``speech``, ``voices``: as the videos are. ``on_seconds``: told how many seconds of a
    recording were heard."""

    decoder: Decoder
    speech: StreamAnnotator
    voices: Voices
    models: ModelAccess | None = None
    on_seconds: Callable[[float], None] = lambda seconds: None


def enrolled_voice(name: str, path: Path, by: Listening) -> EnrolledVoice:
    """The mean of the vectors of all speech in a file, weighted by its length, made as that of videos is. Whoever is
    enrolled is alone in the file, so no local speakers are looked for.

    Raises ``ConfigurationError`` for a file without sound or without speech, for one that is damaged or longer than
    ``LONGEST_S``, and what opening a model raises.
    """
    media = by.decoder.probe(path)
    if media.verdict.status is VerdictStatus.REJECTED or media.audio is None:
        raise ConfigurationError(f"--enroll {name}: {path} holds no sound that can be decoded")
    rows = list(_rows(name, path, media, by))
    if not rows:
        raise ConfigurationError(f"--enroll {name}: no speech was found in {path}; take a longer or clearer recording")
    vectors = np.array([row.values() for row in rows], np.float64)
    lengths = np.array([row.span.end.seconds - row.span.start.seconds for row in rows])
    (mean,) = mean_directions(vectors, np.zeros(len(rows), np.int64), lengths)
    return EnrolledVoice(name, rows[0].model, mean)


def _rows(name: str, path: Path, media: MediaInfo, by: Listening) -> Iterator[Embedding]:
    context = SessionContext(media, lambda data, suffix: "", by.models)
    speech, voices = (recipe.session(context) for recipe in (by.speech, replace(by.voices, segmentation=NONE)))
    heard = 0.0
    try:
        with by.decoder.open(path, media, DecodeRequest(audio_rate=_RATE, threads=1)) as stream:
            for block in (item for item in stream if isinstance(item, AudioBlock)):
                heard += len(block.samples) / block.rate
                if heard > LONGEST_S:
                    raise ConfigurationError(f"--enroll {name}: {path} is longer than {LONGEST_S} s; cut it")
                yield from _voices_of(voices.process([block], speech.process([block], [[]]))[0])
                by.on_seconds(heard)
            _require_whole(name, path, media, heard, stream.verdict())
        yield from _voices_of(voices.finish(speech.finish([])))
    finally:
        voices.close()
        speech.close()


def _require_whole(name: str, path: Path, media: MediaInfo, heard: float, verdict: Verdict) -> None:
    """A damaged recording may hold another voice, or hardly any: whoever enrolled it should know before."""
    told = media.duration_s if media.duration_s and media.video is None else heard
    if verdict.error_count or heard < told * _LEAST_SHARE:
        why = f": {verdict.first_error}" if verdict.first_error else ""
        raise ConfigurationError(
            f"--enroll {name}: {path} is damaged; {heard:.1f} s of {told:.1f} s could be heard{why}"
        )


def _voices_of(rows: Sequence[Annotation]) -> Iterator[Embedding]:
    return (row for row in rows if isinstance(row, Embedding))
