"""What is believed of a transcript: no loops, no words where nobody speaks, and times that only go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cortexia.models.hearing import HeardText, HeardWord, Transcript

Spans = Sequence[tuple[float, float]]

_LEAST_REPEATS = {1: 6, 2: 4}
_OTHER_REPEATS = 3
_LONGEST_PHRASE = 12
"""A phrase that comes so often in a row is a loop of the model: a word six times, two words four times, up to twelve
words three times. People say "no, no, no"."""
_NO_SPEECH = 0.6
_UNLIKELY = -1.0
"""Beyond both, Whisper's authors take a text for silence ("Robust speech recognition via large-scale weak supervision",
2022, section 4.5)."""
_LEAST_SPEECH = 0.1
"""Share of a text's time in which somebody must speak, as speech activity has it."""


def has_loop(transcript: Transcript) -> bool:
    spoken = [unit for text in transcript.texts for unit in _units(text)]
    return len(kept_places(spoken)) < len(spoken)


def believed(transcript: Transcript, speech: Spans, length_s: float) -> tuple[tuple[HeardText, int], ...]:
    """Texts without loops, be they within one or over several, each with the number of words that were left out; those
    that nobody spoke are left out altogether. ``speech``: when somebody speaks; ``length_s``: of what was heard
    (seconds, as those of the transcript)."""
    texts = [_clipped(text, length_s) for text in transcript.texts if text.start_s < length_s]
    texts = [text for text in texts if not _is_silence(text) and _share(text, speech) >= _LEAST_SPEECH]
    units = [_units(text) for text in texts]
    kept = set(kept_places([unit for own in units for unit in own]))
    told = []
    first = 0
    for text, own in zip(texts, units, strict=True):
        places = [place for place in range(len(own)) if first + place in kept]
        first += len(own)
        if places:
            told.append((_with_units(text, own, places), len(own) - len(places)))
    return tuple(told)


def _clipped(text: HeardText, length_s: float) -> HeardText:
    """Whisper's times may lie beyond the end of the sound."""
    return replace(text, start_s=max(0.0, text.start_s), end_s=min(text.end_s, length_s))


def kept_places(words: Sequence[str]) -> list[int]:
    """Places of the words that are left when of each loop only its first round is kept."""
    alike = [_plain(word) for word in words]
    kept: list[int] = []
    at = 0
    while at < len(alike):
        size, rounds = _loop_at(alike, at)
        kept += range(at, at + size)
        at += size * rounds
    return kept


def _loop_at(words: Sequence[str], at: int) -> tuple[int, int]:
    """Length of the phrase that loops from ``at`` on and how often it comes; (1, 1) where none does."""
    for size in range(1, _LONGEST_PHRASE + 1):
        rounds = 1
        phrase = words[at : at + size]
        while words[at + rounds * size : at + (rounds + 1) * size] == phrase:
            rounds += 1
        if len(phrase) == size and rounds >= _LEAST_REPEATS.get(size, _OTHER_REPEATS):
            return size, rounds
    return 1, 1


def _plain(word: str) -> str:
    return word.strip(" .,!?;:\"'()[]-\u2026").casefold()


def _units(text: HeardText) -> list[str]:
    """Its words; where it came without, those between spaces, or characters in scripts that have none."""
    if text.words:
        return [word.text for word in text.words]
    return text.text.split() if _has_spaces(text.text, len(text.text) // 20) else list(text.text.replace(" ", ""))


def _has_spaces(text: str, least: int) -> bool:
    return text.count(" ") >= least


def _with_units(text: HeardText, units: Sequence[str], places: Sequence[int]) -> HeardText:
    if len(places) == len(units):
        return text
    between = " " if _has_spaces(text.text, max(1, len(units) // 2)) else ""
    words = tuple(text.words[place] for place in places) if text.words else ()
    return replace(text, text=between.join(units[place] for place in places), words=words)


def _is_silence(text: HeardText) -> bool:
    return text.no_speech is not None and text.no_speech > _NO_SPEECH and text.log_probability < _UNLIKELY


def _share(text: HeardText, speech: Spans) -> float:
    length = text.end_s - text.start_s
    if length <= 0:
        return float(any(first <= text.start_s <= last for first, last in speech))
    covered = sum(max(0.0, min(last, text.end_s) - max(first, text.start_s)) for first, last in speech)
    return covered / length


def in_order(words: Sequence[HeardWord], floor_s: float, ceiling_s: float) -> tuple[HeardWord, ...]:
    """The words with times that never go back, within ``[floor_s, ceiling_s]``."""
    placed = []
    for word in words:
        start = min(max(word.start_s, floor_s), ceiling_s)
        end = min(max(word.end_s, start), ceiling_s)
        placed.append(replace(word, start_s=start, end_s=end))
        floor_s = end
    return tuple(placed)
