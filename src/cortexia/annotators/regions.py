"""Region descriptions: what parts of each key picture show, in words with boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from cortexia.annotators._by_model import answer_facts
from cortexia.annotators._composed import COMPOSED, describe_box
from cortexia.annotators._describing import Describer, Describing
from cortexia.annotators._key_pictures import cut_out, in_display, pixels, worth_a_look
from cortexia.annotators.base import SessionContext, StoredPicture
from cortexia.errors import ConfigurationError
from cortexia.models.chat import ChatModel
from cortexia.models.torch import Captioner, open_captioner
from cortexia.types import Annotation, Caption, Detection

QUESTION = "This is a part of a larger picture. Describe what it shows in one short plain sentence."
_REGIONS_TASK = "regions"
_MARGIN = 0.1


@dataclass(frozen=True)
class Regions(Describing):
    """``Caption`` rows with a box, for parts of each key picture; span and ``frame_index`` are the picture's.

    By a model of the catalogue: the regions that it finds itself; its confidence in the whole answer goes to the
    attributes as ``answer_confidence``. By an endpoint: a sentence about each detection of that frame, cut out with a
    tenth of its sides more on each side; ``confidence`` as in ``captions``, ``label`` as detected. ``offline``: label,
    size and place of each detection as a sentence, ``composed``, without a confidence.

    ``min_side``: a detection's shorter side in the picture (pixels). ``max_per_picture``: those with the highest
    confidence. ``prompt``: what an endpoint is asked instead of the usual question. ``max_tokens`` of an answer.
    """

    name: ClassVar[str] = "regions"
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("detection",)
    provides: ClassVar[tuple[str, ...]] = ("caption",)
    tasks: ClassVar[tuple[str, ...]] = ("captions, objects and region descriptions",)

    prompt: str | None = None
    max_tokens: int = 512
    min_side: int = 32
    max_per_picture: int = 8

    def __post_init__(self) -> None:
        Describing.__post_init__(self)
        self.in_range(max_tokens=(1, 4096), min_side=(1, 10_000), max_per_picture=(1, 100))

    @property
    def needs(self) -> tuple[str, ...]:
        return self.requires if self.model_ids else (*self.requires, "objects")

    def _worth(self, picture: StoredPicture) -> list[Detection]:
        return worth_a_look(picture, self.min_side, self.max_per_picture)

    def composing(self) -> Describer:
        def describe(picture: StoredPicture) -> Iterator[Annotation]:
            for row in self._worth(picture):
                text = describe_box(row.label or "thing", row.box, picture.annotation.display)
                yield _region(picture, row, text, attributes={"model": COMPOSED, "composed": True})

        return describe

    def asking(self, chat: ChatModel, moved: Callable[[], None]) -> Describer:
        def describe(picture: StoredPicture) -> Iterator[Annotation]:
            rows = self._worth(picture)
            if not rows:
                return
            decoded = pixels(picture)
            for row in rows:
                part = cut_out(decoded, picture, row.box, _MARGIN)
                reply = chat.ask(self.prompt or QUESTION, part, self.max_tokens, moved)
                facts = {"model": self.model, **answer_facts(reply)}
                yield _region(picture, row, reply.text, reply.confidence, facts)

        return describe

    def looking(self, context: SessionContext) -> Describer:
        captioner = open_captioner(self.weights(context), self.model)
        if _REGIONS_TASK not in captioner.tasks:
            raise ConfigurationError(f"annotator 'regions': model {self.model!r} gives no boxes; choose another")
        return self.finding(captioner)

    def finding(self, captioner: Captioner) -> Describer:
        """The regions of a model that can be asked for them."""

        def describe(picture: StoredPicture) -> Iterator[Annotation]:
            made = captioner.describe(pixels(picture), _REGIONS_TASK, self.max_tokens)
            sure = {} if made.confidence is None else {"answer_confidence": made.confidence}
            for region in made.regions[: self.max_per_picture]:
                box = in_display(picture, region.box)
                if box.width and box.height and region.text:
                    yield Caption(
                        span=picture.annotation.span,
                        frame_index=picture.annotation.frame_index,
                        text=region.text,
                        bbox=box,
                        attributes={"model": self.model, **sure},
                    )

        return describe


def _region(
    picture: StoredPicture,
    row: Detection,
    text: str,
    confidence: float | None = None,
    attributes: dict[str, object] | None = None,
) -> Caption:
    return Caption(
        span=picture.annotation.span,
        frame_index=picture.annotation.frame_index,
        label=row.label,
        text=text,
        bbox=row.box,
        confidence=confidence,
        attributes=attributes or {},
    )
