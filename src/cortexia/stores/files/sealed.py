"""JSON files that say themselves whether they are whole: ``{"sha256": ..., "content": {...}}``.

The digest is over the bytes of ``content``, canonical JSON, so that a file can be checked without parsing it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cortexia.errors import DataInconsistencyError, SchemaError
from cortexia.files import atomic_file, from_os_error
from cortexia.types import canonical_json

FORMAT = 1
_HEAD, _MIDDLE, _TAIL = b'{"sha256":"', b'","content":', b"}\n"
_BODY = len(_HEAD) + 64 + len(_MIDDLE)


def write(path: Path, content: dict[str, Any]) -> None:
    """Put ``content`` at ``path``, read back and compared before it gets its name; durable from then on.

    Raises ``DataInconsistencyError`` where other bytes come back, otherwise as ``files.atomic_file``.
    """
    data = _sealed({"format": FORMAT, **content})
    with atomic_file(path) as file:
        file.write(data)
        file.flush()
        if Path(file.name).read_bytes() != data:
            raise DataInconsistencyError(f"{path}: read-back found other bytes than were written; nothing was changed")


def read(path: Path, newest: int = FORMAT) -> dict[str, Any]:
    """The content of the file at ``path``, of format ``newest`` at most.

    Raises ``DataInconsistencyError`` for a file that is missing or damaged, ``SchemaError`` for one of a newer
    cortexia.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise from_os_error(error, path) from error
    body = data[_BODY : -len(_TAIL)]
    if not data.startswith(_HEAD) or data != _framed(body):
        state = "damaged (its SHA-256 differs)" if data else "missing or empty"
        raise DataInconsistencyError(f"{path} is {state}; nothing was changed: restore this file from a backup")
    content: dict[str, Any] = json.loads(body)
    if content["format"] > newest:
        raise SchemaError(f"{path} has format {content['format']}, made by a newer cortexia; upgrade cortexia")
    return content


def mark(path: Path) -> str:
    """Which version of a file this is, without reading it; empty where there is none. Each version is another file,
    made while the one before was still there: so its inode differs from that."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_ino}:{status.st_mtime_ns}:{status.st_size}"


def _sealed(content: dict[str, Any]) -> bytes:
    return _framed(canonical_json(content).encode())


def _framed(body: bytes) -> bytes:
    return _HEAD + hashlib.sha256(body).hexdigest().encode() + _MIDDLE + body + _TAIL
