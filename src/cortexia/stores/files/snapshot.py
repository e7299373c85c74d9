"""A copy of a folder store as one tar file, and a folder made of it."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from cortexia.errors import ConfigurationError, DataInconsistencyError
from cortexia.files import make_folder, safe_join, sync_folder, temporary_beside, translate_os_error
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.files.folder import StoreFolder, VideoFolder

_MEMBER = re.compile(
    r"store\.json|batch_summary\.json|audit/log\.jsonl|jobs/[0-9a-f-]{36}/job\.json"
    r"|[0-9a-f]{64}/(?:[^/]+\.json|record/(?:video|runs)\.json|windows/[0-9]{6,}\.json)"
)
_MARKER = "store.json"


class FolderTar:
    """Written while others go on: each video is added, with its jobs, while its folder is locked."""

    def __init__(self, folder: StoreFolder, target: Path) -> None:
        self._base = folder.path
        self._archive = tarfile.open(target, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by ``close``

    def add_video(self, video: VideoFolder) -> None:
        for path in sorted(video.path.rglob("*.json")):
            self.add(path)

    def add(self, path: Path) -> None:
        """A file, where it is there."""
        with translate_os_error(path):
            if path.is_file() and not path.name.startswith("."):
                # in memory: who replaces a file meanwhile leaves this one whole
                data = path.read_bytes()
                member = tarfile.TarInfo(str(path.relative_to(self._base)))
                member.size = len(data)
                self._archive.addfile(member, io.BytesIO(data))

    def close(self) -> None:
        self._archive.close()


class FilesPlace:
    """See ``stores.upkeep.Place``. The blobs may be there before."""

    kind = "files"

    def __init__(self, target: Path) -> None:
        if target.exists() and (not target.is_dir() or any(path.name != "blobs" for path in target.iterdir())):
            raise ConfigurationError(f"{target} is not empty; restore into a folder that is empty, or not there yet")
        self.location = str(target)
        self.blobs = FolderBlobStore(target / "blobs")
        self._target = target
        self._was_there = target.exists()

    def part(self) -> Path:
        make_folder(self._target.parent)
        with translate_os_error(self._target):
            return temporary_beside(self._target, ".restored")

    def settle(self, part: Path) -> None:
        """The marker comes last: without it the folder is no store yet."""
        make_folder(self._target)
        with translate_os_error(part), tarfile.open(part) as archive:
            marker = None
            for name, data in _members(archive, part):
                if name == _MARKER:
                    marker = data
                else:
                    _put(safe_join(self._target, name), data)
            if marker is None:
                raise DataInconsistencyError(f"{part} holds no {_MARKER}; nothing was restored, use another backup")
            _put(self._target / _MARKER, marker)
        part.unlink()

    def clear(self) -> None:
        for path in self._target.iterdir() if self._target.is_dir() else ():
            if path.is_dir() and path.name != "blobs":
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_file():
                path.unlink()
        if not self._was_there and self._target.is_dir():
            # blobs that were put there go with it
            shutil.rmtree(self._target, ignore_errors=True)

    def close(self) -> None:
        """Nothing is held open."""


def _members(archive: tarfile.TarFile, part: Path) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        if content is None or not _MEMBER.fullmatch(member.name):
            raise DataInconsistencyError(f"{part} holds {member.name!r}, which no store has; nothing was restored")
        yield member.name, content.read()


def _put(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    with translate_os_error(path), path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    with translate_os_error(path):
        sync_folder(path.parent)
