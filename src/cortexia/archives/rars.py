"""RAR archives, through ``rarfile`` and a program that unpacks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from cortexia.archives.base import ArchiveLimits, Member
from cortexia.errors import MissingDependencyError, RejectedInput


class RarReader:
    """A RAR in one part. Raises ``MissingDependencyError`` without ``rarfile``, ``RejectedInput``
    (``missing_tool``) without a program that unpacks."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        try:
            import rarfile  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingDependencyError("rarfile", "rar") from error
        self._library: Any = rarfile
        self._path = path
        try:
            self._rar = rarfile.RarFile(path, part_only=True, errors="strict")
        except rarfile.Error as error:
            raise RejectedInput("unreadable", f"not a RAR archive that can be read ({error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._rar.close()

    def members(self) -> Iterator[Member]:
        if self._rar.needs_password():
            raise RejectedInput("encrypted", "the archive is encrypted; unpack it and name what is inside")
        for info in self._rar.infolist():
            yield _member(info)

    def contents(self) -> Iterator[tuple[Member, IO[bytes]]]:
        for info in self._rar.infolist():
            if info.is_dir():
                continue
            try:
                with self._rar.open(info) as file:
                    yield _member(info), file
            except self._library.RarCannotExec as error:
                raise RejectedInput(
                    "missing_tool",
                    f"{self._path} can be unpacked only with one of the programs unar, unrar, bsdtar or 7z, which the "
                    "extra cortexia[rar] calls and does not bring along; install one (for example: apt install unar)",
                ) from error
            except self._library.Error as error:
                raise RejectedInput("unreadable", f"{info.filename!r} cannot be unpacked ({error})") from error


def _member(info: Any) -> Member:
    is_plain = (info.is_file() or info.is_dir()) and not getattr(info, "file_redir", None)
    return Member(
        name=info.filename,
        size=info.file_size or 0,
        packed=info.compress_size,
        is_folder=info.is_dir(),
        fault=None if is_plain else "a link or a device",
        is_encrypted=bool(info.needs_password()),
    )
