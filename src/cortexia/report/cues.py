"""What is said, in portions that can be read off a picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from cortexia.cues.layout import Layout
from cortexia.cues.making import cue_lines, cues
from cortexia.cues.said import Said, parts
from cortexia.cues.text import space_between
from cortexia.report.heard import Line
from cortexia.report.letters import composed
from cortexia.report.words import one_line

LAYOUT = Layout(gap=0, divides=True)
"""As subtitles in files have it; no gap, which would flicker on a picture."""
_US = 1000
_AT_ONCE = 8
"""Cues that are looked through for one that still runs."""


class ShownCue(NamedTuple):
    """``speaker``: an id, where it is known. Times in milliseconds."""

    start: int
    end: int
    speaker: str | None
    lines: tuple[str, ...]


def shown_cues(lines: Iterable[Line]) -> list[ShownCue]:
    """In order of their starts."""
    said = sorted((one for number, line in enumerate(lines) for one in _said(line, number)), key=_start)
    return [
        ShownCue(cue.start_ms, cue.end_ms, cue.speaker, tuple(cue_lines(cue, LAYOUT))) for cue in cues(said, LAYOUT)
    ]


def _start(said: Said) -> int:
    return said.start_ms


def _said(line: Line, number: int) -> Iterator[Said]:
    """The words of a line at their times; text whose time is not known has that until the next word."""
    firsts = [place for place, word in enumerate(line.words) if _begins(line.text, word.first)]
    cuts = [line.words[place].first for place in firsts]
    if not cuts or line.text[: cuts[0]].strip():
        end = line.words[firsts[0]].start if cuts else line.end
        yield from _spread(line, (0, cuts[0] if cuts else len(line.text)), (line.start, end), number)
    ends = pairwise([*firsts, len(line.words)])
    for (place, after), (first, last) in zip(ends, pairwise([*cuts, len(line.text)]), strict=True):
        timed = line.words[after - 1]
        later = line.words[after].start if after < len(line.words) else line.end
        is_all = not line.text[timed.last : last].strip() or len(line.text[first:last].split()) == 1
        yield from _spread(line, (first, last), (line.words[place].start, timed.end if is_all else later), number)


def _begins(text: str, place: int) -> bool:
    """Whether a word that can stand apart begins there, and not a part of one, such as ``ami`` of ``l'ami``."""
    return not place or text[place - 1].isspace() or not space_between(text[place - 1], text[place])


def _spread(line: Line, part: tuple[int, int], times: tuple[int, int], number: int) -> Iterator[Said]:
    text = one_line(composed(line.text[slice(*part)]))
    start = times[0] // _US
    return parts(start, max(start + 1, times[1] // _US), text, line.speaker, number)


class HeldCues:
    """The cue of each moment: of those that run the one that began last."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._cues = shown_cues(lines)
        self._starts = [cue.start for cue in self._cues]

    def at(self, start: int) -> ShownCue | None:
        """For a time (µs)."""
        now = start // _US
        place = bisect_right(self._starts, now)
        begun = self._cues[max(0, place - _AT_ONCE) : place]
        return next((cue for cue in reversed(begun) if now < cue.end), None)
