"""Videos given as bytes. FFmpeg never reads from Python objects (F8): they are spilled to a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Self

from cortexia.sources.base import SourceVideo


class MemoryInputStream:
    """One video from ``bytes`` or a ``BytesIO`` (read from its start, whatever its position)."""

    def __init__(self, source: bytes | BytesIO, folder: Path | None = None) -> None:
        self._source = source
        self._folder = folder
        self._path: Path | None = None

    def __iter__(self) -> Iterator[SourceVideo]:
        path = self._spilled()
        yield SourceVideo(path=path, uri=path.as_posix(), filename="memory")

    def _spilled(self) -> Path:
        if self._path is None:
            handle, name = tempfile.mkstemp(prefix="cortexia-", suffix=".bin", dir=self._folder)
            self._path = Path(name)
            with os.fdopen(handle, "wb") as file:
                if isinstance(self._source, BytesIO):
                    file.write(self._source.getbuffer())
                else:
                    file.write(self._source)
        return self._path

    @property
    def left_out(self) -> tuple[Path, ...]:
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
