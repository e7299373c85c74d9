"""Where exports go: a file, or files below one folder, each there or not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cortexia.exporters.base import Exporter, ExportSource
from cortexia.files import atomic_file, make_folder, safe_join, translate_os_error


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


def write_export(exporter: Exporter, source: ExportSource, path: Path) -> int:
    """Write to the file or folder ``path``, which is replaced only when complete: a file as a whole, a folder file by
    file. Returns how many annotations. Raises ``DiskFullError``, ``ReadOnlyError``, ``ResourceError``."""
    if exporter.target == "folder":
        make_folder(path)
        return exporter.write(source, LocalFolder(path))
    with atomic_file(path) as out:
        return exporter.write(source, out)
