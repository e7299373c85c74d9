"""Captions: a sentence about each shot, by a model, an endpoint, or put together from what others found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cortexia.annotators._by_model import ByModel, answer_facts
from cortexia.annotators._composed import COMPOSED, compose, measures_of
from cortexia.annotators._key_pictures import boxes, pixels, shot_span
from cortexia.annotators.base import Emissions, SessionContext, SparseSession, StoredPicture
from cortexia.errors import UnknownNameError
from cortexia.models.chat import ChatModel
from cortexia.models.torch import Captioner, open_captioner
from cortexia.types import Annotation, Caption

DETAILS = {
    "short": "Describe this picture in one plain sentence. Say only what is to be seen.",
    "long": "Describe this picture in two to four plain sentences. Say only what is to be seen.",
}
_DETAILED_TASK = "detailed_caption"


@dataclass(frozen=True)
class Captions(ByModel):
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
        ByModel.__post_init__(self)
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

    def session(self, context: SessionContext) -> SparseSession:
        if self.is_offline:
            return CaptionsSession(composed)
        if self.endpoint_model is not None:
            chat = self.chat(context)
            return CaptionsSession(self._asking(chat, context.moved))
        return CaptionsSession(self._describing(open_captioner(self.weights(context), self.model)))

    def _asking(self, chat: ChatModel, moved: Callable[[], None]) -> Teller:
        def tell(picture: StoredPicture) -> Said | None:
            reply = chat.ask(self.question, pixels(picture), self.max_tokens, moved)
            return Said(reply.text, reply.confidence, {"model": self.model, **answer_facts(reply)})

        return tell

    def _describing(self, captioner: Captioner) -> Teller:
        task = _DETAILED_TASK if self.detail == "long" and _DETAILED_TASK in captioner.tasks else None

        def tell(picture: StoredPicture) -> Said | None:
            made = captioner.describe(pixels(picture), task, self.max_tokens)
            return Said(made.text, made.confidence, {"model": self.model}) if made.text else None

        return tell


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one picture."""

    text: str
    confidence: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


Teller = Callable[[StoredPicture], Said | None]


def composed(picture: StoredPicture) -> Said | None:
    text = compose(boxes(picture), measures_of(picture.beside))
    return Said(text, None, {"model": COMPOSED, "composed": True}) if text else None


class CaptionsSession(SparseSession):
    """One picture after the other."""

    def __init__(self, tell: Teller) -> None:
        self._tell = tell

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        return [self._caption(picture) for picture in pictures]

    def _caption(self, picture: StoredPicture) -> list[Annotation]:
        said = self._tell(picture)
        if said is None:
            return []
        return [
            Caption(
                span=shot_span(picture),
                frame_index=picture.annotation.frame_index,
                text=said.text,
                confidence=said.confidence,
                attributes=said.attributes,
            )
        ]
