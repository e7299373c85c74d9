"""Zip archives."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Self, cast

from cortexia.archives.base import ArchiveLimits, Member
from cortexia.archives.metered import CappedReads
from cortexia.errors import RejectedInput

_ENCRYPTED = 0x1
_LOCAL_HEADER_BYTES = 30
_END_BYTES = 128 * 1024
"""Read from the end to find the directory: 64 KiB of comment, and the records around it."""
_ENTRY_BYTES = 400
"""Room for an entry in the directory, on average: 46 bytes, its name and what else is said of it."""
_ALLOWED_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)


class ZipReader:
    """A zip. Names are those stored, before any library has made them fit."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self._file = path.open("rb")
        try:
            # the directory is made into objects before its entries can be counted
            capped = CappedReads(self._file, _END_BYTES + _ENTRY_BYTES * limits.entries)
            self._zip = zipfile.ZipFile(cast(IO[bytes], capped))
            capped.limit = limits.header_bytes
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._zip.close()
        self._file.close()

    def members(self) -> Iterator[Member]:
        infos = self._zip.infolist()
        for info in infos:
            yield _member(info)
        _refuse_overlaps(infos)

    def contents(self) -> Iterator[tuple[Member, IO[bytes]]]:
        for info in self._zip.infolist():
            if not info.is_dir():
                with self._zip.open(info) as file:
                    yield _member(info), file


def _member(info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(
        name=info.orig_filename,
        size=info.file_size,
        packed=info.compress_size,
        is_folder=info.is_dir(),
        fault=None if kind in _ALLOWED_KINDS else "a link or a device",
        is_encrypted=bool(info.flag_bits & _ENCRYPTED),
    )


def _refuse_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Entries that share their data unpack to far more than the archive holds (Fifield, A better zip bomb, 2019)."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for info, following in pairwise(ordered):
        if info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size > following.header_offset:
            text = f"not unpacked: {info.orig_filename!r} and {following.orig_filename!r} share their data"
            raise RejectedInput("unsafe_archive", text)
