"""The board on which a frame of the annotated video is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from cortexia.report.overlays import Pen, box_edges, draw_face, draw_pose, fill_mask
from cortexia.report.palette import LABEL_COLOURS, TEXT_ON
from cortexia.report.pictures import font, plate
from cortexia.report.style import Style
from cortexia.report.subtitles import Subtitle, draw_subtitle
from cortexia.report.words import one_line, short
from cortexia.sightings import Sighting
from cortexia.types import Face, Picture

_Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_CAPTION_LINES = 2
_NOTHING_HEARD = Subtitle()
_CROWD = 16
"""From so many things on names are small and short: numbers of tracks, labels of others."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands below the picture: to the left, to the right, and below them a caption."""

    left: str = ""
    right: str = ""
    caption: str = ""


class Canvas:
    """Draws on boards of one size. The bar stands below the picture and hides nothing of it; ``has_captions``: whether
    it has lines for them."""

    def __init__(self, picture: tuple[int, int], style: Style, has_captions: bool = False) -> None:
        self._picture = picture
        self._scale = (1.0, 1.0)
        self._style = style
        short_side = min(picture)
        self._text = max(11, round(short_side / 30))
        self._line = self._text + max(8, self._text // 2)
        self._caption_line = round(self._text * 1.35)
        bar = self._line + (_CAPTION_LINES * self._caption_line + self._text // 3 if has_captions else 0)
        # encoders want even sizes
        self.size = picture[0] + picture[0] % 2, (picture[1] + bar + 1) // 2 * 2
        self._stroke = max(2, round(short_side / 200))

    def begin(self, picture: Picture, display: tuple[int, int]) -> None:
        """Take ``picture`` (h, w, 3) uint8 RGB of a frame of ``display`` size, in which its boxes are given.

        A stream may change its size on the way: what comes then is scaled to the size that it began with.
        """
        if picture.shape[1::-1] != self._picture:
            picture = np.asarray(cv2.resize(picture, self._picture, interpolation=cv2.INTER_LINEAR), np.uint8)
        self._scale = (self._picture[0] / display[0], self._picture[1] / display[1])
        self._pixels = picture.copy()

    def drawn(self, found: list[Sighting], bar: Bar, subtitle: Subtitle = _NOTHING_HEARD) -> Picture:
        """The board (h, w, 3): areas, then lines, names, what is heard, and below the picture the bar."""
        ordered = sorted(found, key=lambda sighting: sighting.region.confidence or 0.0)
        for sighting in ordered:
            if sighting.mask is not None:
                fill_mask(self._pixels, sighting.mask, self._colour(sighting))
        # on the picture alone: what is guessed beyond its edge does not run into the bar
        picture = Image.fromarray(self._pixels)
        pen = Pen(ImageDraw.Draw(picture), self._scale, self._stroke)
        for sighting in ordered:
            self._lines(pen, sighting)
        board = Image.new("RGB", self.size)
        board.paste(picture, (0, 0))
        draw = ImageDraw.Draw(board)
        # names after all boxes: no line runs through them; in a crowd the surest keep theirs
        taken: list[_Rectangle] = []
        for sighting in reversed(ordered):
            self._name(draw, sighting, taken, is_brief=len(ordered) >= _CROWD)
        draw_subtitle(board, self._picture, subtitle)
        self._bar(draw, bar)
        return np.asarray(board)

    def _colour(self, sighting: Sighting) -> str:
        return LABEL_COLOURS[self._style.shade(sighting)]

    def _lines(self, pen: Pen, sighting: Sighting) -> None:
        is_face = isinstance(sighting.region, Face)
        width = max(1, self._stroke // 2) if is_face else self._stroke
        pen.draw.rectangle(self._edges(sighting), outline=self._colour(sighting), width=width)
        if sighting.pose is not None:
            draw_pose(pen, sighting.pose, self._colour(sighting))
        if isinstance(sighting.region, Face):
            draw_face(pen, sighting.region)

    def _edges(self, sighting: Sighting) -> _Rectangle:
        return box_edges(sighting.box, self._scale, self._picture)

    def _name(self, draw: ImageDraw.ImageDraw, sighting: Sighting, taken: list[_Rectangle], is_brief: bool) -> None:
        """Above the box, in it or below it, where there is room and no other name; else the colour alone tells it."""
        text = self._plate_text(sighting, is_brief)
        if not text:
            return
        x1, y1, _, y2 = self._edges(sighting)
        size = max(9, self._text * 2 // 3) if is_brief else self._text
        pad = max(2, size // 4)
        tag = size + 2 * pad
        width = draw.textlength(text, font=font(size)) + 2 * pad
        left = max(0.0, min(x1, self._picture[0] - width))
        for top in (y1 - tag, y1, y2):
            place = (left, top, left + width, top + tag)
            if 0 <= top <= self._picture[1] - tag and not any(_overlap(place, other) for other in taken):
                taken.append(place)
                shade = self._style.shade(sighting)
                plate(draw, (left, top), text, size, (TEXT_ON[shade], LABEL_COLOURS[shade]))
                return

    def _plate_text(self, sighting: Sighting, is_brief: bool) -> str:
        name, confidence = self._style.name(sighting), sighting.region.confidence
        if is_brief:
            return one_line(short("".join(name.split()[-1:]) if sighting.tracked else name, 20))
        return one_line(short(name, 40)) + ("" if confidence is None or not name else f"  {confidence:.2f}")

    def _bar(self, draw: ImageDraw.ImageDraw, bar: Bar) -> None:
        width, top, edge = self.size[0], self._picture[1], self._text // 2
        face, middle = font(self._text), top + self._line / 2
        draw.text((edge, middle), one_line(bar.left), font=face, fill="#a5adb6", anchor="lm")
        draw.text((width - edge, middle), bar.right, font=face, fill="#ffffff", anchor="rm")
        lines = _wrapped(draw, one_line(bar.caption), width - 2 * edge, self._text)
        for place, line in enumerate(lines):
            draw.text(
                (edge, top + self._line + place * self._caption_line), line, font=face, fill="#ffffff", anchor="la"
            )


def _overlap(one: _Rectangle, other: _Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: float, size: int) -> list[str]:
    """Lines of whole words that fit, two at most; where text is left over, the last ends with dots."""
    face = font(size)
    words, lines = short(text, 500).split(), [""]
    while words:
        longer = f"{lines[-1]} {words[0]}".strip()
        if draw.textlength(longer, font=face) <= width:
            lines[-1] = longer
            words.pop(0)
        elif len(lines) < _CAPTION_LINES and lines[-1]:
            lines.append("")
        else:
            lines[-1] = _cut(draw, longer, width, size)
            if len(lines) == _CAPTION_LINES:
                break
            lines.append("")
            words.pop(0)
    return [line for line in lines if line]


def _cut(draw: ImageDraw.ImageDraw, text: str, width: float, size: int) -> str:
    """The beginning that fits, with dots."""
    while text and draw.textlength(f"{text}…", font=font(size)) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
