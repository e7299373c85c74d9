"""What is said, in portions that can be read off a picture."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cortexia.report.heard import Line
from cortexia.report.letters import composed
from cortexia.report.words import one_line

WIDTH, LINES = 42, 2
"""Characters of a line, and lines of a cue."""
_PAUSE = 800_000
"""After such a pause (µs) between words a new cue begins."""
_LEAST = 1_000_000
"""A cue stays at least so long (µs), unless the next one begins."""
_AT_ONCE = 8
"""Cues that are looked through for one that still runs."""


class Cue(NamedTuple):
    """``speaker``: an id, where it is known. Times in µs."""

    start: int
    end: int
    speaker: str | None
    lines: tuple[str, ...]


class _Token(NamedTuple):
    """Signs without a space between them, at most a line of them."""

    text: str
    start: int
    end: int


def make_cues(line: Line) -> list[Cue]:
    """At most two lines of 42 characters each, about equally long; breaks where there is a pause. Words whose times are
    not known are spread over the time of their line by their length."""
    chunks = [chunk for group in _groups(_tokens(line)) for chunk in _chunks(group)]
    return [
        Cue(chunk[0].start, max(chunk[-1].end, chunk[0].start + _LEAST), line.speaker, _rows(chunk)) for chunk in chunks
    ]


def _tokens(line: Line) -> list[_Token]:
    firsts = [word.first for word in line.words]
    found: list[_Token] = []
    for match in re.finditer(r"\S+", line.text):
        own = line.words[bisect_left(firsts, match.start()) : bisect_left(firsts, match.end())]
        start = own[0].start if own else _at(line, match.start())
        # to the next sign: a space is no pause
        end = max(own[-1].end if own else min(line.end, _at(line, match.end() + 1)), start)
        text = one_line(composed(match[0]))
        found += [_Token(text[at : at + WIDTH], start, end) for at in range(0, len(text), WIDTH)]
    return found


def _at(line: Line, place: int) -> int:
    return line.start + (line.end - line.start) * place // max(1, len(line.text))


def _groups(tokens: list[_Token]) -> Iterator[list[_Token]]:
    group: list[_Token] = []
    for token in tokens:
        if group and token.start - group[-1].end >= _PAUSE:
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _chunks(tokens: list[_Token]) -> list[list[_Token]]:
    """As few as hold two lines each, and about equally long."""
    rows = _filled(tokens, WIDTH)
    amount = -(-len(rows) // LINES)
    for width in range(_length(tokens) // amount, WIDTH * LINES + 1):
        made = _filled(tokens, width)
        if len(made) <= amount and all(len(_filled(chunk, WIDTH)) <= LINES for chunk in made):
            return made
    return [[token for row in rows[at : at + LINES] for token in row] for at in range(0, len(rows), LINES)]


def _rows(tokens: list[_Token]) -> tuple[str, ...]:
    """The narrowest lines that are no more than need be."""
    amount = len(_filled(tokens, WIDTH))
    for width in range(_length(tokens) // amount, WIDTH):
        made = _filled(tokens, width)
        if len(made) <= amount:
            break
    else:
        made = _filled(tokens, WIDTH)
    return tuple(" ".join(token.text for token in row) for row in made)


def _filled(tokens: list[_Token], width: int) -> list[list[_Token]]:
    rows: list[list[_Token]] = []
    room = -1
    for token in tokens:
        if len(token.text) > room:
            rows.append([])
            room = width
        rows[-1].append(token)
        room -= len(token.text) + 1
    return rows


def _length(tokens: list[_Token]) -> int:
    return sum(len(token.text) + 1 for token in tokens) - 1


class HeldCues:
    """The cue of each moment: of those that run the one that began last."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._cues = sorted((cue for line in lines for cue in make_cues(line)), key=lambda cue: (cue.start, cue.end))
        self._starts = [cue.start for cue in self._cues]

    def at(self, start: int) -> Cue | None:
        """For a time (µs)."""
        place = bisect_right(self._starts, start)
        begun = self._cues[max(0, place - _AT_ONCE) : place]
        return next((cue for cue in reversed(begun) if start < cue.end), None)
