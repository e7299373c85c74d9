"""What sparse annotators have in common whose work is done by a model that may be chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import SessionContext, SparseAnnotator
from cortexia.errors import ConfigurationError
from cortexia.models.base import ModelAccess
from cortexia.models.chat import ENDPOINT, ChatModel, Reply
from cortexia.types import ViewSpec

AUTO = "auto"
OFFLINE = "offline"
NONE = "none"
"""Instead of a model: the best that is here, none but what the house itself knows, and not at all."""
FULL = ViewSpec()
"""The full picture: the adapter itself shrinks it as the network was trained, and the decoder's way to full-size BGR is
its cheapest. A smaller view made by the decoder would be other pixels, and other boxes."""


@dataclass(frozen=True)
class ByModel(SparseAnnotator):
    """``model``: id in the catalogue; ``endpoint:NAME`` for the model that the endpoint of the settings calls ``NAME``;
    ``offline``; or ``auto``, the best whose weights are here when the job is made, else ``offline``. An endpoint is
    never chosen by itself: it costs money, and pictures leave the machine.

    ``tasks``: how the tasks of the models begin that it can work with, the best first.
    """

    tasks: ClassVar[tuple[str, ...]] = ()

    model: str = AUTO

    def __post_init__(self) -> None:
        if self.model == ENDPOINT:
            raise ConfigurationError(f"annotator {self.name!r}: {ENDPOINT!r} needs the name of a model after it")

    @property
    def endpoint_model(self) -> str | None:
        """What the endpoint calls the model; ``None`` for one that is not behind it."""
        return self.model.removeprefix(ENDPOINT) if self.model.startswith(ENDPOINT) else None

    @property
    def is_offline(self) -> bool:
        return self.model == OFFLINE

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model in (AUTO, OFFLINE) or self.endpoint_model is not None else (self.model,)

    @property
    def batch_size(self) -> int:
        """An answer that was paid for is committed before the next is asked for."""
        return super().batch_size if self.endpoint_model is None else 1

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        if self.model != AUTO:
            return self
        found = (best_model(task) for task in self.tasks)
        return dataclasses.replace(self, model=next((model_id for model_id in found if model_id), OFFLINE))

    def in_range(self, **ranges: tuple[float, float]) -> None:
        """Raises ``ConfigurationError`` for an option that is set and lies outside."""
        require_ranges(self, ranges)

    def weights(self, context: SessionContext) -> ModelAccess:
        """Raises ``ConfigurationError`` where nobody chose a model or gave access to any."""
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(
                f"annotator {self.name!r}: nobody said which weights model {self.model!r} stands for"
            )
        return context.models

    def chat(self, context: SessionContext) -> ChatModel:
        """Raises ``ConfigurationError`` where the settings name no endpoint."""
        if self.endpoint_model is None or context.endpoints is None:
            raise ConfigurationError(
                f"annotator {self.name!r}: model {self.model!r} needs an endpoint, and none is set"
            )
        return context.endpoints[self.endpoint_model]


def answer_facts(reply: Reply) -> Mapping[str, Any]:
    """What an answer cost and what it was made from, for the attributes of its row."""
    facts = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens, "seen": reply.seen}
    return {name: value for name, value in facts.items() if value is not None}
