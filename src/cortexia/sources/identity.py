"""A video is the SHA-256 of its content. Hashing is cached."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cortexia.digests import IdentityCache
from cortexia.errors import RejectedInput
from cortexia.sources.base import SourceVideo
from cortexia.types import VideoIdentity


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


def _size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
