"""The videos and pictures in an archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from cortexia.archives import ArchiveLimits, Unpacked, extract
from cortexia.errors import RejectedInput
from cortexia.sources.base import SourceVideo
from cortexia.sources.cache import MediaCache
from cortexia.sources.choosing import Candidate, choose, is_hidden, is_plainly_no_media
from cortexia.sources.scratch import CacheHolder
from cortexia.sources.uris import path_to_uri, storable


class ArchiveInputStream:
    """What an archive (zip, tar, rar) holds, chosen as from a folder; unpacked whole before the first comes out.

    A member lies in the media cache under the SHA-256 of its content, and is known as ``<archive>!/<member>``. Archives
    within it are left out. Raises ``RejectedInput`` for one that is not safe to unpack, with nothing kept of it.

    ``uri``: what the archive is known as, where that is not its path.
    """

    def __init__(
        self,
        path: Path,
        cache: MediaCache | None = None,
        limits: ArchiveLimits | None = None,
        uri: str | None = None,
    ) -> None:
        self._path = path
        self._uri = uri or path_to_uri(path)
        self._holder = CacheHolder(cache)
        self._limits = limits
        self._left_out: list[str] = []

    def __iter__(self) -> Iterator[SourceVideo]:
        with self._holder.scratch() as folder:
            found = extract(self._path, folder, _is_wanted, self._limits)
            taken, others = choose(Candidate(file.name, file.path) for file in found.files)
            self._left_out = [*found.left_out, *(other.name for other in others)]
            if not taken:
                raise RejectedInput("not_media", f"{self._uri} holds no video, sound or picture")
            names = {candidate.name for candidate in taken}
            videos = [self._kept(file) for file in found.files if file.name in names]
        yield from videos

    def _kept(self, file: Unpacked) -> SourceVideo:
        return SourceVideo(
            path=self._holder.cache.adopt(file.path, file.sha256),
            uri=f"{self._uri}!/{file.name}",
            filename=storable(file.name.rsplit("/", 1)[-1]),
            video_id=file.sha256,
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        return tuple(f"{self._uri}!/{name}" for name in self._left_out if not is_hidden(name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked where no cache was given."""
        self._holder.close()


def _is_wanted(name: str, head: bytes) -> bool:
    return not is_hidden(name) and not is_plainly_no_media(name, head)
