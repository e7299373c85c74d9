"""The one place where Pillow reads: one picture file in, upright 8-bit RGB out (F11, S-34).

Only the format that the content has is tried. Sizes are checked before anything is decoded. Of all metadata only the
orientation is looked at. Alpha is dropped, not blended; colour profiles are not applied; 16-bit samples keep their
upper 8 bits.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from cortexia.decoders.container import require_file
from cortexia.decoders.damage import said
from cortexia.decoders.formats import still_format
from cortexia.decoders.limits import Limits
from cortexia.errors import RejectedInput
from cortexia.types import Picture

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CLOCKWISE = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_PNG_METADATA = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = 1_000_000


@dataclass(frozen=True, slots=True)
class StillPicture:
    """A decoded picture. ``rgb``: (h, w, 3) uint8, upright. ``stored_size``: width and height before it was turned by
    ``rotation`` clockwise degrees (mirrored pictures count as their nearest turn). ``is_first_of_several``: the
    file holds more, as an animation or as pages."""

    codec: str
    rgb: Picture
    stored_size: tuple[int, int]
    rotation: int
    is_first_of_several: bool


def read_picture(path: Path, limits: Limits) -> StillPicture:
    """Decode the picture file at the absolute ``path``. Raises ``RejectedInput``, whatever is in it."""
    size = require_file(path, limits)
    kind = still_format(path)
    if kind is None:
        raise RejectedInput("not_media", "not a still picture in a format that is read (JPEG PNG WebP AVIF BMP TIFF)")
    if size > limits.picture_bytes:
        raise RejectedInput("too_large", f"a picture file of {size} bytes, at most {limits.picture_bytes} are allowed")
    try:
        with path.open("rb") as file:
            return _read(without_metadata(file) if kind == "PNG" else file, kind, limits)
    except RejectedInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise RejectedInput("too_large", f"a picture of more than the {limits.pixels} pixels allowed") from error
    except UnidentifiedImageError as error:
        raise RejectedInput("no_frames", f"begins like a {kind}, and has no header that can be read") from error
    except PermissionError as error:
        raise RejectedInput("unreadable", f"cannot be read: {said(str(error))}") from error
    except Exception as error:
        raise RejectedInput("no_frames", f"a {kind} that cannot be decoded ({said(str(error))})") from error


def _read(file: BinaryIO, kind: str, limits: Limits) -> StillPicture:
    with _without_warnings(), Image.open(file, formats=[kind]) as image:
        if not limits.allow_picture(*image.size):
            raise RejectedInput("too_large", f"a picture of {image.width}x{image.height} pixels")
        stored_size = image.size
        # JPEG files may carry a second picture (a depth or gain map), which is no part of a sequence
        has_more = kind != "JPEG" and bool(getattr(image, "is_animated", False))
        image.load()
        orientation = _orientation(image)
        turn = _UPRIGHT.get(orientation)
        upright = image.transpose(turn) if turn is not None else image
        return StillPicture(kind.lower(), _rgb(upright), stored_size, _CLOCKWISE.get(orientation, 0), has_more)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow warns of bombs and of metadata: the first is an error here, the second is not used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _orientation(image: Image.Image) -> int:
    """1 to 8 as in EXIF; 1 where it is not stated or cannot be read."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - broken metadata is no reason to refuse a picture
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _rgb(image: Image.Image) -> Picture:
    if image.mode.startswith("I;16"):
        gray = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise RejectedInput("format_not_allowed", "samples of 32 bits, whose range is not stated; convert to 8 or 16")
    return np.asarray(image.convert("RGB"))


def without_metadata(file: BinaryIO) -> BinaryIO:
    """A PNG without texts and colour profile, which may unpack to any size; ``file`` itself if it has none."""
    if not any(kind in _PNG_METADATA for kind, _ in _png_chunks(file)):
        file.seek(0)
        return file
    kept = io.BytesIO(_PNG_SIGNATURE)
    kept.seek(0, io.SEEK_END)
    for kind, length in _png_chunks(file):
        if kind not in _PNG_METADATA:
            file.seek(-8, io.SEEK_CUR)
            kept.write(file.read(length + 12))
    kept.seek(0)
    return kept


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk; when one comes out, ``file`` stands at its data. Raises ``RejectedInput``."""
    at = len(_PNG_SIGNATURE)
    for _ in range(_PNG_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        length = int.from_bytes(header[:4], "big")
        yield header[4:], length
        at += length + 12
    raise RejectedInput("too_large", f"a PNG of more than {_PNG_CHUNKS} chunks")
