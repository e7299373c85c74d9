"""A video is the SHA-256 of its content. Hashing is cached."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cortexia.digests import IdentityCache
from cortexia.errors import RejectedInput
from cortexia.sources.base import SourceVideo
from cortexia.types import VideoIdentity

_CHUNK_BYTES = 4 * 1024 * 1024


def identify(video: SourceVideo, cache: IdentityCache | None = None) -> VideoIdentity:
    """Raises ``RejectedInput``: ``unreadable`` for a file that cannot be read, ``digest_mismatch`` for other content
    than was stated."""
    identity = _identify(video, cache)
    if video.sha256 is not None and identity.video_id != video.sha256.lower():
        raise RejectedInput(
            "digest_mismatch", f"{video.uri} has the SHA-256 {identity.video_id}, {video.sha256} was stated"
        )
    return identity


def _identify(video: SourceVideo, cache: IdentityCache | None) -> VideoIdentity:
    if video.video_id is not None:
        return VideoIdentity(video.video_id, video.uri, video.filename, _size(video.path))
    try:
        with video.path.open("rb") as file:
            stat = os.fstat(file.fileno())
            known = cache.get(video.path, stat) if cache else None
            digest = known or hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RejectedInput("unreadable", f"{video.uri} cannot be read: {error.strerror or error}") from error
    if cache and not known:
        cache.put(video.path, stat, digest)
    return VideoIdentity(video_id=digest, uri=video.uri, filename=video.filename, size_bytes=stat.st_size)


def require_unchanged(path: Path, video_id: str, cache: IdentityCache, moved: Callable[[], None]) -> None:
    """Raises ``RejectedInput`` (``input_changed``) where a file is no longer the video that it was when it was
    identified (R-11). ``moved`` is called now and then. Folders of pictures are not looked at."""
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            known = cache.get(path, stat)
            digest = known or _digest(file, moved)
    except OSError:
        # whoever opens it as a video says why it cannot be read
        return
    if not known:
        cache.put(path, stat, digest)
    if digest != video_id:
        raise RejectedInput(
            "input_changed", f"{path} holds another video than when it was submitted; run the same command again"
        )


def _digest(file: BinaryIO, moved: Callable[[], None]) -> str:
    sha = hashlib.sha256()
    while data := file.read(_CHUNK_BYTES):
        sha.update(data)
        moved()
    return sha.hexdigest()


def _size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
