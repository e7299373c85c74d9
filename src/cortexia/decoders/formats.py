"""What kind of picture file something is, by its first bytes alone. Names are not asked."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_HEAD_BYTES = 64
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS_LOOKED_AT = 1000
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})


def still_format(path: Path) -> str | None:
    """Pillow's name of the format of a still picture, or ``None`` for anything else, animations and sound included.

    GIF, APNG and AVIF sequences are videos, and so is HEIF: FFmpeg reads them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head.startswith(_PNG):
                return None if _is_animated_png(file) else "PNG"
            return _format_of(head)
    except (OSError, ValueError):
        return None


def is_picture(path: Path) -> bool:
    """Whether a person would call the file a picture: a still, or a photo in HEIF (which FFmpeg decodes)."""
    if still_format(path) is not None:
        return True
    try:
        with path.open("rb") as file:
            return bool(_brands(file.read(_HEAD_BYTES)) & _HEIF_BRANDS)
    except (OSError, ValueError):
        return False


def begins_like_picture(head: bytes) -> bool:
    """Whether the first bytes (64 or more) are those of a still picture, or of an animated PNG."""
    return head.startswith(_PNG) or _format_of(head) is not None


def _format_of(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:2] == b"BM" and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    brands = _brands(head)
    return "AVIF" if b"avif" in brands and b"avis" not in brands else None


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file, as far as they lie in its head."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(len(head), int.from_bytes(head[:4], "big"))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether an animation is announced before the first picture data."""
    at = len(_PNG)
    for _ in range(_PNG_CHUNKS_LOOKED_AT):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8 or header[4:] in (b"IDAT", b"IEND"):
            return False
        if header[4:] == b"acTL":
            return True
        at += 12 + int.from_bytes(header[:4], "big")
    return False
