"""What of a folder is taken."""

from __future__ import annotations

import errno
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from cortexia.errors import RejectedInput
from cortexia.sources import InputAdapter


def taken(source: Path | str) -> tuple[list[str], list[str]]:
    with InputAdapter.adapt(source) as stream:
        names = [video.filename for video in stream]
        return names, sorted(path.name for path in stream.left_out)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.jpg", "a.png", "c.webp", "d.tiff", "e.bmp"):
        Image.new("RGB", (8, 8), "red").save(folder / name)
    return folder


def test_pictures_are_taken_where_there_is_nothing_else(pictures):
    (pictures / "labels.json").write_text("{}")
    assert taken(pictures) == (["a.png", "b.jpg", "c.webp", "d.tiff", "e.bmp"], ["labels.json"])


@pytest.mark.parametrize("name", ["clip.mp4", "song.flac", "unnamed"])
def test_beside_videos_and_sound_pictures_are_left_out_and_told(pictures, name):
    (pictures / name).write_bytes(b"\0\1\2\3")
    names, left_out = taken(pictures)
    assert names == [name]
    assert len(left_out) == 5


def test_a_picture_that_is_named_is_always_taken(pictures):
    (pictures / "clip.mp4").write_bytes(b"\0\1\2\3")
    assert taken(pictures / "a.png") == (["a.png"], [])
    assert taken(str(pictures / "*.jpg")) == (["b.jpg"], [])


def test_archives_in_folders_are_left_out_whatever_their_names(pictures):
    with zipfile.ZipFile(pictures / "a.zip", "w") as archive:
        archive.writestr("x.mp4", b"\0")
    for name, mode in {"b.tar": "w", "c.tgz": "w:gz", "d": "w:xz"}.items():
        with tarfile.open(pictures / name, mode) as archive:
            archive.addfile(tarfile.TarInfo("x.mp4"), io.BytesIO())
    names, left_out = taken(pictures)
    assert len(names) == 5
    assert left_out == ["a.zip", "b.tar", "c.tgz", "d"]


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"text"}])
def test_a_folder_without_media_is_no_input(tmp_path, files):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (found,) = InputAdapter.adapt(tmp_path)
    assert isinstance(found, RejectedInput)
    assert (found.reason, str(found)) == ("not_media", f"{tmp_path} holds no video, sound or picture")


def test_links_that_lead_nowhere_and_pipes_are_left_out_and_told(pictures):
    (pictures / "lost.mp4").symlink_to("/nowhere")
    os.mkfifo(pictures / "pipe.mp4")
    names, left_out = taken(pictures)
    assert len(names) == 5
    assert left_out == ["lost.mp4", "pipe.mp4"]


def test_a_folder_below_that_cannot_be_read_is_told(pictures, monkeypatch):
    (pictures / "closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    *videos, refused = InputAdapter.adapt(pictures)
    assert len(videos) == 5
    assert (refused.reason, "closed cannot be read" in str(refused)) == ("unreadable", True)
