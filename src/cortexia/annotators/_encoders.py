"""From a model of the catalogue to something that makes vectors of pictures, whatever runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.models.adapters import Runner, open_picture_embedding
from cortexia.models.base import ModelAccess
from cortexia.models.torch import Embedder, open_embedder
from cortexia.types import Picture

Encoder = Runner[Picture, NDArray[np.float32]]
"""Pictures (BGR, uint8, (h, w, 3)) to vectors (dimension,) of length 1."""


@dataclass(frozen=True)
class EmbedderRunner:
    """An ``Embedder``, run as the small networks are."""

    embedder: Embedder

    def run(self, items: Sequence[Picture]) -> list[NDArray[np.float32]]:
        return list(self.embedder.pictures(items))

    def begin(self, items: Sequence[Picture]) -> Iterator[NDArray[np.float32]]:
        return iter(self.run(items))

    def close(self) -> None:
        """Nothing to give back: the model stays where it was lent from."""


def open_encoder(models: ModelAccess, model_id: str) -> Encoder:
    """Raises ``UnknownNameError`` for a model that makes no vectors of pictures, and what opening it raises."""
    if models.entry(model_id).is_folder:
        return EmbedderRunner(open_embedder(models, model_id))
    return open_picture_embedding(models, model_id)
