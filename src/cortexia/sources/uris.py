"""How a path is written down: as text, whatever its bytes."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes


def storable(name: str) -> str:
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
