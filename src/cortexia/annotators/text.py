"""Text in the picture: where it is and what it says, in each key picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._key_pictures import in_display, pixels
from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import Emissions, SessionContext, SparseAnnotator, SparseSession, StoredPicture
from cortexia.errors import ConfigurationError
from cortexia.models.adapters import PicturePart, Runner, open_text_detector, open_text_reader
from cortexia.models.adapters.crnn import ReadText
from cortexia.models.adapters.ppocr import TextBatch
from cortexia.types import Annotation, Picture, ScreenText


@dataclass(frozen=True)
class Text(SparseAnnotator):
    """A ``ScreenText`` for each text of each key picture that could be read: box, corners, text, and the mean share of
    its characters as confidence; ``score`` of the place in the attributes. In order of that score.

    There is no way to read without weights: where they are missing the run fails with the line that brings them.

    ``detector``, ``reader``: ids in the catalogue of the models that find text and that read it. ``threshold``: the
    score of a place exceeds it. ``min_confidence``: that of a text is at least this. ``longest``: pictures with a
    longer side are shrunk to it before text is searched (pixels).
    """

    name: ClassVar[str] = "text"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("screen_text",)

    detector: str = "ppocr-text-detection"
    reader: str = "crnn-en-fp16"
    threshold: float = 0.5
    min_confidence: float = 0.5
    longest: int = 736

    def __post_init__(self) -> None:
        require_ranges(self, {"threshold": (0, 1), "min_confidence": (0, 1), "longest": (32, 8192)})

    @property
    def model_ids(self) -> tuple[str, ...]:
        return (self.detector, self.reader)

    def session(self, context: SessionContext) -> SparseSession:
        if context.models is None:
            raise ConfigurationError("annotator 'text': no access to models was given")
        with ExitStack() as opened:
            finder = open_text_detector(context.models, self.detector, self.threshold, self.longest)
            opened.callback(finder.close)
            reader = open_text_reader(context.models, self.reader)
            opened.pop_all()
        return TextSession(self, finder, reader)


class TextSession(SparseSession):
    """Places of all pictures first, then what they say."""

    def __init__(self, recipe: Text, finder: Runner[Picture, TextBatch], reader: Runner[PicturePart, ReadText]) -> None:
        self._recipe = recipe
        self._finder = finder
        self._reader = reader

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        decoded = [pixels(picture) for picture in pictures]
        return [self._read(*item) for item in zip(pictures, decoded, self._finder.run(decoded), strict=True)]

    def _read(self, picture: StoredPicture, decoded: Picture, places: TextBatch) -> list[Annotation]:
        texts = self._reader.run([PicturePart(decoded, corners) for corners in places.corners])
        found = zip(places.corners, places.scores.tolist(), texts, strict=True)
        return [
            self._row(picture, corners, score, text)
            for corners, score, text in found
            if text.text and text.confidence >= self._recipe.min_confidence
        ]

    def _row(self, picture: StoredPicture, corners: NDArray[np.float32], score: float, text: ReadText) -> Annotation:
        across, down = picture.scale
        box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        return ScreenText(
            span=picture.annotation.span,
            frame_index=picture.annotation.frame_index,
            bbox=in_display(picture, box),
            confidence=text.confidence,
            text=text.text,
            corners=[(x / across, y / down) for x, y in corners.tolist()],
            attributes={"model": self._recipe.reader, "detector": self._recipe.detector, "score": score},
        )

    def close(self) -> None:
        self._finder.close()
        self._reader.close()
