"""What models on torch do for the rest of the house, whatever the family.

A result belongs to one picture: it never depends on the others of a call. Pictures are BGR, uint8, (h, w, 3); boxes are
xyxy in their pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cortexia.models.base import DetectionBatch
from cortexia.types import Picture

Vectors = NDArray[np.float32]
MAX_TOKENS = 256
"""Of an answer, boxes included: a box takes four, and its words."""


@dataclass(frozen=True, slots=True)
class GroundingLimits:
    """All in [0, 1]. ``box_threshold``: the score of a box exceeds it. ``text_threshold``: so does the word of a prompt
    that names the box. ``max_overlap``: intersection over union of two boxes, whatever they were found for, at most."""

    box_threshold: float = 0.3
    text_threshold: float = 0.3
    max_overlap: float = 0.7


@dataclass(frozen=True, slots=True)
class MaskBatch:
    """A mask for each prompt. ``masks``: (n, h, w) bool, at the size of the picture. ``scores``: (n,) float32 in
    [0, 1], the intersection over union with the truth that the model expects."""

    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class TextRegion:
    """Text about a part of a picture. ``box``: x1, y1, x2, y2 in pixels."""

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Caption:
    """What a model says of a picture. ``confidence``: mean probability of the words it chose, ``None`` where it chose
    none. ``regions``: for a task that gives boxes; ``text`` is then empty."""

    text: str
    confidence: float | None
    regions: tuple[TextRegion, ...] = ()


class Grounder(Protocol):
    """Finds what words name."""

    def detect(
        self,
        picture: Picture,
        prompts: Sequence[str],
        limits: GroundingLimits = GroundingLimits(),
    ) -> DetectionBatch:
        """Boxes for the prompts, which may reach beyond the picture; ``labels`` are the prompts as given.

        Raises ``ConfigurationError`` for prompts that are empty, or too many for the model."""


class Masker(Protocol):
    """Cuts out what boxes or points show."""

    def segment(
        self, picture: Picture, boxes: NDArray[np.floating] | None = None, points: NDArray[np.floating] | None = None
    ) -> MaskBatch:
        """``boxes``: (n, 4). ``points``: (n, k, 2), x and y of k points on each thing; with both, n is the same.

        Of the three masks that a model proposes for a prompt, the one that it expects most of."""


class Captioner(Protocol):
    """Puts pictures into words."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """What it can be asked for; the first is the usual one."""

    def describe(self, picture: Picture, task: str | None = None, max_tokens: int = MAX_TOKENS) -> Caption:
        """The likeliest word each time, so that it is the same each time. Raises ``UnknownNameError`` for a task that
        it does not know."""


class Embedder(Protocol):
    """Vectors of pictures and of texts that can be compared with each other."""

    @property
    def dimension(self) -> int: ...

    def pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """(n, dimension), each row of length 1."""

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension), each row of length 1. What exceeds the model's length is cut off."""

    def scores(self, picture: Picture, labels: Vectors) -> NDArray[np.float32]:
        """(n,) in [0, 1]: how well each label fits. CLIP shares 1 among the labels, SigLIP judges each alone.

        ``labels``: (n, dimension), as ``texts`` gives them: they are the same for every picture."""


class SoundTagger(Protocol):
    """Tells which classes of sound are heard."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, in the order of the scores."""

    def tag(self, samples: NDArray[np.float32]) -> Vectors:
        """(classes,) in [0, 1], each class judged alone. ``samples``: (n,) mono at 16 kHz in [-1, 1]."""


class VoiceEmbedder(Protocol):
    """Makes vectors of voices that can be compared by their cosine."""

    @property
    def dimension(self) -> int: ...

    @property
    def shortest(self) -> int:
        """Samples that a stretch has at least."""

    def voices(self, stretches: Sequence[NDArray[np.float32]]) -> Vectors:
        """(n, dimension) of length 1, one for each stretch of mono samples at 16 kHz in [-1, 1]. What comes of one
        never depends on the others."""
