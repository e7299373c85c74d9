"""SHA-256 of files, remembered by (path, size, mtime, inode) so that nothing large is hashed twice."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

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
