"""What an archive may hold, whatever its format."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Protocol, Self

from cortexia.errors import RejectedInput, ValidationError
from cortexia.files import safe_join


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """A value equal to its limit is still allowed.

    ``total_bytes``: of all members together, unpacked. ``entries``: files and folders. ``ratio``: unpacked over packed
    bytes, of each member or, where a whole archive is packed as one (tar.gz), of everything up to there; the first
    ``ratio_free_bytes`` may have any. ``header_bytes``: read at once to learn what is inside.
    """

    total_bytes: int = 10_000_000_000
    entries: int = 10_000
    ratio: int = 100
    ratio_free_bytes: int = 10_000_000
    header_bytes: int = 16 * 1024 * 1024

    def allow_ratio(self, unpacked: int, packed: int) -> bool:
        return unpacked <= max(self.ratio_free_bytes, self.ratio * packed)


@dataclass(frozen=True, slots=True)
class Member:
    """An entry as its archive describes it. ``packed``: bytes it takes in the archive, where it has any of its own.
    ``fault``: what it is, if it is neither a file nor a folder that may be unpacked."""

    name: str
    size: int
    packed: int | None = None
    is_folder: bool = False
    fault: str | None = None
    is_encrypted: bool = False


class ArchiveReader(Protocol):
    """An open archive. Whatever its library raises comes out as it is: ``extract`` translates."""

    def members(self) -> Iterator[Member]:
        """What the archive says it holds, in order."""

    def contents(self) -> Iterator[tuple[Member, IO[bytes]]]:
        """Its files with their data, in order; each is to be read before the next is asked for."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


def check(members: Iterable[Member], limits: ArchiveLimits, folder: Path) -> list[Member]:
    """The members, if every one of them may be unpacked; nothing is written. Raises ``RejectedInput``.

    ``folder``: what names are judged against.
    """
    found = list(islice(members, limits.entries + 1))
    if len(found) > limits.entries:
        raise _too_large(f"more than {limits.entries} entries")
    names = _Names()
    total = 0
    for member in found:
        _check_kind(member, folder)
        names.add(member)
        total += member.size
        if total > limits.total_bytes:
            raise _too_large(f"its members have more than {limits.total_bytes} bytes together")
        if member.packed is not None and not limits.allow_ratio(member.size, member.packed):
            raise _too_large(f"{member.name!r} has {member.size} bytes, packed into {member.packed}")
    return found


def _check_kind(member: Member, folder: Path) -> None:
    if member.is_encrypted:
        raise RejectedInput("encrypted", f"{member.name!r} is encrypted; unpack it and name what is inside")
    if member.fault is not None:
        raise RejectedInput("unsafe_archive", f"{member.name!r} is {member.fault}, and only files are unpacked")
    try:
        safe_join(folder, member.name.removesuffix("/") if member.is_folder else member.name)
    except ValidationError as error:
        raise RejectedInput("unsafe_archive", f"not unpacked: {error}") from error


def _too_large(text: str) -> RejectedInput:
    return RejectedInput("too_large", f"not unpacked: {text}")


class _Names:
    """Names that some file system takes for the same: equal but for case or the form of their accents."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, member: Member) -> None:
        parts = member.name.rstrip("/").split("/")
        for count in range(1, len(parts)):
            self._add_folder("/".join(parts[:count]))
        name = "/".join(parts)
        if member.is_folder:
            self._add_folder(name)
            return
        key = _folded(name)
        if key in self._files or key in self._folders:
            raise _collides(name, self._files.get(key) or self._folders[key])
        self._files[key] = name

    def _add_folder(self, name: str) -> None:
        key = _folded(name)
        known = self._files.get(key) or self._folders.setdefault(key, name)
        if key in self._files or known != name:
            raise _collides(name, known)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _collides(name: str, other: str) -> RejectedInput:
    return RejectedInput("unsafe_archive", f"not unpacked: {name!r} and {other!r} are one name on some systems")
