"""Where exports go: a file, or files below one folder, each there or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import Exporter, ExportSource, JoinableExporter, PerVideoExporter
from cortexia.files import atomic_file, make_folder, safe_join, translate_os_error

_IN_MEMORY_BYTES = 1 << 18


class LocalFolder:
    """Files below ``root``, which is made when the first one is written (S-09)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._is_settled = True

    @contextlib.contextmanager
    def file(self, name: str, durable: bool = True) -> Iterator[IO[bytes]]:
        path = safe_join(self.root, name)
        make_folder(path.parent)
        if durable and not self._is_settled:
            # one by one they would take ten milliseconds each
            os.sync()
        self._is_settled = durable
        with atomic_file(path, durable) as out:
            yield out

    def holds(self, name: str) -> bool:
        return safe_join(self.root, name).exists()

    def discard(self, name: str) -> None:
        path = safe_join(self.root, name)
        with translate_os_error(path):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


class OneFile:
    """The file of one video, in place of a folder of such files; of several videos where ``exporter`` may join them."""

    def __init__(self, exporter: PerVideoExporter, out: IO[bytes]) -> None:
        self._exporter = exporter
        self._out = out
        self._begun: str | None = None

    @contextlib.contextmanager
    def file(self, name: str, durable: bool = True) -> Iterator[IO[bytes]]:
        if self._begun is not None and not isinstance(self._exporter, JoinableExporter):
            raise ConfigurationError(
                f"{self._exporter.name} has a file for each video ({self._begun}, {name}): "
                "name a folder with --output, or one video with --video"
            )
        self._begun = name
        yield self._out

    def holds(self, name: str) -> bool:
        return False

    def discard(self, name: str) -> None:
        """Nothing of an earlier export is here."""

    def end(self) -> None:
        if self._begun is None:
            self._out.write(self._exporter.empty)


def write_export(exporter: Exporter, source: ExportSource, path: Path) -> int:
    """Write to the file or folder ``path``, which is replaced only when complete: a file as a whole, a folder file by
    file. A format with a file for each video writes a file where ``path`` ends with its suffix and is no folder.
    Returns how many annotations. Raises ``DiskFullError``, ``ReadOnlyError``, ``ResourceError``, and
    ``ConfigurationError`` for several videos that would be one file."""
    if exporter.target == "folder" and not _is_one_file(exporter, path):
        make_folder(path)
        return exporter.write(source, LocalFolder(path))
    with atomic_file(path) as out:
        return write_stream(exporter, source, out)


def write_stream(exporter: Exporter, source: ExportSource, out: IO[bytes]) -> int:
    """Write to a stream. Returns how many annotations. Raises ``ConfigurationError`` for a format of several files, and
    for several videos where each has a file of its own: nothing is written then."""
    if exporter.target == "file":
        return exporter.write(source, out)
    if not isinstance(exporter, PerVideoExporter):
        raise ConfigurationError(f"{exporter.name} writes several files: name a folder with --output")
    if isinstance(exporter, JoinableExporter):
        return _write_one(exporter, source, out)
    # whether there is a second video is known at the end, and what is in a stream stays there
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as whole:
        count = _write_one(exporter, source, whole)
        whole.seek(0)
        shutil.copyfileobj(whole, out)
    return count


def _write_one(exporter: PerVideoExporter, source: ExportSource, out: IO[bytes]) -> int:
    folder = OneFile(exporter, out)
    count = exporter.write(source, folder)
    folder.end()
    return count


def _is_one_file(exporter: Exporter, path: Path) -> bool:
    is_named = path.suffix.casefold() == exporter.suffix.casefold() and not path.is_dir()
    return isinstance(exporter, PerVideoExporter) and is_named
