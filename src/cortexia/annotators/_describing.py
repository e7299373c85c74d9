"""What annotators have in common that say something of one key picture after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cortexia.annotators._by_model import ByModel
from cortexia.annotators.base import Emissions, SessionContext, SparseSession, StoredPicture
from cortexia.models.chat import ChatModel
from cortexia.types import Annotation

Describer = Callable[[StoredPicture], Iterable[Annotation]]


@dataclass(frozen=True)
class Describing(ByModel, ABC):
    """A recipe with a way to describe a picture for each kind of model."""

    def session(self, context: SessionContext) -> DescribingSession:
        """Raises ``ConfigurationError`` where nobody chose a model, or it cannot do what is asked."""
        if self.is_offline:
            return DescribingSession(self.composing(), context.moved)
        if self.endpoint_model is not None:
            chat = self.chat(context)
            return DescribingSession(self.asking(chat, context.moved), context.moved)
        return DescribingSession(self.looking(context), context.moved)

    @abstractmethod
    def composing(self) -> Describer:
        """From what other annotators found."""

    @abstractmethod
    def asking(self, chat: ChatModel, moved: Callable[[], None]) -> Describer:
        """By an endpoint. ``moved``: called while it is waited for."""

    @abstractmethod
    def looking(self, context: SessionContext) -> Describer:
        """By a model of the catalogue."""


class DescribingSession(SparseSession):
    """One picture after the other. ``moved``: called after each."""

    def __init__(self, describe: Describer, moved: Callable[[], None]) -> None:
        self._describe = describe
        self._moved = moved

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        return [self._rows(picture) for picture in pictures]

    def _rows(self, picture: StoredPicture) -> list[Annotation]:
        made = list(self._describe(picture))
        self._moved()
        return made
