"""What is said, piece by piece, as cues are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cortexia.cues.text import cleaned, pieces, width


@dataclass(frozen=True, slots=True)
class Said:
    """A word, or a part of an utterance that has none, in whole milliseconds; it lasts one at least. ``utterance``
    differs from one utterance to the next. ``is_sound``: ``text`` is the label of a sound, and nobody says it."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    utterance: int = 0
    is_sound: bool = False


def parts(start_ms: int, end_ms: int, text: str, speaker: str | None = None, utterance: int = 0) -> Iterator[Said]:
    """The words of a text of which no times are known: each takes its share of the time by its width."""
    words = pieces(cleaned(text))
    whole = sum(map(width, words)) or 1
    done = 0
    for word in words:
        begins = start_ms + (end_ms - start_ms) * done // whole
        done += width(word)
        ends = max(start_ms + (end_ms - start_ms) * done // whole, begins + 1)
        yield Said(begins, ends, word, speaker, utterance)
