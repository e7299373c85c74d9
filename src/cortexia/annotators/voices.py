"""Voices: what each moment of speech sounds like, to be told apart and known again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

from cortexia.annotators._by_model import AUTO, NONE, OFFLINE
from cortexia.annotators._local_voices import LocalVoicesSession
from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators._voice_activity import LATE_S
from cortexia.annotators._voice_makers import OfflineVoices, Voice, VoiceMaker, open_voices
from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import AnnotatorError, ConfigurationError
from cortexia.models.adapters.openers import SPEAKER_SEGMENTATION, VOICE_EMBEDDING, open_speaker_segmentation
from cortexia.types import Annotation, Embedding, TimeSpan
from cortexia.types.embedding import packed


@dataclass(frozen=True)
class Voices(StreamAnnotator):
    """An ``Embedding`` (``of="voice"``) for each piece of a ``speech`` interval, which is cut into equal parts.

    ``model``: id of a model in the catalogue; ``offline``; or ``auto``, the best whose weights are here when the job is
    made, else ``offline``. With a model a row stands for about 0.75 s, and its vector is made from up to 1.5 s around
    these, within the interval. Offline it is 0.5 s, and besides the vector the attributes ``frames`` and ``moments``
    say how the spectra of so many voiced frames are spread (``_voice_statistics``), which ``speakers`` goes by.

    ``segmentation``: id of a model that hears who speaks when within ten seconds, and where two speak at once;
    ``none``; or ``auto``, the best that is here, else none. With one, a row stands for what one of the local speakers
    says, up to where somebody begins or ends; its vector is made from all that it says alone within these ten seconds.
    Its attributes: ``local`` names the local speaker, ``is_overlap`` says that somebody else speaks all the while.
    Only the middle five seconds of ten count, and then the next are heard. It does not go by ``speech``.
    """

    name: ClassVar[str] = "voices"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    requires: ClassVar[tuple[str, ...]] = ("speech",)
    provides: ClassVar[tuple[str, ...]] = ("embedding",)
    cost: ClassVar[float] = 0.01

    model: str = AUTO
    segmentation: str = AUTO

    @property
    def model_ids(self) -> tuple[str, ...]:
        chosen = (self.model, self.segmentation)
        return tuple(model_id for model_id in chosen if model_id not in (AUTO, OFFLINE, NONE))

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        model = best_model(VOICE_EMBEDDING) or OFFLINE if self.model == AUTO else self.model
        segmentation = self.segmentation
        if segmentation == AUTO:
            segmentation = best_model(SPEAKER_SEGMENTATION) or NONE
        return dataclasses.replace(self, model=model, segmentation=segmentation)

    def session(self, context: SessionContext) -> StreamSession:
        if AUTO in (self.model, self.segmentation) or (self.model_ids and context.models is None):
            raise ConfigurationError("annotator 'voices': nobody said which weights 'auto' stands for")
        maker: VoiceMaker = OfflineVoices()
        if context.models is not None and self.model != OFFLINE:
            maker = open_voices(context.models, self.model)
        if context.models is not None and self.segmentation != NONE:
            segmenter = open_speaker_segmentation(context.models, self.segmentation)
            return LocalVoicesSession(maker, segmenter)
        return VoicesSession(maker, context.moved)


class VoicesSession(SoundSession):
    """Keeps the sound of which speech may still be told, and nothing else."""

    def __init__(self, maker: VoiceMaker, moved: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._maker = maker
        self._moved = moved
        self._done = 0

    def begin_stretch(self, tape: Tape) -> None:
        self._done = tape.begin

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        return [made for speech in upstream for made in self._rows(tape, speech)]

    stop = hear

    def _rows(self, tape: Tape, speech: Annotation) -> Iterator[Annotation]:
        first, last = tape.positions(speech.span)
        if first < tape.start:
            raise AnnotatorError("voices", f"speech was told of more than {LATE_S} s after it began")
        self._done = max(self._done, last)
        pieces = list(tiles(first, last, self._maker.step))
        heard = [tape.between(*around(piece, (first, last), self._maker.window)) for piece in pieces]
        for piece, voice in zip(pieces, self._maker.voices(heard), strict=True):
            if voice is not None:
                yield embedding(tape.span(*piece), self._maker.model, voice)
        self._moved()

    def needs(self, tape: Tape) -> int:
        return max(self._done, tape.end - LATE_S * tape.rate)

    def final_until(self, tape: Tape) -> int:
        return self.needs(tape)

    def memory(self) -> dict[str, Any]:
        return {"done": self._done}

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._done = memory["done"]

    def close(self) -> None:
        self._maker.close()


def tiles(first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """``[first, last)`` in parts that are as equal as can be, of about ``step`` samples."""
    count = max(1, round((last - first) / step))
    edges = [first + (last - first) * at // count for at in range(count + 1)]
    return pairwise(edges)


def around(piece: tuple[int, int], interval: tuple[int, int], window: int) -> tuple[int, int]:
    """``window`` samples about the middle of ``piece``, moved and cut so that they lie within ``interval``."""
    middle = (piece[0] + piece[1]) // 2
    begin = min(middle - window // 2, interval[1] - window)
    begin = max(begin, interval[0])
    return min(begin, piece[0]), max(min(begin + window, interval[1]), piece[1])


def embedding(span: TimeSpan, model: str, voice: Voice, **facts: Any) -> Embedding:
    return Embedding(span=span, model=model, of="voice", attributes={**voice.facts, **facts}, **packed(voice.vector))
