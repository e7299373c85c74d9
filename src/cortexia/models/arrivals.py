"""Files of a model on their way: fetched one by one to a place of their own, then moved to where they are found."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cortexia.errors import ModelError, TransferLimitError
from cortexia.files import atomic_write, make_folder, safe_join, sync_folder, translate_os_error
from cortexia.models.base import ModelFile
from cortexia.models.catalogue import PART_LIMIT
from cortexia.models.fetching import Fetch, OnBytes
from cortexia.net import shown_url

_ANSWER_LIMIT = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that a server has. Size and digest where it tells them."""

    name: str
    size_bytes: int | None = None
    sha256: str | None = None


def fetch_answer(url: str, scratch: Path, fetch: Fetch) -> bytes:
    """What a server says, in one message of at most 8 MiB; the file ``scratch``, and what is kept beside it to go on
    with, are gone afterwards. Raises ``TransferLimitError`` (``too_large``) and what ``fetch`` raises."""
    try:
        fetch(url, scratch, max_bytes=_ANSWER_LIMIT)
        with translate_os_error(scratch):
            return scratch.read_bytes()
    except TransferLimitError as error:
        if error.reason != "too_large":
            raise
        raise TransferLimitError("too_large", f"{shown_url(url)} answers more than {_ANSWER_LIMIT} bytes") from error
    finally:
        for suffix in ("", ".part", ".part.tag"):
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)


def fetch_all(
    what: str,
    remotes: Iterable[Remote],
    place: Path,
    address: Callable[[str], str],
    fetch: Fetch,
    on_bytes: OnBytes,
) -> None:
    """Every file of the model ``what`` into the folder ``place``. ``address``: of a file, by its name. ``on_bytes``
    hears how many bytes have arrived. Raises ``ModelError`` (``too_large``) and what ``fetch`` raises."""
    done = 0
    for remote in remotes:
        if remote.size_bytes is not None and remote.size_bytes > PART_LIMIT:
            raise ModelError("too_large", f"{remote.name} of model {what!r} is larger than {PART_LIMIT} bytes")
        target = place / remote.name
        if not _is_here(target, remote):
            tell = _from(done, on_bytes)
            url = address(remote.name)
            fetch(url, target, sha256=remote.sha256, size_bytes=remote.size_bytes, on_progress=tell)
        done += target.stat().st_size
        on_bytes(done)


def _from(before: int, on_bytes: OnBytes) -> Callable[..., None]:
    return lambda done, *_: on_bytes(before + done)


def _is_here(target: Path, remote: Remote) -> bool:
    """Whether an earlier attempt brought it. Files whose digest nobody tells come again."""
    return remote.sha256 is not None and target.is_file() and file_digest(target) == remote.sha256


def described(place: Path, remotes: Iterable[Remote]) -> tuple[ModelFile, ...]:
    """What arrived, by name."""
    paths = [place / remote.name for remote in remotes]
    return tuple(sorted(ModelFile(path.name, file_digest(path), path.stat().st_size) for path in paths))


def file_digest(path: Path) -> str:
    """SHA-256 (hex)."""
    with translate_os_error(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle_folder(place: Path, files: Sequence[ModelFile], target: Path, claims: Mapping[str, bytes]) -> Path:
    """``target``, with ``files`` from ``place``. Files first, ``claims`` last: what has none is no model."""
    make_folder(target)
    with translate_os_error(target):
        for name in claims:
            (target / name).unlink(missing_ok=True)
        for file in files:
            (place / file.name).replace(safe_join(target, file.name))
        sync_folder(target)
        shutil.rmtree(place, ignore_errors=True)
    for name, data in claims.items():
        atomic_write(target / name, data)
    return target
