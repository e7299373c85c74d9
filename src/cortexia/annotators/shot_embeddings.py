"""One vector for each shot, from those of its key pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.annotators.shot_summary import Alongside
from cortexia.types import Annotation, Embedding, Shot
from cortexia.types.embedding import packed

_NO_DIRECTION = 1e-6


@dataclass(frozen=True)
class ShotEmbeddings(Solver):
    """An ``Embedding`` (``of="shot"``) of each shot: the mean of its pictures' vectors, brought to the length 1.

    Attribute ``pictures``: how many. A shot without a picture has none, and neither has one whose vectors cancel out.
    """

    name: ClassVar[str] = "shot_embeddings"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("shots", "embeddings")
    provides: ClassVar[tuple[str, ...]] = ("embedding",)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        rows = cast(Iterable[Embedding], stored.of("embedding"))
        pictures = Alongside(row for row in rows if row.of == "picture")
        for shot in cast(Iterable[Shot], stored.of("shot")):
            inside = range(shot.first_frame, shot.last_frame + 1)
            own = [row for row in pictures.within(shot) if row.frame_index in inside]
            if own:
                yield from _mean(shot, own)


def _mean(shot: Shot, pictures: Sequence[Embedding]) -> Iterator[Embedding]:
    mean = np.stack([row.values() for row in pictures]).astype(np.float64).mean(axis=0)
    if np.linalg.norm(mean) > _NO_DIRECTION:
        yield Embedding(
            span=shot.span,
            frame_index=shot.first_frame,
            of="shot",
            model=pictures[0].model,
            attributes={"pictures": len(pictures)},
            **packed(mean),
        )
