"""Voices that have a name: how they stand in an option, and whose they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.naming import required_name

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnrolledVoice:
    """``vector``: (dimension,), of length 1, made by ``model``."""

    name: str
    model: str
    vector: Reals


def enrolled_text(voices: Sequence[EnrolledVoice]) -> str:
    """The value of the option ``enrolled``: the same text for the same voices, whatever their order."""
    told = {
        voice.name: {
            "model": voice.model,
            "vector": base64.b64encode(voice.vector.astype("<f4").tobytes()).decode("ascii"),
        }
        for voice in voices
    }
    return json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if told else ""


def enrolled_voices(text: str) -> tuple[EnrolledVoice, ...]:
    """What ``enrolled_text`` wrote. Raises ``ConfigurationError`` for anything else."""
    if not text:
        return ()
    try:
        told = json.loads(text)
        return tuple(_voice(name, told[name]) for name in sorted(told))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, ConfigurationError) as error:
        raise ConfigurationError(
            "option 'enrolled' of annotator 'speakers' is no text that --enroll makes: voices by name, each with its"
            f" 'model' and 'vector' ({error})"
        ) from error


def _voice(name: str, told: Mapping[str, str]) -> EnrolledVoice:
    vector = np.frombuffer(base64.b64decode(told["vector"], validate=True), "<f4").astype(np.float64)
    length = float(np.linalg.norm(vector))
    if required_name(name) != name or not abs(length - 1.0) < 1e-3:
        raise ValueError(f"voice {name!r:.80} of length {length:.3f}")
    return EnrolledVoice(name, str(told["model"]), vector)


def names_of(
    means: Reals, model: str, enrolled: Sequence[EnrolledVoice], similarity: float
) -> dict[int, tuple[str, float]]:
    """Of the speakers with these mean vectors, (speakers, dimension), of length 1, those who are enrolled: name and
    cosine. A speaker has the name that is most alike; several may have one, who then were one person.

    Raises ``ConfigurationError`` for voices that another model made.
    """
    for voice in enrolled:
        if voice.model != model or len(voice.vector) != means.shape[1]:
            raise ConfigurationError(
                f"the voice of {voice.name!r} was enrolled by model {voice.model!r}, and these were made by {model!r};"
                " enrol it again"
            )
    if not enrolled:
        return {}
    alike = np.round(np.einsum("sd,vd->sv", means, np.array([voice.vector for voice in enrolled])), 9)
    best = alike.argmax(axis=1)
    return {
        speaker: (enrolled[best[speaker]].name, float(alike[speaker, best[speaker]]))
        for speaker in range(len(means))
        if alike[speaker, best[speaker]] >= similarity
    }
