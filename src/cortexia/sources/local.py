"""Files, folders and globs. A probe decides what a file is; here only plain non-media is left out of folders."""

from __future__ import annotations

import glob
import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

from cortexia.errors import RejectedInput
from cortexia.sources.base import SourceVideo

_SNIFF_BYTES = 512
_NOT_MEDIA = (
    b"SQLite format 3",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"%PDF",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\x1f\x8b",
    b"BM",
)


class FileInputStream:
    """One file, every file below a folder (sorted by path, hidden ones left out), or what a glob matches."""

    def __init__(self, source: str | Path) -> None:
        self.source = source
        self._left_out: list[Path] = []

    def __iter__(self) -> Iterator[SourceVideo]:
        path = Path(os.path.abspath(self.source))  # noqa: PTH100 - resolve() would follow links and change the name
        if path.is_file():
            yield _video(path)
        elif path.is_dir():
            yield from self._from_folder(path)
        elif glob.has_magic(str(self.source)):
            yield from self._from_glob(str(path))
        elif path.exists():
            raise RejectedInput("not_a_file", f"{path} is neither a file nor a folder")
        else:
            raise RejectedInput("not_found", f"no such file or folder: {path}")

    def _from_folder(self, folder: Path) -> Iterator[SourceVideo]:
        for root, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(root) / name
                if name.startswith(".") or not path.is_file():
                    continue
                if is_plainly_no_media(path):
                    self._left_out.append(path)
                else:
                    yield _video(path)

    def _from_glob(self, pattern: str) -> Iterator[SourceVideo]:
        matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute pattern
        files = [match for match in matches if match.is_file()]
        if not files:
            raise RejectedInput("not_found", f"nothing matches {pattern}")
        for match in files:
            yield _video(match)

    @property
    def left_out(self) -> tuple[Path, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held."""


def _video(path: Path) -> SourceVideo:
    return SourceVideo(path=path, uri=path_to_uri(path), filename=_text(path.name))


def _text(name: str) -> str:
    """The name with bytes that are no UTF-8 written out: databases and JSON hold text only."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def path_to_uri(path: Path) -> str:
    """The path itself; a ``file:`` URI where its bytes are no UTF-8 and could not be stored as text."""
    try:
        path.as_posix().encode("utf-8")
    except UnicodeEncodeError:
        return path.as_uri()
    return path.as_posix()


def uri_to_path(uri: str) -> Path:
    """Inverse of ``path_to_uri``."""
    if uri.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))
    return Path(uri)


def is_plainly_no_media(path: Path) -> bool:
    """Text or a well-known other format, in a file that does not claim to be media by its name.

    A file named like a video is always handed on, so that a broken recording is reported and never passed over.
    """
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith(("video/", "audio/")):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF_BYTES)
    except OSError:
        return False
    if head.startswith(_NOT_MEDIA) or not head:
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > _SNIFF_BYTES - 4
    return b"\0" not in head
