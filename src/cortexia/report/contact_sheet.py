"""All shots of a video on one picture."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw

from cortexia.errors import ConfigurationError
from cortexia.files import atomic_write
from cortexia.report.base import VideoData
from cortexia.report.gather import Facts, ShotFacts, gather
from cortexia.report.pictures import evenly, fetched, font, plate
from cortexia.report.words import count, length, one_line, plural, short
from cortexia.wording import clock

CELLS = 60
_CELL_WIDTH = 320
_GAP = 10
_HEAD = 78
_INK, _SOFT, _PAPER, _HOLE = "#e8eaec", "#a5adb6", "#14171a", "#22272c"


def write_contact_sheet(data: VideoData, output: Path) -> int:
    """Write a JPEG with a cell for each shot, at most sixty spread over the video; returns how many cells.

    Each cell holds the shot's representative, its number, and the time of that very picture from the video's origin.
    Raises ``ConfigurationError`` where no key picture is stored.
    """
    facts = gather(data)
    shots = [shot for shot in facts.shots if shot.picture is not None]
    if not shots:
        name = data.record.identity.filename
        raise ConfigurationError(f"no key pictures of {name} are stored; run: cortexia annotate --annotators frames")
    chosen = [shots[place] for place in evenly(shots, CELLS)]
    out = io.BytesIO()
    _sheet(data, facts, chosen).save(out, "JPEG", quality=88, optimize=True)
    atomic_write(output, out.getvalue())
    return len(chosen)


def _sheet(data: VideoData, facts: Facts, shots: list[ShotFacts]) -> Image.Image:
    columns = min(len(shots), 6 if len(shots) > 30 else 5 if len(shots) > 16 else 4 if len(shots) > 9 else 3)
    height = _cell_height(shots)
    rows = -(-len(shots) // columns)
    width = max(640, columns * (_CELL_WIDTH + _GAP) + _GAP)
    sheet = Image.new("RGB", (width, _HEAD + rows * (height + _GAP)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _head(draw, data, facts, len(shots), width)
    for place, shot in enumerate(shots):
        left = _GAP + place % columns * (_CELL_WIDTH + _GAP)
        _cell(sheet, draw, data, shot, (left, _HEAD + place // columns * (height + _GAP)), height)
    return sheet


def _cell_height(shots: list[ShotFacts]) -> int:
    """As the first picture's shape asks, between a third and twice the width."""
    picture = shots[0].picture
    assert picture is not None  # noqa: S101 - only shots with a picture come here  # nosec B101
    return min(2 * _CELL_WIDTH, max(_CELL_WIDTH // 3, round(_CELL_WIDTH * picture.height / picture.width)))


def _head(draw: ImageDraw.ImageDraw, data: VideoData, facts: Facts, cells: int, width: int) -> None:
    media = data.record.media
    words = [length(facts.duration), plural(len(facts.shots), "shot")]
    if media is not None and media.video is not None:
        words.insert(1, f"{media.video.width} x {media.video.height}")
    if cells < len(facts.shots):
        words.append(f"{count(cells)} shown")
    name = _cut(draw, one_line(short(data.record.identity.filename)), 26, width - 2 * _GAP)
    draw.text((_GAP, 12), name, font=font(26), fill=_INK, anchor="lt")
    # the font that comes along has no narrow space
    draw.text((_GAP, 48), "   ".join(words).replace("\u202f", " "), font=font(17), fill=_SOFT, anchor="lt")


def _cut(draw: ImageDraw.ImageDraw, text: str, size: int, room: int) -> str:
    if draw.textlength(text, font=font(size)) <= room:
        return text
    while text and draw.textlength(text + "…", font=font(size)) > room:
        text = text[:-1]
    return text + "…"


def _cell(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    data: VideoData,
    shot: ShotFacts,
    place: tuple[int, int],
    height: int,
) -> None:
    left, top = place
    draw.rectangle((left, top, left + _CELL_WIDTH - 1, top + height - 1), fill=_HOLE)
    assert shot.picture is not None  # noqa: S101 - as above  # nosec B101
    picture = fetched(data.blob, shot.picture.picture)
    if picture is None:
        draw.text((left + 12, top + height // 2), "picture is missing", font=font(17), fill=_SOFT, anchor="lm")
    else:
        picture = _filling(picture, _CELL_WIDTH, height)
        sheet.paste(picture, (left + (_CELL_WIDTH - picture.width) // 2, top + (height - picture.height) // 2))
    plate(draw, (left + 8, top + 8), str(shot.number), 18, ("#ffffff", "#000000"))
    plate(draw, (left + 8, top + height - 36), clock(shot.picture_start, 2), 18, ("#ffffff", "#000000"))


def _filling(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled, up or down, to the largest that fits."""
    factor = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)
