"""One door for whatever a user names as input."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from cortexia.decoders.sequence import parse_rate
from cortexia.sources.base import InputStream
from cortexia.sources.cache import MediaCache
from cortexia.sources.local import FileInputStream
from cortexia.sources.manifest import ManifestInputStream
from cortexia.sources.memory import MemoryInputStream
from cortexia.sources.remote import RemoteAccess, StreamInputStream, is_remote
from cortexia.sources.sequence import ImageSequenceInputStream

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:(//|\w)")


class InputAdapter:
    """Turns a path, folder, glob, archive, manifest, URL, ``bytes`` or ``BytesIO`` into an ``InputStream``."""

    @staticmethod
    def adapt(
        source: str | Path | bytes | BytesIO,
        fps: str | float | Fraction | None = None,
        cache: MediaCache | None = None,
        access: RemoteAccess | None = None,
    ) -> InputStream:
        """``fps``: take ``source``, a folder of pictures, as one video at this rate (``25``, ``30000/1001``).

        ``http``, ``https``, ``s3`` and ``gs`` addresses become a ``StreamInputStream``, files named ``*.csv`` and
        ``*.jsonl`` a ``ManifestInputStream``. ``cache``: where media is put that is no local file of its own; without
        it (and without ``access``, which has one) it lasts until ``close``. ``access``: how the network is reached;
        without it as the settings say.

        Raises ``ValueError`` for anything that is no input, FFmpeg protocols included (S-05), and
        ``ConfigurationError`` for a rate that is none.
        """
        if isinstance(source, str):
            if not source or "\0" in source:
                raise ValueError("an empty name, or one with a NUL, is no input")
            if is_remote(source):
                return StreamInputStream(source, access or RemoteAccess.from_environment())
            if _SCHEME.match(source) and not os.path.lexists(source):
                raise ValueError(f"not a local file: {source.split(':', 1)[0]}: addresses are no input here")
        if cache is None and access is not None:
            cache = access.cache
        if fps is not None:
            return _sequence(source, parse_rate(fps), cache)
        if isinstance(source, str | Path):
            is_list = Path(source).suffix.lower() in ManifestInputStream.SUFFIXES
            if is_list and os.path.isfile(source):  # noqa: PTH113 - it is false, too, for names no file can have
                return ManifestInputStream(Path(source), lambda entry: InputAdapter.adapt(entry, access=access))
            return FileInputStream(source, cache)
        if isinstance(source, bytes | BytesIO):
            return MemoryInputStream(source, cache=cache)
        raise ValueError(f"a {type(source).__name__} is no input; give a path, folder, glob, URL, bytes or BytesIO")


def _sequence(source: object, rate: Fraction, cache: MediaCache | None) -> InputStream:
    if not isinstance(source, str | Path) or not os.path.isdir(source):  # noqa: PTH112 - as above
        raise ValueError("a rate (fps) goes with a folder of pictures, and with no other input")
    folder = Path(os.path.abspath(source))  # noqa: PTH100 - resolve() would follow links and change the name
    return ImageSequenceInputStream(folder, rate, cache)
