"""From stretches of speech to what stands for their voices, whatever makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._voice_statistics import NAME, VoiceStatistics
from cortexia.models.adapters.openers import open_voice_embedding
from cortexia.models.adapters.wespeaker import SHORTEST
from cortexia.models.base import ModelAccess
from cortexia.models.torch import open_voice_embedder

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voice:
    """``vector``: whatever its length. ``facts``: for the attributes of its row."""

    vector: NDArray[np.floating[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


class VoiceMaker(Protocol):
    """``model``: named in rows; only voices of one model can be compared. ``step``, ``window``: samples at 16 kHz for
    which a voice stands, and from which it is made."""

    model: str
    step: int
    window: int

    def voices(self, stretches: Sequence[Samples]) -> list[Voice | None]:
        """``None`` for a stretch that says nothing of a voice, or is too short to."""

    def close(self) -> None: ...


class OfflineVoices:
    """Statistics of the spectra, without weights. Half a second says enough, as many of these are put together."""

    model = NAME
    step = window = 8000

    def voices(self, stretches: Sequence[Samples]) -> list[Voice | None]:
        return [self._voice(VoiceStatistics.of(samples)) for samples in stretches]

    def _voice(self, told: VoiceStatistics | None) -> Voice | None:
        if told is None:
            return None
        return Voice(told.vector(), {"frames": int(told.count), "moments": told.packed()})

    def close(self) -> None:
        """Nothing to give back."""


class ModelVoices:
    """Vectors of a network, each of them made by itself, of at least ``shortest`` samples."""

    step, window = 12_000, 24_000

    def __init__(
        self,
        model: str,
        encode: Callable[[Sequence[Samples]], Sequence[Samples]],
        shortest: int,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self._encode = encode
        self._shortest = shortest
        self.close = close

    def voices(self, stretches: Sequence[Samples]) -> list[Voice | None]:
        able = [place for place, samples in enumerate(stretches) if len(samples) >= self._shortest and samples.any()]
        made: list[Voice | None] = [None] * len(stretches)
        for place, vector in zip(able, self._encode([stretches[place] for place in able]), strict=True):
            # a network may come to nothing, or to no numbers
            made[place] = Voice(vector) if vector.any() and np.isfinite(vector).all() else None
        return made


def open_voices(models: ModelAccess, model_id: str) -> VoiceMaker:
    """Raises ``UnknownNameError`` for a model that makes no vectors of voices, and what opening it raises."""
    if models.entry(model_id).is_folder:
        embedder = open_voice_embedder(models, model_id)
        return ModelVoices(model_id, lambda stretches: list(embedder.voices(stretches)), embedder.shortest)
    runner = open_voice_embedding(models, model_id)
    return ModelVoices(model_id, runner.run, SHORTEST, runner.close)
