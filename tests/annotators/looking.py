"""Runs sparse sessions as the engine does: stored pictures with what was said beside them, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators.base import SessionContext, SparseAnnotator, StoredPicture
from cortexia.engine.beside import Beside
from cortexia.types import Annotation, BBox, Detection, KeyPicture, Shot, TimeSpan, Timestamp

Said = list[tuple[int, Annotation]]
"""Annotations with the place of the picture for which they were made."""


def in_order(rows: Iterable[Annotation]) -> list[Annotation]:
    """As a store gives them."""
    return sorted(rows, key=lambda row: (row.span.start, row.type))


def stored_pictures(
    recipe: SparseAnnotator, key_pictures: Iterable[KeyPicture], blobs: dict[str, bytes], rows: Iterable[Annotation]
) -> list[StoredPicture]:
    """What ``recipe`` gets for ``key_pictures`` where ``rows`` are what those it needs said."""
    beside = Beside(in_order(row for row in rows if row.type in recipe.reads))
    made = [StoredPicture(row, blobs[row.picture]) for row in key_pictures]
    return [replace(picture, beside=beside.at(picture.annotation.span.start)) for picture in made]


def box_at(picture: KeyPicture, label: str, box: tuple[float, float, float, float], confidence: float) -> Detection:
    """A detection in the frame of a key picture; ``box``: in shares of its display."""
    width, height = picture.display
    x1, y1, x2, y2 = (share * side for share, side in zip(box, (width, height) * 2, strict=True))
    return Detection(
        span=picture.span,
        label=label,
        confidence=confidence,
        frame_index=picture.frame_index,
        bbox=BBox(x1, y1, x2, y2),
        attributes={"model": "by-hand"},
    )


@dataclass
class Look:
    """One recipe over some pictures."""

    recipe: SparseAnnotator
    context: SessionContext
    pictures: Sequence[StoredPicture]

    def run(self, batch: int = 1, stops: Sequence[int] = ()) -> Said:
        """``stops``: after so many pictures the session ends, and a new one goes on."""
        said: Said = []
        borders = [0, *stops, len(self.pictures)]
        for first, last in pairwise(borders):
            session = self.recipe.session(self.context)
            for start in range(first, last, batch):
                part = self.pictures[start : min(start + batch, last)]
                for place, emission in enumerate(session.annotate(part), start):
                    said += [(place, made) for made in emission]
            session.close()
        return said


def picture_of(bgr: NDArray[np.uint8], index: int = 0, shrink: int = 1) -> StoredPicture:
    """A stored picture, one a second, from a frame that is ``shrink`` times as large; without loss, so that tests know
    its pixels."""
    height, width = bgr.shape[:2]
    start, base = index * 25, Fraction(1, 25)
    row = KeyPicture(
        span=TimeSpan(Timestamp(start, base), Timestamp(start + 1, base)),
        frame_index=start,
        picture=f"{index:064x}",
        thumbnail=f"{index:064x}",
        width=width,
        height=height,
        quality=1.0,
        is_representative=True,
        display_width=width * shrink if shrink > 1 else None,
        display_height=height * shrink if shrink > 1 else None,
    )
    return StoredPicture(row, cv2.imencode(".png", bgr)[1].tobytes())


def with_beside(picture: StoredPicture, *rows: Annotation) -> StoredPicture:
    return replace(picture, beside=rows)


def shot_around(picture: StoredPicture) -> Shot:
    """A second before and after."""
    index = picture.annotation.frame_index or 0
    base = picture.annotation.span.start.time_base
    first = max(0, index - 25)
    return Shot(
        span=TimeSpan(Timestamp(first, base), Timestamp(index + 25, base)), first_frame=first, last_frame=index + 24
    )
