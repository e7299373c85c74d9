"""The text of what is said, as the page shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cortexia.report.axis import Axis
from cortexia.report.heard import Heard, Line
from cortexia.report.style import speaker_shades
from cortexia.report.words import plural
from cortexia.wording import clock

LINES_SHOWN = 3000
CHARACTERS_SHOWN = 300_000
OPEN_LINES, PAGE_LINES = 40, 100
UNSURE = 0.5
"""Below this confidence words are set apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words side by side. ``doubt``: the least confidence, where they are set apart; else empty."""

    text: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class SaidLine:
    """``speaker`` is empty where the same one goes on, or where it is not known; ``shade``: place in the palette.
    ``language``: where it is not that of most lines."""

    start: str
    speaker: str
    shade: int | None
    language: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Transcript:
    """``pages``: title and lines of each, the first to be shown at once, and the rest, which is ``folded``, when asked
    for. ``summary`` and ``note`` say what it is, and what is left out."""

    pages: list[tuple[str, list[SaidLine]]]
    folded: str
    summary: str
    note: str
    has_speakers: bool
    has_doubts: bool


def make_transcript(heard: Heard, axis: Axis) -> Transcript:
    """At most 3000 lines or 300 000 characters, forty of them at once and the rest in pages of a hundred."""
    every = heard.lines()
    lines = every[: _most(every)]
    folded = [lines[at : at + PAGE_LINES] for at in range(OPEN_LINES, len(lines), PAGE_LINES)]
    pages = [lines[:OPEN_LINES], *folded] if lines else []
    usual = _usual(every)
    shades = speaker_shades(heard)
    made = [(_title(page, axis), list(_said(page, heard, shades, usual, axis))) for page in pages]
    left = len(every) - len(lines)
    return Transcript(
        pages=made,
        folded=plural(len(lines) - OPEN_LINES, "more line") if folded else "",
        summary=_summary(every, heard, usual),
        note=f"{plural(left, 'more line')} not shown." if left else "",
        has_speakers=any(line.speaker for line in lines),
        has_doubts=any(piece.doubt for _, page in made for line in page for piece in line.pieces),
    )


def _most(lines: Sequence[Line]) -> int:
    total = 0
    for place, line in enumerate(lines[:LINES_SHOWN]):
        total += len(line.text)
        if total > CHARACTERS_SHOWN:
            return place
    return LINES_SHOWN


def _usual(lines: Sequence[Line]) -> str:
    """The language of most lines, as ``_language`` tells it."""
    told = Counter(_language(line) for line in lines)
    return min(told, key=lambda name: (-told[name], name), default="")


def _language(line: Line) -> str:
    if line.is_translated:
        return f"translated from {line.language}" if line.language else "translated"
    return line.language or ""


def _summary(lines: Sequence[Line], heard: Heard, usual: str) -> str:
    speakers = len({line.speaker for line in lines if line.speaker} & set(heard.speakers))
    told = [plural(len(lines), "line"), plural(speakers, "speaker") if speakers else "", usual]
    return ", ".join(part for part in told if part) if lines else ""


def _title(page: Sequence[Line], axis: Axis) -> str:
    return f"{axis.between(page[0].start, page[-1].end)}, {plural(len(page), 'line')}"


def _said(page: Sequence[Line], heard: Heard, shades: dict[str, int], usual: str, axis: Axis) -> Iterator[SaidLine]:
    before: str | None = None
    for line in page:
        is_new = line.speaker is not None and line.speaker != before
        before = line.speaker
        language = _language(line)
        yield SaidLine(
            start=clock(line.start, axis.decimals),
            speaker=heard.speakers[line.speaker].name if line.speaker and is_new else "",
            shade=None if line.speaker is None else shades[line.speaker],
            language=(language or "language not known") if language != usual else "",
            pieces=list(_pieces(line)),
        )


def _pieces(line: Line) -> Iterator[Piece]:
    """Words of little confidence apart; of a line without words the line."""
    if not line.words:
        yield _piece(line.text, [line.confidence])
        return
    at, doubts = 0, list[float | None]()
    for place, word in enumerate(line.words):
        doubts.append(word.confidence)
        later = line.words[place + 1] if place + 1 < len(line.words) else None
        if later is None or _is_unsure(word.confidence) != _is_unsure(later.confidence):
            # the space before a word belongs to what is sure
            until = len(line.text) if later is None else word.last if _is_unsure(word.confidence) else later.first
            yield _piece(line.text[at:until], doubts)
            at, doubts = until, []


def _piece(text: str, confidences: list[float | None]) -> Piece:
    least = min((told for told in confidences if told is not None), default=None)
    return Piece(text, f"{least:.2f}" if least is not None and _is_unsure(least) else "")


def _is_unsure(confidence: float | None) -> bool:
    return confidence is not None and confidence < UNSURE
