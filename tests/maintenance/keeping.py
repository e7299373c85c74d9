"""Stores to look after."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import postgres
from filling import box, completed, spec

from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.types import Caption, KeyPicture, TimeSpan

VIDEO, OTHER = "a" * 64, "b" * 64


PLACES = {
    "files": lambda folder: str(folder / "store"),
    "sqlite": lambda folder: str(folder / "store.db"),
    "postgresql": postgres.fresh_url,
}
"""Where a store of each kind may be made in a test's folder."""
EMPTY_PLACES = {**PLACES, "postgresql": postgres.empty_url}
"""As above, without any table."""


@contextlib.contextmanager
def opened(path: Path | str) -> Iterator[StorageBackend]:
    store = open_store(str(path))
    try:
        yield store
    finally:
        store.close()


def span(start: int) -> TimeSpan:
    return box(start).span


def picture(store: StorageBackend, start: int, content: bytes = b"", **more) -> KeyPicture:
    """A key picture whose files are in the blob store."""
    digest = store.blobs.put(content or b"picture at %d" % start, ".jpg")
    fields = {"picture": digest, "thumbnail": digest, "width": 1, "height": 1, "quality": 1.0, **more}
    return KeyPicture(span=span(start), frame_index=start // 40, **fields)


def caption(start: int, text: str = "a cat", frame_index: int | None = None) -> Caption:
    return Caption(span=span(start), text=text, frame_index=frame_index)


def fill(store: StorageBackend) -> None:
    """Two videos: one annotated by two annotators, with 20 boxes and 3 pictures, one with a box."""
    completed(store, spec(annotator="boxes"), [box(40 * at) for at in range(20)])
    completed(store, spec(annotator="frames"), [picture(store, 40 * at) for at in range(3)])
    completed(store, spec("b", annotator="boxes"), [box(0)], letter="b")


@functools.cache
def _template() -> Path:
    """Made once: making the tables takes longer than any test here."""
    path = Path(tempfile.mkdtemp(prefix="cortexia-tests-")) / "store.db"
    atexit.register(shutil.rmtree, path.parent)
    with opened(path) as store:
        fill(store)
    return path


def filled(path: Path) -> Path:
    """A store that ``fill`` filled."""
    made = _template()
    shutil.copy(made, path)
    shutil.copytree(made.with_name("store.blobs"), path.with_name(f"{path.stem}.blobs"))
    return path


@functools.cache
def _blank() -> Path:
    path = Path(tempfile.mkdtemp(prefix="cortexia-tests-")) / "store.db"
    atexit.register(shutil.rmtree, path.parent)
    with opened(path):
        return path


def blank(path: Path) -> Path:
    """A store without rows."""
    shutil.copy(_blank(), path)
    return path


def canonical(store: StorageBackend) -> bytes:
    out = io.BytesIO()
    JsonlExporter().write(ExportSource(store), out)
    return out.getvalue()


def vandalised(path: Path, *statements: str) -> None:
    """What only a broken disk or a foolish hand does: no rule is kept."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("PRAGMA ignore_check_constraints=ON")
        for statement in statements:
            assert db.execute(statement).rowcount != 0, statement


def row_count(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
