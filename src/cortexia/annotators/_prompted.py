"""Detection of whatever words name, in the form of a detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cortexia.errors import ConfigurationError
from cortexia.models.base import DetectionBatch, ModelAccess
from cortexia.models.torch import Grounder, GroundingLimits, open_grounder
from cortexia.types import Picture


class PromptDetector:
    """A network for open vocabulary with its prompts. Boxes that overlap are one thing, whichever prompt found them,
    and have the name that fits best."""

    def __init__(self, grounder: Grounder, prompts: Sequence[str], limits: GroundingLimits) -> None:
        self._grounder = grounder
        self._prompts = tuple(prompts)
        self._limits = limits

    @property
    def labels(self) -> tuple[str, ...]:
        return self._prompts

    def detect(self, pictures: Sequence[Picture]) -> list[DetectionBatch]:
        return list(self.begin(pictures))

    def begin(self, pictures: Sequence[Picture]) -> Iterator[DetectionBatch]:
        return (self._grounder.detect(picture, self._prompts, self._limits) for picture in pictures)

    def close(self) -> None:
        """Weights are the manager's."""


def prompts_of(text: str) -> tuple[str, ...]:
    """What is named between commas, each once, as it was written but for white space.

    Raises ``ConfigurationError`` where nothing is.
    """
    named = tuple(dict.fromkeys(name for part in text.split(",") if (name := " ".join(part.split()))))
    if not named:
        raise ConfigurationError(f"prompt {text!r} names nothing; say what to look for, such as 'forklift, hard hat'")
    return named


def open_prompted(
    models: ModelAccess, model_id: str, prompts: Sequence[str], limits: GroundingLimits
) -> PromptDetector:
    """Raises ``UnknownNameError`` for a model of another task, and what opening it raises."""
    return PromptDetector(open_grounder(models, model_id), prompts, limits)
