"""Videos given as bytes. FFmpeg never reads from Python objects (F8): they are spilled to a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Self

from cortexia.archives import archive_format
from cortexia.files import translate_os_error
from cortexia.sources.archive import ArchiveInputStream
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache


class MemoryInputStream:
    """One video from ``bytes`` or a ``BytesIO`` (read from its start, whatever its position), or those in an archive.

    ``folder``: where the bytes are spilled to; the system's for temporary files without it. Raises ``DiskFullError``
    and its kin where they cannot be.
    """

    def __init__(self, source: bytes | BytesIO, folder: Path | None = None, cache: MediaCache | None = None) -> None:
        self._source = source
        self._folder = folder
        self._cache = cache
        self._path: Path | None = None
        self._left_out: tuple[str, ...] = ()
        self._opened = ExitStack()

    def __iter__(self) -> Iterator[SourceVideo]:
        path = self._spilled()
        if archive_format(path) is None:
            yield SourceVideo(path=path, uri=path.as_posix(), filename="memory")
            return
        archive = self._opened.enter_context(ArchiveInputStream(path, self._cache))
        yield from archive
        self._left_out = archive.left_out

    def _spilled(self) -> Path:
        if self._path is None:
            folder = self._folder or Path(tempfile.gettempdir())
            with translate_os_error(folder):
                handle, name = tempfile.mkstemp(prefix="cortexia-", suffix=".bin", dir=folder)
                self._path = Path(name)
                with os.fdopen(handle, "wb") as file:
                    file.write(self._source.getbuffer() if isinstance(self._source, BytesIO) else self._source)
        return self._path

    @property
    def left_out(self) -> tuple[str, ...]:
        return self._left_out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary file, and what was unpacked where no cache was given."""
        self._opened.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
