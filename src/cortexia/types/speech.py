"""What is said, when, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech(Annotation):
    """An interval in which somebody speaks, at most 30 s of it: longer speech goes on in the next one, which begins
    where this one ends."""

    type: ClassVar[str] = "speech"
    stored_type: ClassVar[str] = "speech_activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance(Annotation):
    """Words that belong together, as they were heard. ``confidence``: e to the mean log-probability of its tokens.

    ``number``: counts the utterances of a run, from 0. ``language``: ISO 639-1 code of what is spoken, where known;
    ``translated``: whether ``text`` is English in place of it.
    """

    type: ClassVar[str] = "utterance"
    stored_type: ClassVar[str] = "transcription"

    text: str
    number: int
    language: str | None = None
    translated: bool = False

    def __post_init__(self) -> None:
        require_text(self, self.text)
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Annotation):
    """One word of the utterance ``utterance`` of the same run, as it is written there, without spaces around it."""

    type: ClassVar[str] = "word"
    stored_type: ClassVar[str] = "transcribed_word"

    text: str
    utterance: int

    def __post_init__(self) -> None:
        require_text(self, self.text)
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerTurn(Annotation):
    """That one speaker speaks. ``label``: the name that was enrolled, else ``Speaker A``, ``Speaker B``, ... in order
    of appearance; ``speaker_id``: unique across videos. ``is_overlap``: somebody else speaks all the while."""

    type: ClassVar[str] = "speaker_turn"
    stored_type: ClassVar[str] = "speaker_diarization"

    speaker_id: str
    is_overlap: bool = False

    def __post_init__(self) -> None:
        require_speaker(self, self.speaker_id)
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWord(Annotation):
    """A ``Word`` with who says it: ``label`` and ``speaker_id`` as in the ``SpeakerTurn``. ``confidence`` is that of
    the word. Words that nobody's turn holds have no such row."""

    type: ClassVar[str] = "spoken_word"
    stored_type: ClassVar[str] = "speaker_word"

    text: str
    utterance: int
    speaker_id: str

    def __post_init__(self) -> None:
        require_text(self, self.text)
        require_speaker(self, self.speaker_id)
        Annotation.__post_init__(self)


def require_text(annotation: Annotation, text: str) -> None:
    if not text.strip():
        raise ValidationError(f"{annotation.type}: needs a text")


def require_speaker(annotation: Annotation, speaker_id: str) -> None:
    if not speaker_id or not annotation.label:
        raise ValidationError(f"{annotation.type}: needs a speaker id and a label")
