"""Where weights lie: folders that are searched by digest. A file's name and place do not matter; files that are a model
together lie in one folder, under their own names (see ``folders``).

Candidates are narrowed by exact size, so that nothing large is hashed needlessly, and digests are remembered by path,
size, mtime and inode. Opening trusts no such memory: the bytes that are handed out are the bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cortexia.digests import IdentityCache
from cortexia.errors import ModelError
from cortexia.files import translate_os_error
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import PART_LIMIT
from cortexia.models.folders import FolderContent, claimants, find_folder, read_folder
from cortexia.models.formats.content import Format, check_model, holds_pickle

INCOMING = ".incoming"
"""Folder, below the one that pulls write to, of what has not arrived yet."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size_bytes: int


class ModelLibrary:
    """Weights below ``folders``, earlier ones first. ``size_limit``: larger files are not opened (bytes)."""

    def __init__(
        self, folders: Sequence[Path], cache: IdentityCache | None = None, size_limit: int = PART_LIMIT
    ) -> None:
        self.folders = tuple(folders)
        self._cache = cache
        self._size_limit = size_limit
        self._files: list[_File] | None = None

    def find(self, entry: ModelEntry) -> Path | None:
        """Where the file or the folder of ``entry`` lies, by what is remembered of digests."""
        if entry.is_folder:
            found = find_folder(entry, self._paths(), self.digest)
            return found and found[0]
        for path in self._candidates(entry):
            if self.digest(path) == entry.sha256:
                return path
        return None

    def where(self, entry: ModelEntry) -> Path:
        """As ``find``. Raises ``ModelError`` that says what is wrong and how to mend it."""
        found = self.find(entry)
        if found is None:
            raise self._absence(entry)
        return found

    def read(self, entry: ModelEntry) -> tuple[bytes, Format]:
        """The verified bytes of a model and their format. Raises ``ModelError``."""
        if entry.size_bytes > self._size_limit:
            raise ModelError(
                "too_large", f"model {entry.id!r} has {entry.size_bytes} bytes, at most {self._size_limit} are opened"
            )
        return read_verified(entry, self.where(entry))

    def read_folder(self, entry: ModelEntry) -> FolderContent:
        """The verified files of a model of several files. Raises ``ModelError``."""
        folder, there = self._folder(entry)
        for file in there.files:
            if file.size_bytes > self._size_limit:
                raise ModelError(
                    "too_large",
                    f"{file.name} of model {entry.id!r} has {file.size_bytes} bytes, at most"
                    f" {self._size_limit} are opened",
                )
        return read_folder(folder, there, mend(entry))

    def pinned(self, entry: ModelEntry) -> ModelEntry:
        """The entry with digest and size, which a folder's own manifest adds where the catalogue has none.

        Raises ``ModelError`` where that takes a folder and there is none."""
        return entry if entry.is_pinned else self._folder(entry)[1]

    def _folder(self, entry: ModelEntry) -> tuple[Path, ModelEntry]:
        """A folder that should be the model, were it even amiss: reading it tells what is wrong."""
        found = find_folder(entry, self._paths(), self.digest) or next(claimants(entry, self._paths()), None)
        if found is None:
            raise self._absence(entry)
        return found

    def verify(self, entry: ModelEntry) -> Path:
        """Hash every byte anew, whatever is remembered, and look at the content. Raises ``ModelError``."""
        if entry.is_folder:
            return self.read_folder(entry).path
        path = self.where(entry)
        read_verified(entry, path)
        return path

    def claimed(self, entries: Iterable[ModelEntry]) -> Iterator[ModelEntry]:
        """Entries that a file here is, or has the name of, or is the beginning of; or that a folder claims to be."""
        names = {file.path.name for file in self._scan()}
        for entry in entries:
            if entry.is_folder:
                if self.find(entry) is not None or any(claimants(entry, self._paths())):
                    yield entry
            elif entry.file in names or self.find(entry) is not None or self.part(entry) is not None:
                yield entry

    def forget(self) -> None:
        """Look at the folders anew when asked next."""
        self._files = None

    def _candidates(self, entry: ModelEntry) -> list[Path]:
        return [file.path for file in self._scan() if file.size_bytes == entry.size_bytes]

    def _paths(self) -> list[Path]:
        return [file.path for file in self._scan()]

    def _scan(self) -> list[_File]:
        if self._files is None:
            self._files = [file for folder in self.folders for file in _files_below(folder)]
        return self._files

    def digest(self, path: Path) -> str | None:
        """SHA-256 (hex) of a file, by what is remembered; ``None`` for one that cannot be read."""
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                known = self._cache.get(path, status) if self._cache else None
                digest = known or hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        if self._cache and not known:
            self._cache.put(path, status, digest)
        return digest

    def _absence(self, entry: ModelEntry) -> ModelError:
        """Why there is none: a file of its name with other bytes, a part of it, or nothing at all."""
        for file in self._scan():
            if file.path.name == entry.file:
                return self._unlike(entry, file)
        part = self.part(entry)
        if part is not None:
            have = f"{part.stat().st_size} of {entry.size_bytes} bytes"
            return ModelError("half_written", f"model {entry.id!r} has not arrived yet ({have}); {mend(entry)}")
        searched = ", ".join(map(str, self.folders)) or "no folder"
        return ModelError("missing", f"model {entry.id!r} is not here (searched: {searched}); {mend(entry)}")

    def part(self, entry: ModelEntry) -> Path | None:
        """The beginning of a pull that was interrupted."""
        for folder in self.folders:
            part = incoming_path(folder, entry)
            part = part.with_name(part.name + ".part")
            if part.is_file():
                return part
        return None

    def _unlike(self, entry: ModelEntry, file: _File) -> ModelError:
        if (why := _unreadable(file.path)) is not None:
            return ModelError("unreadable", f"{file.path} cannot be read ({why}); mend that, or {mend(entry)}")
        if holds_pickle(file.path):
            return ModelError(
                "pickle",
                f"{file.path} is no model {entry.id!r}: it holds pickled code, which is never loaded; delete it and"
                f" {mend(entry)}",
            )
        if file.size_bytes < entry.size_bytes:
            return ModelError(
                "half_written",
                f"{file.path} is cut off ({file.size_bytes} of {entry.size_bytes} bytes); delete it and {mend(entry)}",
            )
        return _mismatch(entry, file.path)


def read_verified(entry: ModelEntry, path: Path) -> tuple[bytes, Format]:
    """The bytes of ``path`` and their format. Size, digest and content are checked on those very bytes.

    Raises ``ModelError`` unless they are the model, and may be opened.
    """
    with translate_os_error(path), path.open("rb") as file:
        data = file.read(entry.size_bytes + 1)
    if len(data) != entry.size_bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _mismatch(entry, path)
    return data, check_model(data, str(path))


def mend(entry: ModelEntry) -> str:
    """The command that brings a model."""
    if entry.url:
        return f"run: cortexia models pull {entry.id}"
    return f"name it again by --model-version (it was {entry.source})" if entry.source else "copy it there"


def incoming_path(folder: Path, entry: ModelEntry) -> Path:
    """Where a pull writes before the model has its place."""
    return folder / INCOMING / f"{entry.sha256[:16]}-{entry.file}"


def _mismatch(entry: ModelEntry, path: Path) -> ModelError:
    return ModelError(
        "digest_mismatch", f"{path} is not the model {entry.id!r}: its digest differs; delete it and {mend(entry)}"
    )


def _unreadable(path: Path) -> str | None:
    """Why the file cannot be opened; ``None`` for one that can."""
    try:
        path.open("rb").close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _files_below(folder: Path) -> list[_File]:
    """Regular files, by path; hidden ones are left out, links to files count as files, links to folders do not."""
    found: dict[tuple[int, int], _File] = {}
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            path = Path(root) / name
            try:
                status = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                found.setdefault((status.st_dev, status.st_ino), _File(path, status.st_size))
    return list(found.values())
