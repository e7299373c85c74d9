"""One door for whatever a user names as input."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from cortexia.sources.base import InputStream
from cortexia.sources.local import FileInputStream
from cortexia.sources.manifest import ManifestInputStream
from cortexia.sources.memory import MemoryInputStream
from cortexia.sources.remote import RemoteAccess, StreamInputStream, is_remote

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:(//|\w)")


class InputAdapter:
    """Turns a path, folder, glob, manifest, URL, ``bytes`` or ``BytesIO`` into an ``InputStream``."""

    @staticmethod
    def adapt(source: str | Path | bytes | BytesIO, access: RemoteAccess | None = None) -> InputStream:
        """Raises ``ValueError`` for anything that is no input, FFmpeg protocols included (S-05).

        ``http``, ``https``, ``s3`` and ``gs`` addresses become a ``StreamInputStream``, files named ``*.csv`` and
        ``*.jsonl`` a ``ManifestInputStream``. ``access``: how the network is reached; without it, as the settings say.
        """
        if isinstance(source, str):
            if not source or "\0" in source:
                raise ValueError("an empty name, or one with a NUL, is no input")
            if is_remote(source):
                return StreamInputStream(source, access or RemoteAccess.from_environment())
            if _SCHEME.match(source) and not Path(source).exists():
                raise ValueError(f"not a local file: {source.split(':', 1)[0]}: addresses are no input here")
        if isinstance(source, str | Path):
            if Path(source).suffix.lower() in ManifestInputStream.SUFFIXES and Path(source).is_file():
                return ManifestInputStream(Path(source), lambda entry: InputAdapter.adapt(entry, access))
            return FileInputStream(source)
        if isinstance(source, bytes | BytesIO):
            return MemoryInputStream(source)
        raise ValueError(f"a {type(source).__name__} is no input; give a path, folder, glob, URL, bytes or BytesIO")
