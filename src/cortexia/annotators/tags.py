"""Tags: labels of each shot as a whole, chosen by a model, told by an endpoint, or those of the objects found."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cortexia.annotators._by_model import ByModel, answer_facts
from cortexia.annotators._composed import COMPOSED
from cortexia.annotators._key_pictures import boxes, pixels, shot_span
from cortexia.annotators._tag_words import TAG_WORDS
from cortexia.annotators.base import Emissions, SessionContext, SparseSession, StoredPicture
from cortexia.errors import ConfigurationError, InferenceError
from cortexia.models.chat import ChatModel
from cortexia.models.torch import Embedder, open_embedder
from cortexia.types import Annotation, Classification
from cortexia.types.annotation import LABEL_LIMIT

_TEMPLATE = "a photo of {}"
_ANSWER_TOKENS = 256
_OPEN = (
    "Name the place, the activity and the things that this picture shows as a JSON list of at most {count} short"
    " English tags in lower case, the most certain first. Answer with the JSON list alone."
)
_CLOSED = (
    "Which of these labels fit this picture? {labels}. Answer with a JSON list of at most {count} of them, the most"
    " certain first, and nothing else; with an empty list if none fits."
)


@dataclass(frozen=True)
class Tags(ByModel):
    """``Classification`` rows for each key picture, over the span of its shot, the most certain first.

    A model of the catalogue that compares pictures with texts gives each of ``labels`` (comma-joined; by default about
    a hundred words for places and activities) a score, which is the confidence. An endpoint is asked for a JSON list:
    any short words, or some of ``labels`` where they are given (others that it names are left out); the probability of
    its words goes to the attributes as ``answer_confidence``, for no tag has one of its own.

    ``offline``: the labels of the objects found in that very frame, with their highest confidence; ``composed``, with
    their ``count``. Nothing is guessed about places.

    ``threshold``: confidences that are known exceed it. ``max_tags`` of a picture.
    """

    name: ClassVar[str] = "tags"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("frames", "shots")
    reads: ClassVar[tuple[str, ...]] = ("shot", "detection")
    provides: ClassVar[tuple[str, ...]] = ("classification",)
    tasks: ClassVar[tuple[str, ...]] = ("picture and text embedding",)

    labels: str | None = None
    threshold: float = 0.1
    max_tags: int = 5

    def __post_init__(self) -> None:
        ByModel.__post_init__(self)
        self.in_range(threshold=(0.0, 1.0), max_tags=(1, 100))
        if self.labels is not None and not self.wanted:
            raise ConfigurationError("option 'labels' of annotator 'tags' names no label")
        for label in self.wanted:
            if len(label) > LABEL_LIMIT:
                raise ConfigurationError(f"option 'labels' of annotator 'tags': at most {LABEL_LIMIT} characters each")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The labels asked for, each once; none where nobody asked."""
        return tuple(dict.fromkeys(part.strip() for part in (self.labels or "").split(",") if part.strip()))

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.requires, "objects") if self.is_offline else self.requires

    def session(self, context: SessionContext) -> SparseSession:
        if self.is_offline:
            return TagsSession(self, self._seen)
        if self.endpoint_model is not None:
            chat = self.chat(context)
            return TagsSession(self, self._asking(chat, context.moved))
        return TagsSession(self, self._scoring(open_embedder(self.weights(context), self.model)))

    def _seen(self, picture: StoredPicture) -> list[Tag]:
        found: dict[str, list[float]] = {}
        for row in boxes(picture):
            if row.label and (not self.wanted or row.label in self.wanted):
                found.setdefault(row.label, []).append(row.confidence or 0.0)
        facts = {"model": COMPOSED, "composed": True}
        tags = [Tag(label, max(sure), {**facts, "count": len(sure)}) for label, sure in found.items()]
        return sorted(tags, key=lambda tag: (-(tag.confidence or 0.0), tag.label))

    def _scoring(self, embedder: Embedder) -> Tagger:
        words = self.wanted or TAG_WORDS
        texts = [_TEMPLATE.format(word) for word in words]

        def tag(picture: StoredPicture) -> list[Tag]:
            scores = embedder.scores(pixels(picture), texts).tolist()
            tags = [Tag(word, score, {"model": self.model}) for word, score in zip(words, scores, strict=True)]
            return sorted(tags, key=lambda tag: (-(tag.confidence or 0.0), tag.label))

        return tag

    def _asking(self, chat: ChatModel, moved: Callable[[], None]) -> Tagger:
        wanted = self.wanted
        question = _CLOSED if wanted else _OPEN
        text = question.format(count=self.max_tags, labels=", ".join(wanted))

        def tag(picture: StoredPicture) -> list[Tag]:
            reply = chat.ask(text, pixels(picture), _ANSWER_TOKENS, moved)
            words = [word for word in read_list(self.model, reply.text) if not wanted or word in wanted]
            sure = {} if reply.confidence is None else {"answer_confidence": reply.confidence}
            first = {"model": self.model, **sure, **answer_facts(reply)}
            rest = {"model": self.model, **sure}
            return [Tag(word, None, rest if number else first) for number, word in enumerate(words)]

        return tag


@dataclass(frozen=True, slots=True)
class Tag:
    label: str
    confidence: float | None
    attributes: dict[str, Any]


Tagger = Callable[[StoredPicture], list[Tag]]


def read_list(model: str, text: str) -> list[str]:
    """The words of a JSON list, each once, in their order; a fence of Markdown around it is passed over.

    Raises ``InferenceError`` for what is no list of short texts.
    """
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        told = json.loads(bare)
    except (ValueError, RecursionError) as error:
        raise InferenceError(model, f"the answer is no JSON list: {text[:80]!r}") from error
    if not isinstance(told, list) or not all(isinstance(word, str) and len(word) <= LABEL_LIMIT for word in told):
        raise InferenceError(model, f"the answer is no list of short words: {text[:80]!r}")
    return list(dict.fromkeys(word.strip() for word in told if word.strip()))


class TagsSession(SparseSession):
    """One picture after the other."""

    def __init__(self, recipe: Tags, tag: Tagger) -> None:
        self._recipe = recipe
        self._tag = tag

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        return [self._rows(picture) for picture in pictures]

    def _rows(self, picture: StoredPicture) -> list[Annotation]:
        threshold = self._recipe.threshold
        sure = [tag for tag in self._tag(picture) if tag.confidence is None or tag.confidence > threshold]
        return [
            Classification(
                span=shot_span(picture),
                label=tag.label,
                confidence=tag.confidence,
                frame_index=picture.annotation.frame_index,
                attributes=tag.attributes,
            )
            for tag in sure[: self._recipe.max_tags]
        ]
