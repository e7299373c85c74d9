"""Pictures for pages: opened warily, scaled down, encoded anew without metadata."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from cortexia.errors import CortexiaError, ValidationError
from cortexia.report.letters import font as font

PIXEL_LIMIT = 64_000_000


def opened(data: bytes) -> Image.Image:
    """The JPEG picture in ``data`` as RGB. Raises ``ValidationError`` for anything else, and beyond 64 megapixels."""
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG",))
        if picture.width * picture.height > PIXEL_LIMIT:
            raise ValidationError(f"a picture of {picture.width}x{picture.height} pixels is too large to be shown")
        return picture.convert("RGB")
    except (OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise ValidationError(f"a stored picture cannot be decoded: {error}") from error


def fetched(blob: Callable[[str], bytes], digest: str) -> Image.Image | None:
    """A stored picture; ``None`` where it is missing or damaged: a report goes on without it, and shows that."""
    try:
        return opened(blob(digest))
    except CortexiaError:
        return None


def encoded(picture: Image.Image, quality: int = 70) -> bytes:
    """JPEG, the same bytes for the same pixels."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled down, never up, to fit into ``width`` x ``height``."""
    copy = picture.copy()
    copy.thumbnail((width, height), Image.Resampling.LANCZOS)
    return copy


def data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def filmstrip(pictures: Sequence[Image.Image], height: int) -> Image.Image | None:
    """Pictures side by side with a pixel between them, each ``height`` high."""
    if not pictures:
        return None
    widths = [max(1, min(4 * height, round(picture.width * height / picture.height))) for picture in pictures]
    strip = Image.new("RGB", (sum(widths) + 2 * (len(widths) - 1), height), (255, 255, 255))
    at = 0
    for picture, width in zip(pictures, widths, strict=True):
        strip.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (at, 0))
        at += width + 2
    return strip


def plate(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colours: tuple[str, str]
) -> tuple[float, float, float, float]:
    """One line of text in ``colours[0]`` on a plate of ``colours[1]`` with its top left at ``place``; returns the
    plate's box."""
    face = font(size)
    left, top, right, bottom = draw.textbbox(place, text, font=face, anchor="lt")
    pad = max(2, size // 4)
    box = (left, top, right + 2 * pad, bottom + 2 * pad)
    draw.rectangle(box, fill=colours[1])
    draw.text((place[0] + pad, place[1] + pad), text, font=face, fill=colours[0], anchor="lt")
    return box


def evenly(items: Sequence[object], most: int) -> list[int]:
    """Indexes of at most ``most`` of ``items``, spread over all of them, the first included."""
    if len(items) <= most:
        return list(range(len(items)))
    return [place * len(items) // most for place in range(most)]
