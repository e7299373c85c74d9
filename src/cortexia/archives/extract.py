"""Unpacking: every byte is counted, hashed and written under a name of ours."""

from __future__ import annotations

import hashlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cortexia.archives.base import ArchiveLimits, ArchiveReader, Member, check
from cortexia.archives.rars import RarReader
from cortexia.archives.tars import OPENERS, TarReader, is_tar_header
from cortexia.archives.zips import ZipReader
from cortexia.errors import CortexiaError, RejectedInput
from cortexia.files import translate_os_error

_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"Rar!\x1a\x07": "rar",
    b"\x1f\x8b": "tar.gz",
    b"BZh": "tar.bz2",
    b"\xfd7zXZ\0": "tar.xz",
}
_BLOCK_BYTES = 512
_COPY_BYTES = 1024 * 1024
_DAMAGE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, IndexError, KeyError, OverflowError, MemoryError),
)
"""What the standard library raises for archives that are damaged or of a kind that it does not know."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file of an archive, now at ``path``. ``name``: as in the archive."""

    name: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """``left_out``: names of files that were not wanted."""

    files: tuple[Unpacked, ...]
    left_out: tuple[str, ...]


def archive_format(path: Path) -> str | None:
    """``zip``, ``tar``, ``tar.gz``, ``tar.bz2``, ``tar.xz`` or ``rar`` by content; ``None`` for anything else."""
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK_BYTES)
            kind = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
            if kind in OPENERS:
                file.seek(0)
                head = OPENERS[kind](file).read(_BLOCK_BYTES)
                return kind if is_tar_header(head) else None
    except _DAMAGE:
        return None
    return kind or ("tar" if is_tar_header(head) else None)


def extract(
    path: Path, folder: Path, wanted: Callable[[str, bytes], bool], limits: ArchiveLimits | None = None
) -> Extraction:
    """Unpack the files of the archive ``path`` that are ``wanted`` (by name and first 512 bytes) into ``folder``.

    They are named by number, so that no name of the archive ever reaches the file system. Archives in it stay as they
    are. Raises ``RejectedInput`` (``unsafe_archive``, ``too_large``, ``encrypted``, ``unreadable``) with nothing
    written where the archive shows itself, and with at most what the limits allow where it lies.
    """
    limits = limits or ArchiveLimits()
    with _translated(path), _reader(path, limits) as reader:
        members = check(reader.members(), limits, folder)
        return _Unpacking(folder, limits, members).run(reader, wanted)


def _reader(path: Path, limits: ArchiveLimits) -> ArchiveReader:
    kind = archive_format(path)
    if kind == "zip":
        return ZipReader(path, limits)
    if kind == "rar":
        return RarReader(path, limits)
    if kind is None:
        raise RejectedInput("not_media", "not an archive that can be read (zip, tar, rar)")
    return TarReader(path, limits, kind)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except RejectedInput as error:
        raise RejectedInput(error.reason, f"{path}: {error}") from error
    except CortexiaError:
        raise
    except _DAMAGE as error:
        text = str(error) or type(error).__name__
        raise RejectedInput("unreadable", f"{path}: a damaged archive, or of an unknown kind ({text:.200})") from error


class _Unpacking:
    def __init__(self, folder: Path, limits: ArchiveLimits, members: list[Member]) -> None:
        self._folder = folder
        self._limits = limits
        self._expected = {member.name: member for member in members}
        self._total = 0

    def run(self, reader: ArchiveReader, wanted: Callable[[str, bytes], bool]) -> Extraction:
        files: list[Unpacked] = []
        left_out: list[str] = []
        for member, file in reader.contents():
            if self._expected.get(member.name) != member:
                raise RejectedInput("unreadable", f"{member.name!r} was not there when the archive was looked through")
            head = file.read(_BLOCK_BYTES)
            if wanted(member.name, head):
                files.append(self._copy(member, head, file, self._folder / f"{len(files):06}"))
            else:
                left_out.append(member.name)
        return Extraction(tuple(files), tuple(left_out))

    def _copy(self, member: Member, head: bytes, file: IO[bytes], target: Path) -> Unpacked:
        digest = hashlib.sha256()
        size = 0
        with translate_os_error(target), target.open("xb") as out:
            for data in _chunks(head, file):
                size += len(data)
                self._count(member, size, len(data))
                digest.update(data)
                out.write(data)
        return Unpacked(member.name, target, digest.hexdigest(), size)

    def _count(self, member: Member, size: int, more: int) -> None:
        self._total += more
        if size > member.size:
            raise RejectedInput("too_large", f"{member.name!r} holds more than the {member.size} bytes that it states")
        if self._total > self._limits.total_bytes:
            raise RejectedInput("too_large", f"its members have more than {self._limits.total_bytes} bytes together")


def _chunks(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    """All data of a file of which ``head`` was read. A fault of the archive is none of the target's file system."""
    data = head
    while data:
        yield data
        try:
            data = file.read(_COPY_BYTES)
        except OSError as error:
            raise EOFError(f"{type(error).__name__}: {error}") from error
