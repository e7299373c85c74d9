"""Files, folders and globs."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from cortexia.archives import archive_format
from cortexia.errors import MissingDependencyError, RejectedInput
from cortexia.sources.archive import ArchiveInputStream
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache
from cortexia.sources.choosing import Candidate, choose
from cortexia.sources.storefiles import folders_of_stores, is_of_store
from cortexia.sources.uris import path_to_uri, storable


class FileInputStream:
    """One file, what is chosen of a folder and all below it (sorted by path, hidden ones left out), or what a glob
    matches. An archive that is named, or matched, is opened; one that merely lies in a folder is left out.

    A folder below that cannot be read, a match that cannot be opened, and a folder of which nothing is taken come as
    ``RejectedInput``.
    """

    def __init__(self, source: str | Path, cache: MediaCache | None = None) -> None:
        self.source = source
        self._cache = cache
        self._left_out: list[Path | str] = []
        self._opened = ExitStack()

    def __iter__(self) -> Iterator[SourceVideo | RejectedInput]:
        path = Path(os.path.abspath(self.source))  # noqa: PTH100 - resolve() would follow links and change the name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if not glob.has_magic(str(self.source)):
                raise _absence(path, error) from error
            yield from self._from_glob(str(path))
            return
        if stat.S_ISREG(mode):
            yield from self._named(path)
        elif stat.S_ISDIR(mode):
            yield from self._from_folder(path)
        else:
            raise RejectedInput("not_a_file", f"{path} is neither a file nor a folder")

    def _named(self, path: Path) -> Iterator[SourceVideo]:
        if archive_format(path) is None:
            yield _video(path)
            return
        archive = self._opened.enter_context(ArchiveInputStream(path, self._cache))
        yield from archive
        self._left_out += archive.left_out

    def _from_folder(self, folder: Path) -> Iterator[SourceVideo | RejectedInput]:
        unread: list[OSError] = []
        files, others = _entries_below(folder, unread.append)
        taken, left_out = choose(Candidate(path.name, path) for path in files)
        self._left_out += sorted([*(candidate.path for candidate in left_out), *others])
        for candidate in taken:
            yield _video(candidate.path)
        for error in unread:
            yield _absence(Path(error.filename), error)
        if not taken and not unread:
            yield RejectedInput("not_media", f"{folder} holds no video, sound or picture")

    def _from_glob(self, pattern: str) -> Iterator[SourceVideo | RejectedInput]:
        matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute pattern
        files = [match for match in matches if match.is_file()]
        if not files:
            raise RejectedInput("not_found", f"nothing matches {pattern}")
        for match in files:
            try:
                yield from self._named(match)
            except RejectedInput as error:
                yield error
            except MissingDependencyError as error:
                yield RejectedInput(error.code, f"{match}: {error}")

    @property
    def left_out(self) -> tuple[Path | str, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked where no cache was given."""
        self._opened.close()


def _absence(path: Path, error: OSError) -> RejectedInput:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return RejectedInput("not_found", f"no such file or folder: {path}")
    return RejectedInput("unreadable", f"{str(path)[:300]} cannot be read: {error.strerror or error}")


def _entries_below(folder: Path, on_error: Callable[[OSError], None]) -> tuple[list[Path], list[Path]]:
    """Files, and what is none (links that lead nowhere, pipes); hidden ones, those in hidden folders, and those of a
    store that lies there are neither."""
    found: tuple[list[Path], list[Path]] = ([], [])
    for root, folders, names in os.walk(folder, onerror=on_error):
        of_stores = folders_of_stores(Path(root), folders)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in of_stores)
        for name in sorted(names):
            path = Path(root) / name
            if not name.startswith(".") and not is_of_store(path):
                found[not os.path.isfile(path)].append(path)  # noqa: PTH113 - never raises
    return found


def _video(path: Path) -> SourceVideo:
    return SourceVideo(path=path, uri=path_to_uri(path), filename=storable(path.name))
