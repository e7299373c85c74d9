"""Embeddings: vectors that stand for key pictures and for the things in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from cortexia.annotators._by_model import ByModel
from cortexia.annotators._descriptor import NAME, OfflineDescriptor
from cortexia.annotators._encoders import Encoder, open_encoder
from cortexia.annotators._key_pictures import cut_out, pixels, worth_a_look
from cortexia.annotators.base import Emissions, SessionContext, SparseSession, StoredPicture
from cortexia.errors import ConfigurationError
from cortexia.types import Annotation, Detection, Embedding, Picture
from cortexia.types.embedding import packed


@dataclass(frozen=True)
class Embeddings(ByModel):
    """An ``Embedding`` of each key picture (``of="picture"``), and with ``crops`` of each detection of that frame
    (``of="crop"``, with its box, label and confidence), by a model of the catalogue; ``shot_embeddings`` makes those of
    shots from them. Only vectors of the same ``model`` can be compared, by their cosine.

    ``offline``: ``offline-descriptor-1``, colours and edges on a grid (see ``_descriptor``); it knows a place again and
    not what is in it.

    ``min_side``: a crop's shorter side in the picture (pixels). ``max_crops`` of a picture: those with the highest
    confidence.
    """

    name: ClassVar[str] = "embeddings"
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("detection",)
    provides: ClassVar[tuple[str, ...]] = ("embedding",)
    tasks: ClassVar[tuple[str, ...]] = ("picture and text embedding", "picture embedding")

    crops: bool = False
    min_side: int = 32
    max_crops: int = 20

    def __post_init__(self) -> None:
        ByModel.__post_init__(self)
        self.in_range(min_side=(1, 10_000), max_crops=(1, 1000))
        if self.endpoint_model is not None:
            raise ConfigurationError("annotator 'embeddings': a chat endpoint gives no vectors; choose another model")

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.requires, "objects") if self.crops else self.requires

    def session(self, context: SessionContext) -> SparseSession:
        if self.is_offline:
            return EmbeddingsSession(self, OfflineDescriptor(), NAME)
        return EmbeddingsSession(self, open_encoder(self.weights(context), self.model), self.model)


class EmbeddingsSession(SparseSession):
    """All pictures and crops of a call through one encoder."""

    def __init__(self, recipe: Embeddings, encoder: Encoder, model: str) -> None:
        self._recipe = recipe
        self._encoder = encoder
        self._model = model

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        shown: list[Picture] = []
        about: list[tuple[int, Detection | None]] = []
        for place, picture in enumerate(pictures):
            decoded = pixels(picture)
            crops = self._crops(picture)
            shown += [decoded, *(cut_out(decoded, picture, row.box) for row in crops)]
            about += [(place, None), *((place, row) for row in crops)]
        made: list[list[Annotation]] = [[] for _ in pictures]
        for (place, row), vector in zip(about, self._encoder.run(shown), strict=True):
            made[place].append(self._embedding(pictures[place], row, vector))
        return made

    def _crops(self, picture: StoredPicture) -> list[Detection]:
        recipe = self._recipe
        return worth_a_look(picture, recipe.min_side, recipe.max_crops) if recipe.crops else []

    def _embedding(self, picture: StoredPicture, row: Detection | None, vector: NDArray[Any]) -> Annotation:
        return Embedding(
            span=picture.annotation.span,
            frame_index=picture.annotation.frame_index,
            label=row.label if row else None,
            confidence=row.confidence if row else None,
            bbox=row.bbox if row else None,
            of="crop" if row else "picture",
            model=self._model,
            **packed(vector),
        )

    def close(self) -> None:
        self._encoder.close()
