"""Captions: a sentence about each shot, by a model, an endpoint, or put together from what others found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cortexia.annotators._by_model import answer_facts
from cortexia.annotators._composed import COMPOSED, compose, measures_of
from cortexia.annotators._describing import Describer, Describing
from cortexia.annotators._key_pictures import boxes, pixels, shot_span
from cortexia.annotators.base import SessionContext, StoredPicture
from cortexia.errors import UnknownNameError
from cortexia.models.chat import ChatModel
from cortexia.models.torch import open_captioner
from cortexia.types import Caption

DETAILS = {
    "short": "Describe this picture in one plain sentence. Say only what is to be seen.",
    "long": "Describe this picture in two to four plain sentences. Say only what is to be seen.",
}
_DETAILED_TASK = "detailed_caption"


@dataclass(frozen=True)
class Captions(Describing):
    """A ``Caption`` for each key picture, over the span of its shot; ``frame_index`` is the picture's.

    By a model of the catalogue or of an endpoint: ``confidence`` is the mean probability of the words that it chose,
    or ``None`` where nobody tells. A picture of which a model of the catalogue says nothing has no row; an endpoint
    that says nothing fails the run.

    ``offline``: composed from the boxes of that very frame, the camera of the shot and its light; marked ``composed``
    in the attributes, without a confidence. Where nothing is known there is no row.

    ``prompt``: what an endpoint is asked instead of the usual question. ``detail``: ``short`` or ``long``, for models
    that can. ``max_tokens`` of an answer: a model of the catalogue stops there, an endpoint that does fails the run.
    """

    name: ClassVar[str] = "captions"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("frames", "shots")
    reads: ClassVar[tuple[str, ...]] = ("shot", "detection", "measure")
    provides: ClassVar[tuple[str, ...]] = ("caption",)
    tasks: ClassVar[tuple[str, ...]] = ("captions",)

    prompt: str | None = None
    detail: str = "short"
    max_tokens: int = 128

    def __post_init__(self) -> None:
        Describing.__post_init__(self)
        self.in_range(max_tokens=(1, 4096))
        if self.detail not in DETAILS:
            raise UnknownNameError("value of option 'detail' of annotator 'captions':", self.detail, DETAILS)

    @property
    def needs(self) -> tuple[str, ...]:
        more = ("objects", "motion_summary", "quality_summary") if self.is_offline else ()
        return (*self.requires, *more)

    @property
    def question(self) -> str:
        """What an endpoint is asked."""
        return self.prompt or DETAILS[self.detail]

    def composing(self) -> Describer:
        def describe(picture: StoredPicture) -> Iterator[Caption]:
            text = compose(boxes(picture), measures_of(picture.beside))
            if text:
                yield _caption(picture, text, None, {"model": COMPOSED, "composed": True})

        return describe

    def asking(self, chat: ChatModel, moved: Callable[[], None]) -> Describer:
        def describe(picture: StoredPicture) -> Iterator[Caption]:
            reply = chat.ask(self.question, pixels(picture), self.max_tokens, moved)
            yield _caption(picture, reply.text, reply.confidence, {"model": self.model, **answer_facts(reply)})

        return describe

    def looking(self, context: SessionContext) -> Describer:
        captioner = open_captioner(self.weights(context), self.model)
        task = _DETAILED_TASK if self.detail == "long" and _DETAILED_TASK in captioner.tasks else None

        def describe(picture: StoredPicture) -> Iterator[Caption]:
            made = captioner.describe(pixels(picture), task, self.max_tokens)
            if made.text:
                yield _caption(picture, made.text, made.confidence, {"model": self.model})

        return describe


def _caption(picture: StoredPicture, text: str, confidence: float | None, attributes: Mapping[str, Any]) -> Caption:
    return Caption(
        span=shot_span(picture),
        frame_index=picture.annotation.frame_index,
        text=text,
        confidence=confidence,
        attributes=attributes,
    )
