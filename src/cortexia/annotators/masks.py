"""Masks: which pixels of a picture belong to each thing that was found in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, cast

from cortexia import outlines, rle
from cortexia.annotators._by_model import AUTO, FULL, OFFLINE
from cortexia.annotators._in_frame import detections_in
from cortexia.annotators._offline_masks import Boxed, ColourSegmenter, Segment
from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators._segmenters import BOTH, BOXES, POINTS, open_segmenter
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.types import Annotation, AudioBlock, Detection, Frame, Mask, Sampling, ViewSpec

TASKS = ("masks prompted", "semantic segmentation")
"""Tasks of models that help, the better one first."""
_TOLERANCE_PX = 1.0


class Segmenter(Protocol):
    """Tells the pixels of things apart from the rest. What it says of one never depends on the others."""

    def segment(self, asked: Sequence[Boxed]) -> list[list[Segment]]:
        """For each picture one for each of its boxes; its bitmap is empty where nothing of the kind is there."""

    def close(self) -> None:
        """Give back threads and weights."""


@dataclass(frozen=True)
class Masks(StreamAnnotator):
    """A ``Mask`` for each detection in the pictures looked at, with its box and its label.

    ``model``: id of a model in the catalogue, which is shown each box or tells classes of pixels; ``auto`` takes the
    best whose weights are here when the job is made, else ``offline``, which goes by colours; see ``ColourSegmenter``.
    ``per_second``: pictures looked at; those in which ``objects`` looked, too, have masks. ``labels``: only these,
    comma-joined. ``max_per_frame``: those with the highest confidence. ``polygons``: outlines, too, whose corners may
    be a pixel off and which know no holes. ``prompts``: what a model that is shown things is shown of each: its box
    (``boxes``), the middle of it (``points``), or ``both``.
    The confidence is the model's own, of the mask and not of the label; without one, there is none. What turns out
    empty is left out.
    """

    name: ClassVar[str] = "masks"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("objects",)
    provides: ClassVar[tuple[str, ...]] = ("mask",)
    cost: ClassVar[float] = 0.01
    batch_size: ClassVar[int] = 4

    model: str = AUTO
    per_second: float = 1.0
    labels: str | None = None
    max_per_frame: int = 10
    polygons: bool = True
    prompts: str = BOXES

    def __post_init__(self) -> None:
        require_ranges(self, {"per_second": (0.001, 1000.0), "max_per_frame": (1, 1000)})
        require_labels(self.name, self.labels)
        if self.prompts not in (BOXES, POINTS, BOTH):
            raise UnknownNameError(
                "value of option 'prompts' of annotator 'masks':", self.prompts, (BOXES, POINTS, BOTH)
            )

    @property
    def wanted(self) -> frozenset[str] | None:
        """The labels asked for; ``None`` for all."""
        return labels_in(self.labels)

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model in (AUTO, OFFLINE) else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        if self.model != AUTO:
            return self
        found = (model for task in TASKS if (model := best_model(task)) is not None)
        return dataclasses.replace(self, model=next(found, OFFLINE))

    @property
    def sampling(self) -> Sampling:
        return Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (FULL,)

    def session(self, context: SessionContext) -> StreamSession:
        if self.model == OFFLINE and self.prompts != BOXES:
            raise ConfigurationError(
                f"annotator 'masks': {OFFLINE!r} takes no {POINTS}; choose a model that is shown them"
            )
        if self.model == OFFLINE:
            return MasksSession(self, ColourSegmenter())
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator 'masks': nobody said which weights model {self.model!r} stands for")
        return MasksSession(self, open_segmenter(context.models, self.model, self.prompts))


class MasksSession(StreamSession):
    """Some pictures at a time. Keeps nothing between them."""

    def __init__(self, recipe: Masks, segmenter: Segmenter) -> None:
        self._recipe = recipe
        self._segmenter = segmenter

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        frames = cast(Sequence[Frame], inputs)
        recipe = self._recipe
        found = [
            detections_in(frame, said, recipe.wanted)[: recipe.max_per_frame]
            for frame, said in zip(frames, upstream, strict=True)
        ]
        asked = [
            Boxed(frame.view(FULL), [item.box for item in items], [item.label or "" for item in items])
            for frame, items in zip(frames, found, strict=True)
            if items
        ]
        answers = iter(self._segmenter.segment(asked))
        return [self._masks(items, next(answers)) if items else [] for items in found]

    def _masks(self, found: Sequence[Detection], segments: Sequence[Segment]) -> list[Annotation]:
        made = (self._mask(item, segment) for item, segment in zip(found, segments, strict=True))
        return [mask for mask in made if mask is not None]

    def _mask(self, found: Detection, segment: Segment) -> Mask | None:
        area = int(segment.bitmap.sum())
        if not area:
            return None
        return Mask(
            span=found.span,
            label=found.label,
            confidence=segment.confidence,
            frame_index=found.frame_index,
            bbox=found.bbox,
            segmentation=rle.encode(segment.bitmap),
            area=area,
            polygons=outlines.polygons_of(segment.bitmap, _TOLERANCE_PX) if self._recipe.polygons else [],
            attributes={"model": "grabcut" if self._recipe.model == OFFLINE else self._recipe.model},
        )

    def close(self) -> None:
        self._segmenter.close()
