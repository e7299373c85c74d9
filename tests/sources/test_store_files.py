"""A store among the videos: its files are no videos."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from filling import claimed, spec

from cortexia.sources.local import FileInputStream
from cortexia.stores import open_store

PICTURE = bytes.fromhex("ffd8ffe000104a46494600") + b"\0" * 600


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "talk.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    return tmp_path


def taken(folder: Path) -> list[str]:
    with FileInputStream(folder) as stream:
        return [video.filename for video in stream]


@pytest.mark.parametrize("name", ["shots.db", "shots.sqlite", "store"])
def test_the_files_of_a_store_that_is_in_use_are_left_out(folder, name):
    with contextlib.closing(open_store(str(folder / name))) as store:
        store.blobs.put(PICTURE, ".jpg")
        claimed(store, spec())
        if name.endswith((".db", ".sqlite")):
            assert {path.name for path in folder.iterdir()} >= {f"{name}-wal", f"{name}-shm"}
        assert taken(folder) == ["talk.mp4"]


def test_pictures_of_a_store_are_no_input(folder):
    """Where there is no video, pictures are taken, but not those that a store keeps."""
    (folder / "talk.mp4").unlink()
    (folder / "mine.jpg").write_bytes(PICTURE)
    with contextlib.closing(open_store(str(folder / "shots.db"))) as store:
        store.blobs.put(PICTURE + b"1", ".jpg")
        assert taken(folder) == ["mine.jpg"]


def test_a_folder_store_in_the_folder_of_the_videos(folder):
    with contextlib.closing(open_store(str(folder))) as store:
        store.blobs.put(PICTURE, ".jpg")
        (folder / "jobs" / "clip.mp4").write_bytes(b"x")
        assert taken(folder) == ["talk.mp4"]


def test_a_journal_that_a_crash_left_is_left_out(folder):
    sqlite3.connect(folder / "shots.db").execute("CREATE TABLE t (x)").connection.close()
    (folder / "shots.db-journal").write_bytes(b"\xd9\xd5\x05\xf9 \xa1c\xd7" + b"\0\xff" * 300)
    assert taken(folder) == ["talk.mp4"]


@pytest.mark.parametrize("name", ["talk.mp4-wal", "other.db-wal", "other.blobs/clip.mp4", "jobs/clip.mp4"])
def test_what_only_looks_like_it_is_taken(folder, name):
    """Negative control: no database lies beside these."""
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.copy(folder / "talk.mp4", folder / name)
    assert sorted(taken(folder)) == sorted(["talk.mp4", Path(name).name])
