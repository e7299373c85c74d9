"""Whisper by faster-whisper, on CTranslate2 (the extra ``whisper``): these libraries' one door.

Nothing is fetched: the model is made of the bytes that were verified. Weights of CTranslate2 are plain arrays, no code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from cortexia.errors import ConfigurationError, InferenceError, MissingDependencyError, ModelError, UnknownNameError
from cortexia.models.base import ModelAccess
from cortexia.models.failures import first_line, is_no_memory, no_memory, opening
from cortexia.models.folders import FolderContent
from cortexia.models.hearing import Asked, HeardText, HeardWord, Sound, Transcriber, Transcript

WHISPER = "faster-whisper"
"""The adapter of such a model."""
PACKAGE = "faster_whisper"
TRANSCRIPTION = "transcription"
"""How the task of such a model begins."""
_NEEDED = ("config.json", "model.bin", "tokenizer.json")
_LONGEST = 224
"""Tokens of an answer: half of the model's memory, as its authors have it."""
_PROMPT = 200
"""Tokens of a prompt: what is left, but for those that say the language and the task."""


class WhisperTranscriber:
    """``device``: ``auto``, ``cpu`` or ``cuda:N``. On a CPU numbers are int8 where the file's weights can be; on a GPU
    float16. Results are the same for any number of ``threads``.

    Raises ``MissingDependencyError``, ``ConfigurationError`` for a GPU that is not there, and ``ModelError``.
    """

    def __init__(self, content: FolderContent, device: str = "auto", threads: int = 1) -> None:
        self._id = content.entry.id
        if missing := [name for name in _NEEDED if name not in content.files]:
            raise ModelError("malformed", f"model {self._id!r} lacks {', '.join(missing)}")
        self._translates = bool(content.entry.settings.get("translates", True))
        kind, number = choose_device(device)
        with opening(self._id):
            self._model = _library().WhisperModel(
                self._id,
                device=kind,
                device_index=number,
                compute_type="int8" if kind == "cpu" else "float16",
                cpu_threads=threads,
                files=dict(content.files),
            )

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of those that it knows."""
        return tuple(self._model.supported_languages)

    def transcribe(self, sound: Sound, asked: Asked) -> Transcript:
        self.require(asked)
        try:
            return self._transcribed(sound, asked)
        except (RuntimeError, ValueError, TypeError, IndexError, MemoryError) as error:
            if is_no_memory(error):
                raise no_memory(self._id) from error
            raise InferenceError(self._id, first_line(error)) from error

    def require(self, asked: Asked) -> None:
        """Raises ``UnknownNameError`` for a language that it does not know, ``ConfigurationError`` for a translation
        that it does not make."""
        if asked.language is not None and asked.language not in self.languages:
            raise UnknownNameError(f"language (of model {self._id!r})", asked.language, self.languages)
        if asked.translate and not (self._model.model.is_multilingual and self._translates):
            raise ConfigurationError(f"model {self._id!r} does not translate; name another, such as whisper-small")

    def _prompt(self, asked: Asked) -> list[int] | None:
        """Tokens: the words to expect, and as much of the end of what was said as there is room for."""
        words, said = (
            self._model.hf_tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids if text.strip() else []
            for text in (asked.prompt, asked.said)
        )
        words = words[:_PROMPT]
        return [*words, *said[max(0, len(said) + len(words) - _PROMPT) :]] or None

    def _transcribed(self, sound: Sound, asked: Asked) -> Transcript:
        """One guess at temperature 0: others would come by chance, and differ each time."""
        segments, found = self._model.transcribe(
            sound,
            language=asked.language,
            task="translate" if asked.translate else "transcribe",
            beam_size=asked.beam,
            temperature=0.0,
            initial_prompt=self._prompt(asked),
            word_timestamps=asked.words,
            condition_on_previous_text=False,
            compression_ratio_threshold=None,
            no_repeat_ngram_size=asked.no_repeats_of,
            max_new_tokens=_LONGEST,
        )
        return Transcript(tuple(_texts(segments)), found.language, float(found.language_probability))


def _texts(segments: Iterable[Any]) -> Iterable[HeardText]:
    for segment in segments:
        words = tuple(
            HeardWord(
                word.word.strip(), float(word.start), float(word.end), min(1.0, max(0.0, float(word.probability)))
            )
            for word in segment.words or ()
            if word.word.strip()
        )
        text = segment.text.strip()
        if text and math.isfinite(segment.avg_logprob):
            yield HeardText(
                text,
                float(segment.start),
                float(segment.end),
                float(segment.avg_logprob),
                words,
                float(segment.no_speech_prob),
            )


def choose_device(device: str) -> tuple[str, int]:
    """``cpu`` or ``cuda``, and which. Raises ``ConfigurationError`` for a GPU that is not there."""
    if device == "cpu":
        return "cpu", 0
    count = _library().transcribe.ctranslate2.get_cuda_device_count()
    if device == "auto":
        return ("cuda", 0) if count else ("cpu", 0)
    number = int(device.removeprefix("cuda:"))
    if number >= count:
        raise ConfigurationError(f"device {device!r} asks for a GPU that CTranslate2 does not see; set device to cpu")
    return "cuda", number


def _library() -> Any:
    try:
        import faster_whisper
        import faster_whisper.transcribe
    except ImportError as error:
        raise MissingDependencyError("faster-whisper", "whisper") from error
    return faster_whisper


class LentWhisper:
    """A ``Transcriber`` whose weights may go between two calls."""

    def __init__(self, models: ModelAccess, model_id: str) -> None:
        """Raises ``UnknownNameError`` for a model of another task, and what ``ModelAccess.lend`` raises."""
        adapter = models.entry(model_id).adapter
        if adapter != WHISPER:
            raise UnknownNameError(f"family for {TRANSCRIPTION} (of model {model_id!r})", adapter, [WHISPER])
        self._lent = models.lend(model_id)

    def require(self, asked: Asked) -> None:
        """As ``WhisperTranscriber.require``. Loads the model."""

        def checked(model: WhisperTranscriber) -> None:
            model.require(asked)

        self._lent.use(checked)

    def transcribe(self, sound: Sound, asked: Asked) -> Transcript:
        def heard(model: Transcriber) -> Transcript:
            return model.transcribe(sound, asked)

        return self._lent.use(heard)
