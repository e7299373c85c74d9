"""Files, folders and globs."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from cortexia.archives import archive_format
from cortexia.errors import RejectedInput
from cortexia.sources.archive import ArchiveInputStream
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache
from cortexia.sources.choosing import Candidate, choose
from cortexia.sources.uris import path_to_uri, printable


class FileInputStream:
    """One file, what is chosen of a folder and all below it (sorted by path, hidden ones left out), or what a glob
    matches. An archive that is named, or matched, is opened; one that merely lies in a folder is left out."""

    def __init__(self, source: str | Path, cache: MediaCache | None = None) -> None:
        self.source = source
        self._cache = cache
        self._left_out: list[Path] = []
        self._opened = ExitStack()

    def __iter__(self) -> Iterator[SourceVideo]:
        path = Path(os.path.abspath(self.source))  # noqa: PTH100 - resolve() would follow links and change the name
        if path.is_file():
            yield from self._named(path)
        elif path.is_dir():
            yield from self._from_folder(path)
        elif glob.has_magic(str(self.source)):
            yield from self._from_glob(str(path))
        elif path.exists():
            raise RejectedInput("not_a_file", f"{path} is neither a file nor a folder")
        else:
            raise RejectedInput("not_found", f"no such file or folder: {path}")

    def _named(self, path: Path) -> Iterator[SourceVideo]:
        if archive_format(path) is None:
            yield _video(path)
            return
        archive = self._opened.enter_context(ArchiveInputStream(path, self._cache))
        yield from archive
        self._left_out += archive.left_out

    def _from_folder(self, folder: Path) -> Iterator[SourceVideo]:
        taken, left_out = choose(Candidate(path.name, path) for path in _files_below(folder))
        self._left_out += [candidate.path for candidate in left_out]
        for candidate in taken:
            yield _video(candidate.path)

    def _from_glob(self, pattern: str) -> Iterator[SourceVideo]:
        matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute pattern
        files = [match for match in matches if match.is_file()]
        if not files:
            raise RejectedInput("not_found", f"nothing matches {pattern}")
        refused: list[RejectedInput] = []
        for match in files:
            try:
                yield from self._named(match)
            except RejectedInput as error:
                refused.append(error)
        if refused:
            raise RejectedInput(refused[0].reason, "; ".join(map(str, refused)))

    @property
    def left_out(self) -> tuple[Path, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked where no cache was given."""
        self._opened.close()


def _files_below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root) / name
            if not name.startswith(".") and path.is_file():
                yield path


def _video(path: Path) -> SourceVideo:
    return SourceVideo(path=path, uri=path_to_uri(path), filename=printable(path.name))
