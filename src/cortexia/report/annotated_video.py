"""The video itself with what was found drawn in: boxes with labels, and below the picture shot and time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageDraw

from cortexia.decoders.base import DamageFound, Decoder, DecodeRequest, ViewRequest
from cortexia.decoders.writer import VideoWriter
from cortexia.errors import ConfigurationError
from cortexia.files import temporary_beside, translate_os_error
from cortexia.report.base import VideoData
from cortexia.report.drawn import MAX_SIDE
from cortexia.report.gather import NO_LABEL, Facts, gather
from cortexia.report.palette import LABEL_COLOURS, TEXT_ON, colour_indexes
from cortexia.report.pictures import font, plate
from cortexia.report.words import short, visible
from cortexia.types import Detection, Frame, MediaInfo, Picture, Sampling, VideoStream, ViewSpec
from cortexia.wording import clock

_Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""

HOLD_LIMIT_S = 2.0
_HOLD_STEPS = 1.5


@dataclass(frozen=True, slots=True)
class Drawing:
    """How to draw: colour of each label, and how long boxes stay (µs) when no later frame has any."""

    colours: dict[str, int]
    hold: int
    hours: bool


@dataclass(frozen=True, slots=True)
class DecodeSource:
    """The video to draw on, and how to decode it: ``threads`` as in ``DecodeRequest``."""

    decoder: Decoder
    path: Path
    threads: int = 0


def write_annotated_video(
    data: VideoData,
    source: DecodeSource,
    output: Path,
    max_side: int = MAX_SIDE,
    on_frame: Callable[[float], None] = lambda time_s: None,
) -> int:
    """Decode the source once and write every frame at its own time; returns how many frames.

    Boxes stay until the next frame that has any, at most one and a half times the usual time between such frames, never
    beyond two seconds or the end of their shot. ``max_side``: the longer side shrinks to at most this many pixels.
    Raises ``ConfigurationError`` where the video has no pictures, or is the very file to write.
    """
    if output.exists() and output.samefile(source.path):
        raise ConfigurationError(f"{output} is the video that is read; name another file")
    media = data.record.media
    if media is None or media.video is None:
        raise ConfigurationError(f"{data.record.identity.filename} has no pictures to draw on, or was not read yet")
    facts = gather(data)
    with translate_os_error(output):
        made = temporary_beside(output, ".mp4")
    try:
        job = _Job(data, facts, media, media.video, source, made, max_side)
        frames = job.run(on_frame)
        with translate_os_error(output):
            made.replace(output)
    finally:
        with suppress(FileNotFoundError):
            made.unlink()
    return frames


@dataclass(frozen=True)
class _Job:
    data: VideoData
    facts: Facts
    media: MediaInfo
    video: VideoStream
    source: DecodeSource
    output: Path
    max_side: int

    def run(self, on_frame: Callable[[float], None]) -> int:
        """With several threads first; damage shows then, and it begins anew with one (as annotating does)."""
        try:
            return self._attempt(self.source.threads, on_frame)
        except DamageFound:
            return self._attempt(1, on_frame)

    def _attempt(self, threads: int, on_frame: Callable[[float], None]) -> int:
        spec = ViewSpec(bound=self.max_side, pixel_format="rgb", resample="area")
        width, height = spec.fit(self.video.width, self.video.height)
        canvas = Canvas((width, height), self._drawing())
        boxes = HeldBoxes(self.data, canvas.drawing.hold, self.facts)
        request = DecodeRequest(video=(ViewRequest(Sampling.every(), (spec,)),), threads=threads)
        base, frames = self.video.time_base, 0
        with (
            self.source.decoder.open(self.source.path, self.media, request) as stream,
            VideoWriter(self.output, canvas.size, base, (self.source.path, self.media)) as writer,
        ):
            for frame in stream:
                shown = cast(Frame, frame)
                start = shown.timestamp.micros(self.media.origin)
                canvas.begin(shown.view(spec), shown.size)
                picture = canvas.drawn(boxes.at(shown.index, start), self._caption(start))
                pts = _ticks(shown.timestamp.fraction - self.media.origin, base)
                end = _ticks(shown.end.fraction - self.media.origin, base)
                writer.write(picture, pts, max(1, end - pts))
                frames += 1
                on_frame(shown.time_s)
            writer.finish()
        return frames

    def _drawing(self) -> Drawing:
        hold = min(round(self.facts.detection_step * _HOLD_STEPS), round(HOLD_LIMIT_S * 1e6))
        return Drawing(colour_indexes(self.facts.labels), hold, self.facts.end >= 3_600_000_000)

    def _caption(self, start: int) -> tuple[str, str]:
        shot = self.facts.shot_at(start)
        text = f"shot {shot.number} of {len(self.facts.shots)}" if shot else ""
        camera = self.facts.cameras.get(shot.start) if shot else None
        return (f"{text}   {camera}" if camera else text), clock(start, 3, hours=self.facts.end >= 3_600_000_000)


def _ticks(seconds: Fraction, base: Fraction) -> int:
    return round(seconds / base)


class HeldBoxes:
    """The boxes to draw on each frame, read in step with the frames."""

    def __init__(self, data: VideoData, hold: int, facts: Facts) -> None:
        rows = data.rows("detection")
        self._groups: Iterator[tuple[int, int, list[Detection]]] = (
            (key[0], key[1], [cast(Detection, row.annotation) for row in group])
            for key, group in groupby(rows, key=lambda row: (row.start_us, row.annotation.frame_index or 0))
        )
        self._hold = hold
        self._facts = facts
        self._next = next(self._groups, None)
        self._since = 0
        self._shown: list[Detection] = []

    def at(self, index: int, start: int) -> list[Detection]:
        """Boxes for frame ``index``, shown from ``start`` (µs) on. Frames must come in order."""
        while self._next is not None and self._next[1] <= index:
            self._since, _, self._shown = self._next
            self._next = next(self._groups, None)
        if not self._shown or start == self._since:
            return self._shown
        shot = self._facts.shot_at(self._since)
        is_over = start - self._since > self._hold or (shot is not None and start >= shot.end)
        if is_over:
            self._shown = []
        return self._shown


class Canvas:
    """Draws on boards of one size. The bar stands below the picture and hides nothing of it."""

    def __init__(self, picture: tuple[int, int], drawing: Drawing) -> None:
        self._picture = picture
        self._scale = (1.0, 1.0)
        self.drawing = drawing
        short_side = min(picture)
        self._text = max(11, round(short_side / 30))
        bar = self._text + max(8, self._text // 2)
        # encoders want even sizes
        self.size = picture[0] + picture[0] % 2, (picture[1] + bar + 1) // 2 * 2
        self._stroke = max(2, round(short_side / 200))

    def begin(self, picture: Picture, display: tuple[int, int]) -> None:
        """Take ``picture`` (h, w, 3) uint8 RGB of a frame of ``display`` size, in which its boxes are given.

        A stream may change its size on the way: what comes then is scaled to the size that it began with.
        """
        image = Image.fromarray(picture)
        if image.size != self._picture:
            image = image.resize(self._picture, Image.Resampling.BILINEAR)
        self._scale = (self._picture[0] / display[0], self._picture[1] / display[1])
        self._board = Image.new("RGB", self.size)
        self._board.paste(image, (0, 0))

    def drawn(self, boxes: list[Detection], caption: tuple[str, str]) -> Picture:
        """The board (h, w, 3) with boxes and, below the picture, the caption to the left and to the right."""
        draw = ImageDraw.Draw(self._board)
        ordered = sorted(boxes, key=lambda found: found.confidence or 0.0)
        for found in ordered:
            shade = LABEL_COLOURS[self._shade(found)]
            draw.rectangle(self._edges(found), outline=shade, width=self._stroke)
        # names after all boxes: no line runs through them; in a crowd the surest keep theirs
        taken: list[_Rectangle] = []
        for found in reversed(ordered):
            self._name(draw, found, taken)
        self._bar(draw, caption)
        return np.asarray(self._board)

    def _shade(self, found: Detection) -> int:
        return self.drawing.colours[found.label or NO_LABEL]

    def _edges(self, found: Detection) -> _Rectangle:
        """Left, top, right and bottom on the board, inside the picture."""
        assert found.bbox is not None  # noqa: S101 - a Detection without a box cannot be made  # nosec B101
        across, down = self._scale
        right, bottom = self._picture[0] - 1, self._picture[1] - 1
        x1, x2 = sorted(min(max(0.0, x * across), right) for x in (found.bbox.x1, found.bbox.x2))
        y1, y2 = sorted(min(max(0.0, y * down), bottom) for y in (found.bbox.y1, found.bbox.y2))
        return x1, y1, x2, y2

    def _name(self, draw: ImageDraw.ImageDraw, found: Detection, taken: list[_Rectangle]) -> None:
        """Above the box, in it or below it, where there is room and no other name; else the colour alone tells it."""
        x1, y1, _, y2 = self._edges(found)
        confidence = "" if found.confidence is None else f" {found.confidence:.2f}"
        text = visible(short(found.label or NO_LABEL, 40)) + confidence
        pad = max(2, self._text // 4)
        tag = self._text + 2 * pad
        width = draw.textlength(text, font=font(self._text)) + 2 * pad
        left = max(0.0, min(x1, self._picture[0] - width))
        for top in (y1 - tag, y1, y2):
            place = (left, top, left + width, top + tag)
            if 0 <= top <= self._picture[1] - tag and not any(_overlap(place, other) for other in taken):
                taken.append(place)
                shade = self._shade(found)
                plate(draw, (left, top), text, self._text, (TEXT_ON[shade], LABEL_COLOURS[shade]))
                return

    def _bar(self, draw: ImageDraw.ImageDraw, caption: tuple[str, str]) -> None:
        width, height = self.size
        middle = (self._picture[1] + height) / 2
        draw.text((self._text // 2, middle), caption[0], font=font(self._text), fill="#a5adb6", anchor="lm")
        draw.text((width - self._text // 2, middle), caption[1], font=font(self._text), fill="#ffffff", anchor="rm")


def _overlap(one: _Rectangle, other: _Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
