"""Networks that tell the pixels of things apart, in the form that ``masks`` asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cortexia.annotators._offline_masks import Boxed, Segment
from cortexia.errors import ConfigurationError
from cortexia.models.adapters import Runner, openers
from cortexia.models.adapters.deeplab import ClassMap
from cortexia.models.base import ModelAccess
from cortexia.models.torch import Masker, open_masker
from cortexia.types import Picture

BOXES, POINTS, BOTH = "boxes", "points", "both"
"""What a network is shown of each thing."""


class ClassSegmenter:
    """The pixels of a box whose class is that of its label. Two of a class that overlap share pixels; a label that the
    network does not know has none."""

    def __init__(self, runner: Runner[Picture, ClassMap]) -> None:
        self._runner = runner

    def segment(self, asked: Sequence[Boxed]) -> list[list[Segment]]:
        classes = self._runner.run([one.picture for one in asked])
        return [_of_classes(one, found) for one, found in zip(asked, classes, strict=True)]

    def close(self) -> None:
        self._runner.close()


class PromptedSegmenter:
    """A network that is shown each box, the point in its middle, or both (``prompts``). Its confidence is how well it
    expects the mask to fit."""

    def __init__(self, masker: Masker, prompts: str = BOXES) -> None:
        self._masker = masker
        self._prompts = prompts

    def segment(self, asked: Sequence[Boxed]) -> list[list[Segment]]:
        return [self._one(one) for one in asked]

    def _one(self, asked: Boxed) -> list[Segment]:
        corners = np.array([box.corners for box in asked.boxes], np.float32)
        middles = (corners[:, None, :2] + corners[:, None, 2:]) / 2
        shown = None if self._prompts == POINTS else corners, None if self._prompts == BOXES else middles
        found = self._masker.segment(asked.picture, *shown)
        pairs = zip(found.masks, found.scores.tolist(), strict=True)
        return [Segment(bitmap, min(1.0, max(0.0, score))) for bitmap, score in pairs]

    def close(self) -> None:
        """Weights are the manager's."""


def open_segmenter(models: ModelAccess, model_id: str, prompts: str) -> ClassSegmenter | PromptedSegmenter:
    """Raises ``UnknownNameError`` for a model of another task, ``ConfigurationError`` for points to a model that takes
    none, and what opening it raises."""
    if models.entry(model_id).is_folder:
        return PromptedSegmenter(open_masker(models, model_id), prompts)
    if prompts != BOXES:
        raise ConfigurationError(f"annotator 'masks': model {model_id!r} takes no {POINTS}; leave out option 'prompts'")
    return ClassSegmenter(openers.open_segmenter(models, model_id))


def _of_classes(asked: Boxed, classes: ClassMap) -> list[Segment]:
    nothing = np.zeros(asked.picture.shape[:2], bool)
    found = (
        classes.mask(label, np.array(box.corners, np.float32))
        for box, label in zip(asked.boxes, asked.labels, strict=True)
    )
    return [Segment(nothing if bitmap is None else bitmap, None) for bitmap in found]
