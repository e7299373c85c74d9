"""Tags: labels of each shot as a whole, chosen by a model, told by an endpoint, or those of the objects found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from cortexia.annotators._by_model import answer_facts
from cortexia.annotators._composed import COMPOSED
from cortexia.annotators._describing import Describer, Describing
from cortexia.annotators._key_pictures import boxes, pixels, shot_span
from cortexia.annotators._options import require_labels
from cortexia.annotators._tag_words import TAG_WORDS
from cortexia.annotators.base import SessionContext, StoredPicture
from cortexia.errors import ConfigurationError, InferenceError
from cortexia.models.chat import ChatModel
from cortexia.models.torch import Embedder, open_embedder
from cortexia.models.torch.base import Vectors
from cortexia.types import Classification
from cortexia.types.annotation import LABEL_LIMIT

_TEMPLATE = "a photo of {}"
_ANSWER_TOKENS = 256
_FENCE = re.compile(r"\A```[^\n\[]*|```\Z")
"""Of Markdown, with whatever language it names."""
_OPEN = (
    "Name the place, the activity and the things that this picture shows as a JSON list of at most {count} short"
    " English tags in lower case, the most certain first. Answer with the JSON list alone."
)
_CLOSED = (
    "Which of these labels fit this picture? {labels}. Answer with a JSON list of at most {count} of them, the most"
    " certain first, and nothing else; with an empty list if none fits."
)


@dataclass(frozen=True)
class Tags(Describing):
    """``Classification`` rows for each key picture, over the span of its shot, the most certain first.

    A model of the catalogue that compares pictures with texts gives each of ``labels`` (comma-joined; by default about
    a hundred words for places and activities) a score, which is the confidence. An endpoint is asked for a JSON list:
    any short words, or some of ``labels`` where they are given (case does not count, and others that it names are left
    out); the probability of its words goes to the attributes as ``answer_confidence``, for no tag has one of its own.

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
        Describing.__post_init__(self)
        self.in_range(threshold=(0.0, 1.0), max_tags=(1, 100))
        require_labels(self.name, self.labels)
        for label in self.wanted:
            if len(label) > LABEL_LIMIT:
                raise ConfigurationError(f"option 'labels' of annotator 'tags': at most {LABEL_LIMIT} characters each")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The labels asked for, each once; none where nobody asked."""
        return tuple(dict.fromkeys(part.strip() for part in (self.labels or "").split(",") if part.strip()))

    def asked_for(self, word: str) -> str | None:
        """``word`` as it is spelled in ``labels``, whatever its case; ``None`` for another one. As it is, where nobody
        asked for any."""
        if not self.wanted:
            return word
        return next((label for label in self.wanted if label.casefold() == word.casefold()), None)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.requires, "objects") if self.is_offline else self.requires

    def composing(self) -> Describer:
        return lambda picture: self._rows(picture, self._seen(picture))

    def _seen(self, picture: StoredPicture) -> list[Tag]:
        found: dict[str, list[float]] = {}
        for row in boxes(picture):
            label = self.asked_for(row.label or "")
            if label:
                found.setdefault(label, []).append(row.confidence or 0.0)
        facts = {"model": COMPOSED, "composed": True}
        return _surest(Tag(label, max(sure), {**facts, "count": len(sure)}) for label, sure in found.items())

    def looking(self, context: SessionContext) -> Describer:
        embedder = open_embedder(self.weights(context), self.model)
        words = self.wanted or TAG_WORDS
        vectors = _vectors_of(words, embedder, context.moved)

        def describe(picture: StoredPicture) -> Iterator[Classification]:
            scores = embedder.scores(pixels(picture), vectors).tolist()
            tags = (Tag(word, score, {"model": self.model}) for word, score in zip(words, scores, strict=True))
            return self._rows(picture, _surest(tags))

        return describe

    def asking(self, chat: ChatModel, moved: Callable[[], None]) -> Describer:
        wanted = self.wanted
        question = _CLOSED if wanted else _OPEN
        text = question.format(count=self.max_tags, labels=", ".join(wanted))

        def describe(picture: StoredPicture) -> Iterator[Classification]:
            reply = chat.ask(text, pixels(picture), _ANSWER_TOKENS, moved)
            told = map(self.asked_for, read_list(self.model, reply.text))
            words = dict.fromkeys(word for word in told if word is not None)
            sure = {} if reply.confidence is None else {"answer_confidence": reply.confidence}
            first = {"model": self.model, **sure, **answer_facts(reply)}
            rest = {"model": self.model, **sure}
            tags = [Tag(word, None, rest if number else first) for number, word in enumerate(words)]
            return self._rows(picture, tags)

        return describe

    def _rows(self, picture: StoredPicture, tags: Iterable[Tag]) -> Iterator[Classification]:
        sure = (tag for tag in tags if tag.confidence is None or tag.confidence > self.threshold)
        for tag in islice(sure, self.max_tags):
            yield Classification(
                span=shot_span(picture),
                label=tag.label,
                confidence=tag.confidence,
                frame_index=picture.annotation.frame_index,
                attributes=tag.attributes,
            )


@dataclass(frozen=True, slots=True)
class Tag:
    label: str
    confidence: float | None
    attributes: dict[str, Any]


def _surest(tags: Iterable[Tag]) -> list[Tag]:
    return sorted(tags, key=lambda tag: (-(tag.confidence or 0.0), tag.label))


def _vectors_of(words: Sequence[str], embedder: Embedder, moved: Callable[[], None]) -> Vectors:
    """(n, dimension). One at a time: on a CPU a hundred of them take a while."""
    found = []
    for word in words:
        found.append(embedder.texts([_TEMPLATE.format(word)]))
        moved()
    return np.concatenate(found)


def read_list(model: str, text: str) -> list[str]:
    """The words of a JSON list, each once, in their order; a fence of Markdown around it is passed over.

    Raises ``InferenceError`` for what is no list of short texts.
    """
    bare = _FENCE.sub("", text.strip())
    try:
        told = json.loads(bare)
    except (ValueError, RecursionError) as error:
        raise InferenceError(model, f"the answer is no JSON list: {text[:80]!r}") from error
    if not isinstance(told, list) or not all(isinstance(word, str) and len(word) <= LABEL_LIMIT for word in told):
        raise InferenceError(model, f"the answer is no list of short words: {text[:80]!r}")
    return list(dict.fromkeys(word.strip() for word in told if word.strip()))
