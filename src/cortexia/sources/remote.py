"""Videos on other machines: ``https://``, ``s3://`` and ``gs://``. They are fetched whole, and kept by content."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from cortexia.archives import archive_format
from cortexia.buckets import ObjectAccess, ObjectAddress, ObjectStorage, is_object_address
from cortexia.config import Settings, load_settings
from cortexia.errors import CircuitBreakerOpenError, NetworkError, RejectedInput, SourceRefusedError
from cortexia.net import Fetched, NetPolicy, shown_url
from cortexia.resilience import Breakers
from cortexia.sources.archive import ArchiveInputStream
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache

_REMOTE = re.compile(r"(https?|s3|gs)://", re.IGNORECASE)
_DIGEST = re.compile(r"(.*)#sha256=([0-9a-fA-F]{64})", re.DOTALL)
_TYPES = mimetypes.MimeTypes()
_UNKNOWN = "application/octet-stream"


def is_remote(source: str) -> bool:
    return _REMOTE.match(source) is not None


@dataclass(frozen=True)
class RemoteAccess:
    """How other machines are reached, and where what comes from them is kept. ``endpoints``: a breaker for each server
    and bucket, so that the thousand other videos of one that is down do not wait for it one by one (G8)."""

    cache: MediaCache
    policy: NetPolicy
    objects: ObjectAccess
    endpoints: Breakers = field(default_factory=lambda: Breakers("endpoint"))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        policy = NetPolicy.from_settings(settings)
        return cls(MediaCache(settings.media_cache), policy, ObjectAccess.from_settings(settings))

    @classmethod
    def from_environment(cls) -> Self:
        return cls.from_settings(load_settings().settings)


class StreamInputStream:
    """The video at an address, those in the archive there, or all objects below a prefix (``s3://bucket/prefix/``), by
    key. Archives below a prefix are left out.

    ``#sha256=<hex>`` after the address states the digest: it is checked while the bytes come, and what is in the cache
    already is not fetched again. Videos come one by one; each is fetched when it is asked for.
    """

    def __init__(self, source: str, access: RemoteAccess) -> None:
        match = _DIGEST.fullmatch(source)
        scheme, _, rest = (match[1] if match else source).partition("://")
        self._url = f"{scheme.lower()}://{rest}"
        self._sha256 = match[2].lower() if match else None
        self._access = access
        self._left_out: list[str] = []

    def __iter__(self) -> Iterator[SourceVideo | RejectedInput]:
        if not is_object_address(self._url):
            yield from self._named(_WebFile(self._url, self._access.policy))
            return
        address = self._parsed()
        storage = ObjectStorage(address.scheme, self._access.objects)
        if not address.is_prefix:
            yield from self._named(_Object(address, storage))
            return
        if self._sha256 is not None:
            raise RejectedInput("not_an_input", f"{address} stands for many objects; a digest is of one")
        yield from self._below(address, storage)

    def _parsed(self) -> ObjectAddress:
        try:
            return ObjectAddress.parse(self._url)
        except SourceRefusedError as error:
            raise RejectedInput(error.reason, str(error)) from error

    def _below(self, prefix: ObjectAddress, storage: ObjectStorage) -> Iterator[SourceVideo | RejectedInput]:
        try:
            found = storage.list(prefix)
        except NetworkError as error:
            raise RejectedInput(error.reason, str(error)) from error
        if not found:
            raise RejectedInput("not_found", f"there is no object below {prefix}")
        for address in found:
            if is_plainly_no_video(address.name):
                self._left_out.append(str(address))
                continue
            try:
                item = _Object(address, storage)
                with self._fetched(item) as fetched:
                    video = self._kept(item, fetched)
                yield video
            except RejectedInput as error:
                yield error

    def _named(self, item: _WebFile | _Object) -> Iterator[SourceVideo]:
        """The video, or those in the archive, at an address that was named."""
        cache = self._access.cache
        if self._sha256 is not None and cache.path(self._sha256).is_file():
            yield SourceVideo(cache.path(self._sha256), item.uri, item.name, self._sha256)
            return
        with self._fetched(item) as fetched:
            if archive_format(fetched.path) is None:
                videos = [self._kept(item, fetched)]
            else:
                with ArchiveInputStream(fetched.path, cache, uri=item.uri) as archive:
                    videos = list(archive)
                    self._left_out += archive.left_out
        yield from videos

    @contextmanager
    def _fetched(self, item: _WebFile | _Object) -> Iterator[Fetched]:
        """What lies there, in a folder that goes when the block ends."""
        with self._access.cache.scratch() as scratch:
            try:
                with self._access.endpoints[item.endpoint].attempt(_may_come_back):
                    fetched = item.fetch(scratch / "media", self._sha256)
            except NetworkError as error:
                raise RejectedInput(error.reason, str(error)) from error
            except CircuitBreakerOpenError as error:
                raise RejectedInput(NetworkError.reason, f"{item.uri}: {error}") from error
            yield fetched

    def _kept(self, item: _WebFile | _Object, fetched: Fetched) -> SourceVideo:
        path = self._access.cache.adopt(fetched.path, fetched.sha256)
        return SourceVideo(path, item.uri, item.name, fetched.sha256)

    @property
    def left_out(self) -> tuple[str, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held: what was fetched stays in the cache until its job has ended."""


class _WebFile:
    """``uri`` is without user, query and fragment: those hold secrets of whoever signed the URL."""

    def __init__(self, url: str, policy: NetPolicy) -> None:
        self._url = url
        self._policy = policy
        self.uri = shown_url(url)
        self.endpoint = urlsplit(self.uri).netloc
        self.name = unquote(urlsplit(self.uri).path.rpartition("/")[2]) or self.endpoint

    def fetch(self, target: Path, sha256: str | None) -> Fetched:
        from cortexia.net import download

        return download(self._url, target, policy=self._policy, sha256=sha256)


class _Object:
    def __init__(self, address: ObjectAddress, storage: ObjectStorage) -> None:
        self._address = address
        self._storage = storage
        self.uri = str(address)
        self.endpoint = f"{address.scheme}://{address.bucket}"
        self.name = address.name

    def fetch(self, target: Path, sha256: str | None) -> Fetched:
        return self._storage.download(self._address, target, sha256)


def _may_come_back(error: BaseException) -> bool:
    """Whether a download failed because of the server: one that says no, or whose file is too large, is there."""
    return isinstance(error, NetworkError) and error.retryable


def is_plainly_no_video(name: str) -> bool:
    """By its suffix alone, since looking inside would mean fetching it. Unknown suffixes are given a chance."""
    kind = _TYPES.guess_type(name)[0] or _UNKNOWN
    return kind != _UNKNOWN and not kind.startswith(("video/", "audio/"))
