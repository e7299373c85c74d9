"""One door for whatever a user names as input."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from cortexia.sources.base import InputStream
from cortexia.sources.local import FileInputStream
from cortexia.sources.memory import MemoryInputStream

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:(//|\w)")


class InputAdapter:
    """Turns a path, folder, glob, ``bytes`` or ``BytesIO`` into an ``InputStream``."""

    @staticmethod
    def adapt(source: str | Path | bytes | BytesIO) -> InputStream:
        """Raises ``ValueError`` for anything that is no input, URLs and FFmpeg protocols included (S-05)."""
        if isinstance(source, Path):
            return FileInputStream(source)
        if isinstance(source, str):
            if not source or "\0" in source:
                raise ValueError("an empty name, or one with a NUL, is no input")
            if _SCHEME.match(source) and not Path(source).exists():
                raise ValueError(f"not a local file: {source.split(':', 1)[0]}: addresses are no input here")
            return FileInputStream(source)
        if isinstance(source, bytes | BytesIO):
            return MemoryInputStream(source)
        raise ValueError(f"a {type(source).__name__} is no input; give a path, folder, glob, bytes or BytesIO")
