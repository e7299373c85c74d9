"""Tar archives, plain or packed by gzip, bzip2 or xz."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Self, cast

from cortexia.archives.base import ArchiveLimits, Member
from cortexia.archives.metered import CappedReads, MeteredStream

OPENERS: dict[str, Callable[[Any], Any]] = {"tar.gz": gzip.open, "tar.bz2": bz2.open, "tar.xz": lzma.open}
_BLOCK_BYTES = 512
_CHECKSUM = slice(148, 156)


def is_tar_header(block: bytes) -> bool:
    """Whether a first block of 512 bytes is that of a tar archive, of whatever age: its checksum is right."""
    if len(block) < _BLOCK_BYTES or not block[0]:
        return False
    digits = block[_CHECKSUM].split(b"\0")[0].strip()
    if not digits or any(digit not in b"01234567" for digit in digits):
        return False
    return int(digits, 8) == sum(block[: _CHECKSUM.start]) + 8 * ord(" ") + sum(block[_CHECKSUM.stop : _BLOCK_BYTES])


class TarReader:
    """A tar, read from its start to its end for each question: a packed one cannot be read in any other way."""

    def __init__(self, path: Path, limits: ArchiveLimits, kind: str) -> None:
        self._path = path
        self._limits = limits
        self._kind = kind

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Each reading closes what it opened."""

    def members(self) -> Iterator[Member]:
        with self._open() as archive:
            for info in archive:
                yield _member(info)

    def contents(self) -> Iterator[tuple[Member, IO[bytes]]]:
        with self._open() as archive:
            for info in archive:
                _require_filtered(info, self._path.parent)
                file = archive.extractfile(info) if info.isreg() else None
                if file is not None:
                    with file:
                        yield _member(info), file

    @contextmanager
    def _open(self) -> Iterator[tarfile.TarFile]:
        with ExitStack() as stack:
            packed = stack.enter_context(self._path.open("rb"))
            opener = OPENERS.get(self._kind)
            if opener is None:
                stream = CappedReads(packed, self._limits.header_bytes)
            else:
                stream = MeteredStream(stack.enter_context(opener(packed)), packed, self._limits)
            yield stack.enter_context(tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:"))


def _require_filtered(info: tarfile.TarInfo, folder: Path) -> None:
    """The second belt: what the standard filter would not let pass, or would change, does not come out.

    Pythons before 3.11.4 lack it; the check of all members before the first is unpacked stands by itself there.
    """
    standard = getattr(tarfile, "data_filter", None)
    if standard is not None and standard(info, str(folder)).name.rstrip("/") != info.name.rstrip("/"):
        raise tarfile.TarError(f"{info.name!r} is refused by tarfile.data_filter")


def _member(info: tarfile.TarInfo) -> Member:
    fault = None
    if not (info.isreg() or info.isdir()):
        fault = "a link, a device or a pipe"
    elif info.issparse():
        fault = "a sparse file"
    return Member(name=info.name, size=info.size if info.isreg() else 0, is_folder=info.isdir(), fault=fault)
