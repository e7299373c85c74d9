"""A video is the SHA-256 of its content. Hashing is cached by (path, size, mtime, inode)."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from cortexia.errors import RejectedInput
from cortexia.sources.base import SourceVideo
from cortexia.types import VideoIdentity

# A file written within this time of being hashed may be written again without its mtime moving.
_SETTLED_AFTER_S = 2.0


class IdentityCache:
    """Digests by path, size, mtime and inode, in a small SQLite file. A cache that cannot be used is no error."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "identities.db"

    def get(self, path: Path, stat: os.stat_result) -> str | None:
        try:
            with closing(self._open()) as db:
                row = db.execute(
                    "SELECT sha256 FROM identities WHERE path=? AND size=? AND mtime_ns=? AND inode=?",
                    _key(path, stat),
                ).fetchone()
        except (sqlite3.Error, OSError):
            return None
        return str(row[0]) if row else None

    def put(self, path: Path, stat: os.stat_result, sha256: str) -> None:
        if time.time() - stat.st_mtime < _SETTLED_AFTER_S:
            return
        try:
            with closing(self._open()) as db, db:
                db.execute("DELETE FROM identities WHERE path=?", (os.fsencode(path),))
                db.execute("INSERT INTO identities VALUES (?, ?, ?, ?, ?)", (*_key(path, stat), sha256))
        except (sqlite3.Error, OSError):
            return

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=1.0)
        db.execute(
            "CREATE TABLE IF NOT EXISTS identities"
            " (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 TEXT)"
        )
        return db


def _key(path: Path, stat: os.stat_result) -> tuple[bytes, int, int, int]:
    return os.fsencode(path), stat.st_size, stat.st_mtime_ns, stat.st_ino


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
