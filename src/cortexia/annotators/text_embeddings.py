"""Text embeddings: vectors of what was said about pictures, to be compared with those of pictures and of questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self, cast

from cortexia.annotators._by_model import AUTO
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.errors import ConfigurationError
from cortexia.models.torch import open_embedder
from cortexia.types import Annotation, Caption, Embedding
from cortexia.types.embedding import Vector, packed

TASK = "picture and text embedding"
USUAL = "siglip2-base-patch16-224"
"""Named where no model is here, so that the error says what to pull: colours and edges know no words."""
_AT_ONCE = 64


@dataclass(frozen=True)
class TextEmbeddings(Solver):
    """An ``Embedding`` (``of="text"``) of each caption, with its span, frame and box.

    ``model``: id of a model in the catalogue that makes vectors of pictures and of texts; ``auto`` takes the best whose
    weights are here when the job is made. With the same model, ``embeddings`` of pictures can be compared with these.
    Equal texts are asked about once.
    """

    name: ClassVar[str] = "text_embeddings"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("captions",)
    provides: ClassVar[tuple[str, ...]] = ("embedding",)

    model: str = AUTO

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model == AUTO else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        return dataclasses.replace(self, model=best_model(TASK) or USUAL) if self.model == AUTO else self

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterator[Annotation]:
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator 'text_embeddings': nobody said what model {self.model!r} stands for")
        embedder = open_embedder(context.models, self.model)
        known: dict[str, Vector] = {}
        rows = iter(cast(Iterable[Caption], stored.of("caption")))
        while captions := list(islice(rows, _AT_ONCE)):
            new = list(dict.fromkeys(row.text for row in captions if row.text not in known))
            known |= dict(zip(new, embedder.texts(new), strict=True))
            context.moved()
            yield from (self._embedding(row, known[row.text]) for row in captions)

    def _embedding(self, row: Caption, vector: Vector) -> Embedding:
        return Embedding(
            span=row.span,
            frame_index=row.frame_index,
            bbox=row.bbox,
            model=self.model,
            of="text",
            **packed(vector),
        )
