"""Image sequences: the pictures of a folder as one video at a stated rate."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

from cortexia.decoders.formats import still_format
from cortexia.decoders.sequence import MANIFEST, Sequence
from cortexia.errors import RejectedInput
from cortexia.files import translate_os_error
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache
from cortexia.sources.scratch import CacheHolder
from cortexia.sources.uris import path_to_uri, storable
from cortexia.types import digest_of

_NUMBERS = re.compile(r"(\d+)")


class ImageSequenceInputStream:
    """One video: the pictures directly in ``folder`` (JPEG PNG WebP AVIF BMP TIFF, by content), ``rate`` per second.

    They are taken in natural order of their names (``frame9`` before ``frame10``). The video is known by its rate and
    the content of its pictures. In the media cache lie hard links to them, copies where links cannot be made.
    """

    def __init__(self, folder: Path, rate: Fraction, cache: MediaCache | None = None) -> None:
        self._folder = folder
        self._rate = rate
        self._holder = CacheHolder(cache)
        self._left_out: list[Path] = []

    def __iter__(self) -> Iterator[SourceVideo]:
        pictures = self._pictures()
        if not pictures:
            raise RejectedInput("not_media", f"{self._folder} holds no pictures (JPEG PNG WebP AVIF BMP TIFF)")
        with self._holder.scratch() as scratch:
            made = scratch / "sequence"
            with translate_os_error(made):
                made.mkdir()
                (made / MANIFEST).write_bytes(Sequence(self._rate, tuple(path.name for path in pictures)).to_json())
            digests = [_take(path, made / path.name) for path in pictures]
            video_id = digest_of({"rate": str(self._rate), "images": digests})
            kept = self._holder.cache.adopt(made, video_id)
        yield SourceVideo(kept, path_to_uri(self._folder), storable(self._folder.name), video_id)

    def _pictures(self) -> list[Path]:
        found: list[Path] = []
        try:
            entries = list(self._folder.iterdir())
        except OSError as error:
            raise RejectedInput("unreadable", f"{self._folder} cannot be read: {error.strerror}") from error
        for path in sorted(entries, key=lambda path: natural_key(path.name)):
            if path.name.startswith(".") or not path.is_file():
                continue
            is_taken = path.name != MANIFEST and still_format(path) is not None
            (found if is_taken else self._left_out).append(path)
        return found

    @property
    def left_out(self) -> tuple[Path, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the links where no cache was given."""
        self._holder.close()


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts runs of digits as numbers; names that differ in nothing else stay in order of their text."""
    parts = _NUMBERS.split(name)
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)], name


def _take(path: Path, target: Path) -> str:
    """Link or copy a picture, and return the SHA-256 of what lies at ``target`` now."""
    try:
        try:
            os.link(path.resolve(), target)
        except OSError:
            shutil.copyfile(path, target)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RejectedInput("unreadable", f"{path} cannot be read: {error.strerror or error}") from error
