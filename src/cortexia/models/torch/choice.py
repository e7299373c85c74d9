"""From an entry of the catalogue to a model on torch that works."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import UnknownNameError
from cortexia.models.base import DetectionBatch, Lent, ModelAccess
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import (
    MAX_TOKENS,
    Caption,
    Captioner,
    Embedder,
    Grounder,
    GroundingLimits,
    MaskBatch,
    Masker,
    SoundTagger,
    Vectors,
    VoiceEmbedder,
)
from cortexia.models.torch.runtime import opening
from cortexia.types import Picture

GROUNDERS = {"grounding-dino": "grounding_dino:GroundingDino"}
MASKERS = {"sam": "sam:Sam", "sam2": "sam2:Sam2"}
CAPTIONERS = {"blip": "blip:Blip", "florence-2": "florence:Florence"}
EMBEDDERS = {"clip": "clip:Clip", "siglip": "siglip:Siglip"}
SOUND_TAGGERS = {"ast": "audio_spectrogram:AudioSpectrogram"}
VOICE_EMBEDDERS = {"wavlm-xvector": "xvector:WavlmXVector"}
FAMILIES = {**GROUNDERS, **MASKERS, **CAPTIONERS, **EMBEDDERS, **SOUND_TAGGERS, **VOICE_EMBEDDERS}
"""Where the class of each adapter is."""
TORCH_PACKAGES = ("torch", "transformers")
"""What has to be installed to run any of them."""


def load_family(content: FolderContent, device: str = "auto") -> Any:
    """The object of a family, with the weights of ``content`` on ``device`` (``auto``, ``cpu`` or ``cuda:N``).

    Raises ``UnknownNameError`` for an adapter that is no family's, ``MissingDependencyError`` without the extra,
    ``ConfigurationError`` for a device that is not there, and ``ModelError``.
    """
    entry = content.entry
    if entry.adapter not in FAMILIES:
        raise UnknownNameError(f"torch family (of model {entry.id!r})", entry.adapter, FAMILIES)
    module, name = FAMILIES[entry.adapter].split(":")
    family = getattr(importlib.import_module(f"cortexia.models.torch.{module}"), name)
    with opening(entry.id):
        return family(content, device)


def open_grounder(models: ModelAccess, model_id: str) -> Grounder:
    """Raises ``UnknownNameError`` for a model of another task, and whatever ``ModelAccess.lend`` raises."""
    return _LentGrounder(_lend(models, model_id, "open-vocabulary detection", GROUNDERS))


def open_masker(models: ModelAccess, model_id: str) -> Masker:
    """Raises as ``open_grounder`` does."""
    return _LentMasker(_lend(models, model_id, "masks", MASKERS))


def open_captioner(models: ModelAccess, model_id: str) -> Captioner:
    """Raises as ``open_grounder`` does."""
    lent = _lend(models, model_id, "captions", CAPTIONERS)
    return _LentCaptioner(lent, lent.use(lambda model: model.tasks))


def open_embedder(models: ModelAccess, model_id: str) -> Embedder:
    """Raises as ``open_grounder`` does."""
    lent = _lend(models, model_id, "embeddings", EMBEDDERS)
    return _LentEmbedder(lent, lent.use(lambda model: model.dimension))


def open_audio_tagger(models: ModelAccess, model_id: str) -> SoundTagger:
    """Raises as ``open_grounder`` does."""
    lent = _lend(models, model_id, "sound events", SOUND_TAGGERS)
    return _LentSoundTagger(lent, lent.use(lambda model: model.classes))


def open_voice_embedder(models: ModelAccess, model_id: str) -> VoiceEmbedder:
    """Raises as ``open_grounder`` does."""
    lent = _lend(models, model_id, "voice embedding", VOICE_EMBEDDERS)
    return _LentVoiceEmbedder(lent, *lent.use(lambda model: (model.dimension, model.shortest)))


def _lend(models: ModelAccess, model_id: str, task: str, families: dict[str, str]) -> Lent:
    adapter = models.entry(model_id).adapter
    if adapter not in families:
        raise UnknownNameError(f"family for {task} (of model {model_id!r})", adapter, families)
    return models.lend(model_id)


@dataclass(frozen=True)
class _LentGrounder:
    lent: Lent

    def detect(
        self,
        picture: Picture,
        prompts: Sequence[str],
        limits: GroundingLimits = GroundingLimits(),  # noqa: B008
    ) -> DetectionBatch:
        return self.lent.use(lambda model: cast(Grounder, model).detect(picture, prompts, limits))


@dataclass(frozen=True)
class _LentMasker:
    lent: Lent

    def segment(
        self, picture: Picture, boxes: NDArray[Any] | None = None, points: NDArray[Any] | None = None
    ) -> MaskBatch:
        return self.lent.use(lambda model: cast(Masker, model).segment(picture, boxes, points))


@dataclass(frozen=True)
class _LentCaptioner:
    lent: Lent
    tasks: tuple[str, ...]

    def describe(self, picture: Picture, task: str | None = None, max_tokens: int = MAX_TOKENS) -> Caption:
        return self.lent.use(lambda model: cast(Captioner, model).describe(picture, task, max_tokens))


@dataclass(frozen=True)
class _LentEmbedder:
    lent: Lent
    dimension: int

    def pictures(self, pictures: Sequence[Picture]) -> Vectors:
        return self._stacked(self.lent.map(lambda model, some: list(model.pictures(some)), pictures))

    def texts(self, texts: Sequence[str]) -> Vectors:
        return self._stacked(self.lent.map(lambda model, some: list(model.texts(some)), texts))

    def scores(self, picture: Picture, labels: Vectors) -> NDArray[np.float32]:
        return self.lent.use(lambda model: cast(Embedder, model).scores(picture, labels))

    def _stacked(self, rows: Sequence[Vectors]) -> Vectors:
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)


@dataclass(frozen=True)
class _LentSoundTagger:
    lent: Lent
    classes: tuple[str, ...]

    def tag(self, samples: NDArray[np.float32]) -> Vectors:
        return self.lent.use(lambda model: cast(SoundTagger, model).tag(samples))


@dataclass(frozen=True)
class _LentVoiceEmbedder:
    lent: Lent
    dimension: int
    shortest: int

    def voices(self, stretches: Sequence[NDArray[np.float32]]) -> Vectors:
        rows = self.lent.map(lambda model, some: list(model.voices(some)), stretches)
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)
