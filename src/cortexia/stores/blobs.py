"""Files by content, in a folder beside the store."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from cortexia.errors import DataInconsistencyError, ValidationError
from cortexia.files import atomic_write, make_folder, sync_folder, translate_os_error

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOB = re.compile(r"([0-9a-f]{64})(\.[a-z0-9]{1,15})?")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,15})?")


class FolderBlobStore:
    """Blobs at ``<base>/ab/cd/<sha256><suffix>``. Two puts of the same bytes are one file, whatever the suffix."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def put(self, data: bytes, suffix: str = "") -> str:
        """SHA-256 (hex) of ``data``, which would survive a power cut from here on. ``suffix``: such as ``.jpg``.

        A file that is already there is read and left alone when it is sound, and replaced when it is not. It counts as
        new from then on: what was put lately is never swept.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ValidationError(f"suffix of a blob must look like '.jpg', got {suffix!r}")
        digest = hashlib.sha256(data).hexdigest()
        existing = self._find(digest)
        if existing is not None and self._is_sound(existing, data) and _renewed(existing):
            with translate_os_error(existing):
                sync_folder(existing.parent)
            return digest
        target = existing or self._folder(digest) / f"{digest}{suffix}"
        make_folder(target.parent)
        atomic_write(target, data)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of ``digest``. Raises ``DataInconsistencyError`` when they are missing or damaged."""
        path = self.path(digest)
        with translate_os_error(path):
            data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise DataInconsistencyError(f"blob {path} is damaged: its SHA-256 differs; restore it from a backup")
        return data

    def path(self, digest: str) -> Path:
        """Where the bytes of ``digest`` lie. Raises ``DataInconsistencyError`` when there is no such blob."""
        found = self._find(digest)
        if found is None:
            raise DataInconsistencyError(f"blob {digest} is missing from {self.base}; restore it from a backup")
        return found

    def __contains__(self, digest: str) -> bool:
        return self._find(digest) is not None

    def _folder(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValidationError(f"not a SHA-256 in lower-case hex: {digest!r}")
        return self.base / digest[:2] / digest[2:4]

    def _find(self, digest: str) -> Path | None:
        # temporary files start with a dot, so that the pattern cannot meet one
        return next(iter(sorted(self._folder(digest).glob(f"{digest}*"))), None)

    def _is_sound(self, path: Path, data: bytes) -> bool:
        with translate_os_error(path):
            try:
                return path.stat().st_size == len(data) and path.read_bytes() == data
            except FileNotFoundError:
                return False

    # -- for those who look after a store

    def files(self) -> Iterator[tuple[str, Path]]:
        """Digest and path of every blob, in the order of their digests."""
        for first in sorted(self.base.glob("[0-9a-f][0-9a-f]")):
            for second in sorted(first.glob("[0-9a-f][0-9a-f]")):
                for path in sorted(second.iterdir()):
                    if match := _BLOB.fullmatch(path.name):
                        yield match[1], path

    def sweep(self, digest: str, before: float) -> int | None:
        """Remove a blob that was last put before ``before`` (seconds since 1970); its size in bytes, ``None`` where it
        stays. The caller knows that no row names it, and keeps rows from being written meanwhile."""
        path = self._find(digest)
        if path is None:
            return None
        aside = path.with_name(f".{path.name}.swept")
        with translate_os_error(path):
            path.replace(aside)
            # a put that came between finds no file and writes it anew, or has renewed this one
            stat = aside.stat()
            if stat.st_mtime >= before:
                aside.replace(path)
                return None
            aside.unlink()
        return stat.st_size


def _renewed(path: Path) -> bool:
    """Whether the file was there to be marked as put just now; a sweep may have been faster."""
    with translate_os_error(path):
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
    return True
