"""Transcription: what is said, word by word."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from cortexia.annotators._by_model import AUTO
from cortexia.annotators._options import require_ranges
from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators._transcripts import believed, has_loop, in_order
from cortexia.annotators._voice_activity import LATE_S, LONGEST_S
from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator
from cortexia.errors import ConfigurationError
from cortexia.models.hearing import POCKETSPHINX, Asked, HeardText, Sound, Transcriber, Transcript
from cortexia.models.whisper import TRANSCRIPTION, LentWhisper
from cortexia.types import Annotation, Utterance, Word

_JOINED_S = 1.0
"""Intervals with a shorter pause between them are heard together: words lean on their neighbours."""
_TAIL = 200
"""Characters of what was said last that help with what comes next."""
_SURE = 0.5
"""A language found with this probability is kept for the rest of the video."""


@dataclass(frozen=True)
class Transcription(StreamAnnotator):
    """An ``Utterance`` for each text that is spoken, with the ``Word`` rows of it, out of intervals of ``speech``.

    ``model``: ``auto`` is the best model for transcription whose weights are here, else ``pocketsphinx``, which comes
    with the program, knows English only, and gets many words wrong. ``language``: ISO 639-1 code; without it, that of
    the first speech counts. ``translate``: into English. ``words``: with the time of each word. ``beam_size``: guesses
    that are followed at a time. ``prompt``: words to expect, such as names. ``context``: what was said before helps.
    """

    name: ClassVar[str] = "transcription"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    requires: ClassVar[tuple[str, ...]] = ("speech",)
    provides: ClassVar[tuple[str, ...]] = ("utterance", "word")
    cost: ClassVar[float] = 0.5

    model: str = AUTO
    language: str | None = None
    translate: bool = False
    words: bool = True
    beam_size: int = 5
    prompt: str | None = None
    context: bool = True

    def __post_init__(self) -> None:
        require_ranges(self, {"beam_size": (1, 20)})
        if self.prompt is not None and len(self.prompt) > 4 * _TAIL:
            raise ConfigurationError(f"option 'prompt' of annotator {self.name!r} has at most {4 * _TAIL} characters")
        if self.language is not None and not re.fullmatch("[a-z]{2,3}", self.language):
            raise ConfigurationError(
                f"option 'language' of annotator {self.name!r} is a code such as 'de' (ISO 639-1), not"
                f" {self.language!r}"
            )
        if self.model == POCKETSPHINX and (self.language not in (None, "en") or self.translate):
            raise ConfigurationError(
                f"annotator {self.name!r}: {POCKETSPHINX} knows English only and translates nothing; run:"
                " cortexia models pull whisper-small"
            )

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model in (AUTO, POCKETSPHINX) else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        if self.model != AUTO:
            return self
        return dataclasses.replace(self, model=best_model(TRANSCRIPTION) or POCKETSPHINX)

    @property
    def asked(self) -> Asked:
        """What every piece of speech is asked for."""
        return Asked(self.language, self.translate, self.words, self.beam_size, self.prompt or "")

    def session(self, context: SessionContext) -> TranscriptionSession:
        return TranscriptionSession(self, self._transcriber(context), context.moved)

    def _transcriber(self, context: SessionContext) -> Transcriber:
        if self.model == POCKETSPHINX:
            from cortexia.models.sphinx import SphinxTranscriber

            return SphinxTranscriber()
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator {self.name!r}: nobody said which weights {self.model!r} stands for")
        whisper = LentWhisper(context.models, self.model)
        whisper.require(self.asked)
        return whisper


@dataclass(slots=True)
class _Memory:
    """``waiting``: intervals of speech that are heard together, once nothing can join them (positions on the clock).
    ``number``: utterances so far. ``tail``: what was said last. ``language``: found so far."""

    waiting: list[list[int]] = field(default_factory=list)
    number: int = 0
    tail: str = ""
    language: str | None = None


class TranscriptionSession(SoundSession):
    """Waits until speech is closed, and hears up to 30 s of it at once. ``moved`` is called before and after."""

    def __init__(self, recipe: Transcription, transcriber: Transcriber, moved: Callable[[], None]) -> None:
        super().__init__()
        self._recipe = recipe
        self._transcriber = transcriber
        self._moved = moved
        self._memory = _Memory()

    def begin_stretch(self, tape: Tape) -> None:
        self._memory.waiting, self._memory.tail = [], ""

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made = self._told(tape, upstream)
        waiting = self._memory.waiting
        if waiting and tape.end - waiting[-1][1] > (LATE_S + _JOINED_S) * tape.rate:
            made += self._flush(tape)
        return made

    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        return [*self._told(tape, upstream), *self._flush(tape)]

    def _told(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        for row in upstream:
            first, last = tape.positions(row.span)
            waiting = self._memory.waiting
            is_apart = waiting and first - waiting[-1][1] > _JOINED_S * tape.rate
            if is_apart or (waiting and last - waiting[0][0] > LONGEST_S * tape.rate):
                made += self._flush(tape)
            self._memory.waiting.append([first, last])
        return made

    def _flush(self, tape: Tape) -> list[Annotation]:
        spans, self._memory.waiting = self._memory.waiting, []
        if not spans:
            return []
        first, last = spans[0][0], min(spans[-1][1], tape.end)
        self._moved()
        transcript = self._heard(tape.between(first, last))
        self._moved()
        speech = [((start - first) / tape.rate, (end - first) / tape.rate) for start, end in spans]
        told = believed(transcript, speech, (last - first) / tape.rate)
        # a loop feeds on itself: it is no help with what comes next
        said = "" if has_loop(transcript) else " ".join(text.text for text, _ in told)
        self._memory.tail = said[-_TAIL:]
        made: list[Annotation] = []
        for text, removed in sorted(told, key=lambda pair: pair[0].start_s):
            made += self._rows(tape, (first, last), transcript.language, text, removed)
        return made

    def _heard(self, sound: Sound) -> Transcript:
        """What the model says; asked once more, in other words, when it is caught in a loop."""
        recipe, memory = self._recipe, self._memory
        asked = dataclasses.replace(
            recipe.asked, language=recipe.language or memory.language, said=memory.tail if recipe.context else ""
        )
        transcript = self._transcriber.transcribe(sound, asked)
        if has_loop(transcript) and recipe.model != POCKETSPHINX:
            unhelped = dataclasses.replace(asked, said="", no_repeats_of=3)
            transcript = self._transcriber.transcribe(sound, unhelped)
        if transcript.language_probability >= _SURE:
            memory.language = memory.language or transcript.language
        return transcript

    def _rows(
        self, tape: Tape, heard: tuple[int, int], language: str | None, text: HeardText, removed: int
    ) -> Iterator[Annotation]:
        number, self._memory.number = self._memory.number, self._memory.number + 1
        length_s = (heard[1] - heard[0]) / tape.rate
        words = in_order(text.words, 0.0, length_s)
        start_s = min(max(0.0, text.start_s), length_s, *(word.start_s for word in words[:1]))
        end_s = max(start_s, min(text.end_s, length_s), *(word.end_s for word in words[-1:]))

        def position(seconds: float) -> int:
            return heard[0] + round(seconds * tape.rate)

        yield Utterance(
            span=tape.span(position(start_s), position(end_s)),
            text=text.text,
            number=number,
            confidence=round(min(1.0, math.exp(text.log_probability)), 4),
            language=language,
            translated=self._recipe.translate,
            attributes={"model": self._recipe.model, **({"repeats_removed": removed} if removed else {})},
        )
        for word in words:
            yield Word(
                span=tape.span(position(word.start_s), position(word.end_s)),
                text=word.text,
                utterance=number,
                confidence=round(word.probability, 4),
            )

    def needs(self, tape: Tape) -> int:
        return self._earliest(tape)

    def final_until(self, tape: Tape) -> int:
        return self._earliest(tape)

    def _earliest(self, tape: Tape) -> int:
        """Where speech may begin that is not heard yet."""
        waiting = self._memory.waiting
        return waiting[0][0] if waiting else max(tape.start, tape.end - LATE_S * tape.rate)

    def memory(self) -> dict[str, Any]:
        return dataclasses.asdict(self._memory)

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._memory = _Memory(**{**memory, "waiting": [list(span) for span in memory["waiting"]]})
