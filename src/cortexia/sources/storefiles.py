"""Which files of a folder belong to an annotation database that somebody keeps beside the videos."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_DATABASE = b"SQLite format 3\0"
_COMPANION = re.compile(r"(.+)-(wal|shm|journal)")
_BLOBS = ".blobs"
_MARKER = "store.json"
_MARKER_BYTES = 4096
_OWN_FOLDER = re.compile(r"[0-9a-f]{64}|jobs|blobs|audit")


def is_of_store(path: Path) -> bool:
    """Whether SQLite made the file for the database beside it: its log, the index of that, its journal."""
    found = _COMPANION.fullmatch(path.name)
    return found is not None and _head(path.with_name(found[1]), len(_DATABASE)) == _DATABASE


def folders_of_stores(folder: Path, names: Collection[str]) -> set[str]:
    """Those of the folders ``names`` in ``folder`` that hold the pictures of a database, or parts of a folder store."""
    own = {name for name in names if name.endswith(_BLOBS) and _is_beside(folder, name.removesuffix(_BLOBS))}
    if b'"kind":"cortexia store"' in _head(folder / _MARKER, _MARKER_BYTES):
        own.update(name for name in names if _OWN_FOLDER.fullmatch(name))
    return own


def _is_beside(folder: Path, name: str) -> bool:
    return any(_head(folder / f"{name}{suffix}", len(_DATABASE)) == _DATABASE for suffix in (".db", ""))


def _head(path: Path, size: int) -> bytes:
    """The first bytes of a file; none of what is no file, or cannot be read."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
