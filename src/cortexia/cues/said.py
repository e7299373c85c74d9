"""What is said, piece by piece, as cues are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cortexia.cues.text import chunks, cleaned, pieces, width


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
    return _shared(Said(start_ms, end_ms, "", speaker, utterance), pieces(cleaned(text)))


def divided(said: Iterable[Said], columns: int) -> Iterator[Said]:
    """Words wider than ``columns`` in parts that are not, which share their time."""
    for one in said:
        if width(one.text) <= columns:
            yield one
        else:
            yield from _shared(one, chunks(one.text, columns))


def _shared(whole: Said, words: Sequence[str]) -> Iterator[Said]:
    columns = sum(map(width, words)) or 1
    lasts, done = whole.end_ms - whole.start_ms, 0
    for word in words:
        begins = whole.start_ms + lasts * done // columns
        done += width(word)
        ends = max(whole.start_ms + lasts * done // columns, begins + 1)
        yield replace(whole, start_ms=begins, end_ms=ends, text=word)
