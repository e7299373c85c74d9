"""What is done with objects: list, download, publish. Errors of the libraries are translated here."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from cortexia.buckets.address import ObjectAddress
from cortexia.config import Settings, google_credentials_file
from cortexia.errors import (
    CortexiaError,
    DigestMismatchError,
    MissingDependencyError,
    NetworkError,
    RemoteAnswerError,
    TransferLimitError,
)
from cortexia.files import from_os_error, translate_os_error
from cortexia.net import Deadline, Fetched, NetPolicy

_BLOCK = 8 << 20
_BUSY = frozenset((errno.EBUSY, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.EPIPE))
_DENIED = frozenset((401, 403, errno.EPERM, errno.EACCES))
_EXTRAS = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gcs")}


@dataclass(frozen=True)
class ObjectAccess:
    """How object storage is reached. ``s3_endpoint_url``: empty for AWS."""

    policy: NetPolicy
    s3_endpoint_url: str = ""
    instance_credentials: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(NetPolicy.from_settings(settings), settings.s3_endpoint_url, settings.instance_credentials)


class ObjectStorage:
    """One kind of object storage. Nothing is contacted before the first call.

    Every method raises ``SourceRefusedError`` for an endpoint that the guard does not let through,
    ``RemoteAnswerError`` (``not_found``, ``forbidden``, ``remote_error``), ``NetworkError`` when it stayed out of reach
    over all attempts, and ``MissingDependencyError`` without the extra.
    """

    def __init__(self, scheme: str, access: ObjectAccess) -> None:
        self._scheme = scheme
        self._access = access

    @cached_property
    def _files(self) -> Any:
        try:
            from cortexia.buckets import guarded
        except ImportError as error:
            raise MissingDependencyError(*_EXTRAS[self._scheme]) from error
        access = self._access
        if self._scheme == "s3":
            return guarded.s3_filesystem(access.policy, access.s3_endpoint_url, access.instance_credentials)
        key_file = google_credentials_file()
        return guarded.gs_filesystem(access.policy, str(key_file) if key_file else None, access.instance_credentials)

    def list(self, prefix: ObjectAddress) -> list[ObjectAddress]:
        """All objects below ``prefix``, by key."""
        with _translated(str(prefix)):
            found = self._files.find(prefix.path.rstrip("/"), withdirs=False)
        below = prefix.path.rstrip("/") + "/"
        keys = sorted(str(path).partition("/")[2] for path in found if str(path).startswith(below))
        return [ObjectAddress(prefix.scheme, prefix.bucket, key) for key in keys if not key.endswith("/")]

    def download(self, address: ObjectAddress, target: Path, sha256: str | None = None) -> Fetched:
        """Stream an object to ``target``, hashing on the way. Raises ``TransferLimitError``, ``DigestMismatchError``
        too; then nothing is left at ``target``."""
        try:
            with _translated(str(address)):
                fetched = self._stream(address, target)
            if sha256 is not None and fetched.sha256 != sha256.lower():
                raise DigestMismatchError(f"{address} has the SHA-256 {fetched.sha256}, {sha256} was promised")
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return fetched

    def _stream(self, address: ObjectAddress, target: Path) -> Fetched:
        policy, digest, size = self._access.policy, hashlib.sha256(), 0
        deadline = Deadline(policy.max_seconds)
        info = self._files.info(address.path)
        if info.get("type") == "directory":
            raise RemoteAnswerError("not_found", f"{address} is no object; end it with / for all objects below it")
        if info["size"] > policy.max_bytes:
            raise TransferLimitError(
                "too_large", f"{address} has {info['size']} bytes; raise the setting max_download_bytes"
            )
        source = self._files.open(address.path, "rb", block_size=_BLOCK, cache_type="none")
        with source, translate_os_error(target), target.open("wb") as file:
            # the disk here and the far side both raise OSError: reading is translated by itself
            while chunk := self._read(source, address):
                deadline.left()
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            if size != info["size"]:
                raise NetworkError(f"{address} came with {size} of {info['size']} bytes; try again later")
            file.flush()
            os.fsync(file.fileno())
        return Fetched(target, digest.hexdigest(), size)

    def _read(self, source: Any, address: ObjectAddress) -> bytes:
        with _translated(str(address)):
            return bytes(source.read(_BLOCK))

    def upload(self, path: Path, address: ObjectAddress) -> None:
        """Write one object; it appears whole or not at all. Its size is read back."""
        with _translated(str(address)):
            size = path.stat().st_size
            self._files.put_file(str(path), address.path)
            stored = self._files.info(address.path)["size"]
        if stored != size:
            raise NetworkError(f"{address} has {stored} bytes after {size} were written; try again")


def publish(path: Path, destination: str, settings: Settings) -> None:
    """Upload a file to an address, or what a folder holds below one; an address that ends in ``/`` keeps the name.

    Raises as ``ObjectStorage`` does. Each object appears whole; of a folder, some may be there before others.
    """
    goal = ObjectAddress.parse(destination)
    storage = ObjectStorage(goal.scheme, ObjectAccess.from_settings(settings))
    if path.is_dir():
        base = goal.key.rstrip("/") + "/" if goal.key else ""
        files = sorted(file for file in path.rglob("*") if file.is_file())
        for file in files:
            key = base + file.relative_to(path).as_posix()
            storage.upload(file, ObjectAddress(goal.scheme, goal.bucket, key))
        return
    key = goal.key + path.name if goal.is_prefix else goal.key
    storage.upload(path, ObjectAddress(goal.scheme, goal.bucket, key))


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The door: what the libraries raise becomes an error of the tree."""
    try:
        yield
    except CortexiaError:
        raise
    except Exception as error:
        raise _translation(error, what) from error


def _translation(error: Exception, what: str) -> CortexiaError:
    for cause in _causes(error):
        if isinstance(cause, CortexiaError):
            return cause
    text = " ".join(str(error).split())[:300] or type(error).__name__
    status = getattr(error, "code", None) or getattr(error, "errno", None)
    if isinstance(error, FileNotFoundError) or status == 404:
        return RemoteAnswerError("not_found", f"{what}: no such object or bucket")
    if isinstance(error, PermissionError) or status in _DENIED or _is_about_credentials(error):
        return RemoteAnswerError("forbidden", f"{what}: access denied ({text}); check the credentials")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
        return from_os_error(error, Path(what))
    if isinstance(error, OSError) and status not in _BUSY and error.errno is not None:
        return RemoteAnswerError("remote_error", f"{what}: {text}")
    return NetworkError(f"{what}: {text}; try again later")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what led to it; botocore keeps the first cause among its arguments."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        inner = getattr(one, "kwargs", {})
        held = inner.get("error") if isinstance(inner, dict) else None
        waiting += [one.__cause__, one.__context__, held if isinstance(held, BaseException) else None]
    yield from seen


def _is_about_credentials(error: Exception) -> bool:
    return "Credentials" in type(error).__name__ or "Token" in type(error).__name__
