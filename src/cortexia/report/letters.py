"""The lettering of pictures: Open Sans, which the package ``ttf-opensans`` brings along. Pillow's own font has letters
without accents only, and what a system has differs from machine to machine."""

from __future__ import annotations

import functools
import unicodedata

import ttf_opensans
from PIL import ImageFont

Font = ImageFont.FreeTypeFont


@functools.lru_cache(maxsize=64)
def font(size: int, is_bold: bool = False) -> Font:
    """Latin letters with all their accents, Greek and Cyrillic ones; others show as boxes."""
    face = ttf_opensans.OPENSANS_SEMIBOLD if is_bold else ttf_opensans.OPENSANS_REGULAR
    return ImageFont.truetype(str(face.path), size)


def composed(text: str) -> str:
    """Letters in one piece with their accents, as fonts have them."""
    return unicodedata.normalize("NFC", text)
