"""What is heard, drawn on the picture: the words of the moment with who says them, and the names of sounds."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from PIL import Image, ImageDraw

from cortexia.report.cues import HeldCues
from cortexia.report.heard import Heard
from cortexia.report.letters import composed, font
from cortexia.report.palette import LABEL_COLOURS, TEXT_ON
from cortexia.report.series import Span, runs_of
from cortexia.report.style import speaker_shades
from cortexia.report.words import one_line

_TAGS_SHOWN = 3
_SPOKEN = frozenset({"speech"})
"""Sounds that words tell."""
_LEAST_SIZE = 8
_NAME_LIMIT = 28
_SHADOW = 0.75
"""How dark the ground of letters is."""


@dataclass(frozen=True, slots=True)
class Subtitle:
    """``lines``: two at most. ``shade``: of the speaker, a place in the palette. ``tags``: names of sounds."""

    lines: tuple[str, ...] = ()
    speaker: str = ""
    shade: int | None = None
    tags: tuple[str, ...] = ()


class HeldSounds:
    """What is heard at each moment."""

    def __init__(self, heard: Heard) -> None:
        self._cues = HeldCues(heard.lines())
        self._names = {key: speaker.name for key, speaker in heard.speakers.items()}
        self._shades = speaker_shades(heard)
        self._events = {
            label: list(runs_of(series, 0)) for label, series in sorted(heard.events.items()) if label not in _SPOKEN
        }

    def at(self, start: int) -> Subtitle:
        """For a time (µs)."""
        tags = tuple(label for label, spans in self._events.items() if _is_on(spans, start))
        cue = self._cues.at(start)
        if cue is None:
            return Subtitle(tags=tags)
        name = self._names.get(cue.speaker or "", "")
        return Subtitle(cue.lines, name, self._shades.get(cue.speaker or ""), tags)


def _is_on(spans: list[Span], start: int) -> bool:
    """Whether one of ``spans``, which do not overlap, holds a time (µs)."""
    place = bisect_right(spans, start, key=lambda span: span.start) - 1
    return place >= 0 and start < spans[place].end


def draw_subtitle(board: Image.Image, picture: tuple[int, int], subtitle: Subtitle) -> None:
    """Words at the bottom of a picture of this width and height at the top left of ``board``, names of sounds at its
    top right; smaller where there is little room, and not at all where letters would be lower than 8 pixels."""
    if subtitle.lines:
        _draw_words(board, picture, subtitle)
    top = round(min(picture) / 50)
    for tag in subtitle.tags[:_TAGS_SHOWN]:
        top = _draw_tag(board, picture, _named(tag), top)


def _named(name: str) -> str:
    shown = one_line(composed(name))
    return shown if len(shown) <= _NAME_LIMIT else f"{shown[:_NAME_LIMIT]}…"


def _draw_words(board: Image.Image, picture: tuple[int, int], subtitle: Subtitle) -> None:
    width, height = picture
    size = _fitting(subtitle.lines, width, max(12, round(min(picture) / 17)))
    line, pad = round(size * 1.32), max(2, size // 3)
    tall = line * len(subtitle.lines) + pad
    bottom = height - max(2, height // 40)
    if size < _LEAST_SIZE or tall > bottom:
        return
    face = font(size)
    wide = max(face.getlength(text) for text in subtitle.lines) + 2 * pad
    left, top = round((width - wide) / 2), bottom - tall
    _darken(board, (left, top, left + wide, bottom))
    draw = ImageDraw.Draw(board)
    for place, text in enumerate(subtitle.lines):
        middle = top + pad / 2 + (place + 0.5) * line
        draw.text((width / 2, middle), text, font=face, fill="#ffffff", anchor="mm")
    if subtitle.speaker and subtitle.shade is not None:
        name = _named(subtitle.speaker)
        _draw_name(draw, (left, top), name, max(_LEAST_SIZE, round(size * 0.72)), subtitle.shade)


def _fitting(lines: tuple[str, ...], width: int, size: int) -> int:
    """The size, or what of it fits in nine tenths of the width."""
    longest = max(font(size).getlength(text) for text in lines)
    return size if longest <= 0.9 * width else int(size * 0.9 * width / longest)


def _draw_name(draw: ImageDraw.ImageDraw, place: tuple[float, float], name: str, size: int, shade: int) -> None:
    """On a plate of the speaker's colour that stands on the words, where there is room."""
    face = font(size, is_bold=True)
    tall, pad = round(size * 1.4), max(2, size // 2)
    left, bottom = place
    if bottom < tall:
        return
    draw.rectangle((left, bottom - tall, left + face.getlength(name) + 2 * pad, bottom - 1), fill=LABEL_COLOURS[shade])
    draw.text((left + pad, bottom - tall / 2), name, font=face, fill=TEXT_ON[shade], anchor="lm")


def _draw_tag(board: Image.Image, picture: tuple[int, int], tag: str, top: int) -> int:
    """A sign of three bars and the name of a sound; returns where the next one begins."""
    width, height = picture
    size = max(10, round(min(picture) / 26))
    face, pad, gap = font(size), max(2, size // 3), max(2, size // 5)
    tall, bar = round(size * 1.5), max(1, size // 7)
    wide = face.getlength(tag) + 2 * pad + 6 * bar + gap
    left = width - wide - round(min(picture) / 50)
    if left < 0 or top + tall > height:
        return top
    _darken(board, (left, top, left + wide, top + tall))
    draw = ImageDraw.Draw(board)
    for place, share in enumerate((0.35, 0.8, 0.5)):
        x, half = left + pad + place * 2 * bar, size * share / 2
        draw.rectangle((x, top + tall / 2 - half, x + bar - 1, top + tall / 2 + half), fill="#7fd3dd")
    draw.text((left + pad + 6 * bar + gap, top + tall / 2), tag, font=face, fill="#ffffff", anchor="lm")
    return top + tall + max(2, size // 5)


def _darken(board: Image.Image, box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = (round(edge) for edge in box)
    area = (max(0, left), max(0, top), min(board.width, right), min(board.height, bottom))
    if area[0] < area[2] and area[1] < area[3]:
        part = board.crop(area)
        board.paste(Image.blend(part, Image.new("RGB", part.size, "#000000"), _SHADOW), area)
