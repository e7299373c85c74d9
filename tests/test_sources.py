"""Where videos come from, and who they are."""

from __future__ import annotations

import hashlib
import os
import time
from io import BytesIO
from pathlib import Path

import pytest

from cortexia.errors import RejectedInput
from cortexia.sources import IdentityCache, InputAdapter, SourceVideo, identify, path_to_uri, uri_to_path


def video(path: Path) -> SourceVideo:
    return SourceVideo(path, str(path), path.name)


def test_folders_are_recursive_and_in_stable_order(tmp_path):
    for name in ("b.mp4", "a/z.mkv", "a/b.avi", ".hidden.mp4", ".git/x.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\1\2")
    for name, data in {"n.txt": b"text", "p.png": b"\x89PNG\r\n\x1a\n", "s.bin": b"SQLite format 3\0"}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "broken.mp4").write_text("named like a video, and therefore reported")
    stream = InputAdapter.adapt(tmp_path)
    assert [found.path.relative_to(tmp_path).as_posix() for found in stream] == [
        "b.mp4",
        "broken.mp4",
        "a/b.avi",
        "a/z.mkv",
    ]
    assert sorted(path.name for path in stream.left_out) == ["n.txt", "p.png", "s.bin"]


def test_globs_match_files_in_order(tmp_path):
    for name in ("b.mp4", "a.mp4", "c.mkv"):
        (tmp_path / name).touch()
    found = InputAdapter.adapt(str(tmp_path / "*.mp4"))
    assert [one.filename for one in found] == ["a.mp4", "b.mp4"]
    with pytest.raises(RejectedInput, match="nothing matches"):
        list(InputAdapter.adapt(str(tmp_path / "*.avi")))


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tmp_path):
    path = tmp_path / "star*[1].mp4"
    path.touch()
    assert [one.path for one in InputAdapter.adapt(str(path))] == [path]


@pytest.mark.parametrize("source", [b"bytes", BytesIO(b"bytes")])
def test_bytes_are_spilled_and_removed(source):
    with InputAdapter.adapt(source) as stream:
        (one,) = list(stream)
        assert one.path.read_bytes() == b"bytes"
        assert stream.left_out == ()
    assert not one.path.exists()


@pytest.mark.parametrize(
    "source", [3, None, "", "a\0b", "gopher://127.0.0.1/x", "concat:a|b", "file:x", "rtsp://x", "data:text", ["a"]]
)
def test_anything_else_is_no_input(source):
    with pytest.raises(ValueError, match="no input"):
        InputAdapter.adapt(source)


def test_missing_and_special_files_are_rejected(tmp_path):
    with pytest.raises(RejectedInput, match="no such file"):
        list(InputAdapter.adapt(tmp_path / "missing.mp4"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RejectedInput, match="neither a file nor a folder"):
        list(InputAdapter.adapt(tmp_path / "pipe"))


def test_names_that_are_no_text_go_round(tmp_path):
    path = tmp_path / os.fsdecode(b"bytes-\xff.mp4")
    path.touch()
    (one,) = list(InputAdapter.adapt(path))
    assert one.uri.encode("utf-8")
    assert one.filename.encode("utf-8")
    assert uri_to_path(one.uri) == path
    plain = tmp_path / "plain name.mp4"
    assert uri_to_path(path_to_uri(plain)) == plain


def test_identity_is_content(tmp_path):
    for name in ("a.mp4", "b.mkv"):
        (tmp_path / name).write_bytes(b"same")
    first, second = (identify(video(tmp_path / name)) for name in ("a.mp4", "b.mkv"))
    assert first.video_id == second.video_id == hashlib.sha256(b"same").hexdigest()
    assert first.size_bytes == 4


def test_hashing_is_cached_until_the_file_changes(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    cache = IdentityCache(tmp_path / "cache")
    first = identify(video(path), cache).video_id
    stat = path.stat()
    assert cache.get(path, stat) == first
    path.write_bytes(b"two")
    os.utime(path, (2, 2))
    assert identify(video(path), cache).video_id == hashlib.sha256(b"two").hexdigest()


def test_a_file_written_just_now_is_not_trusted_to_the_cache(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    cache = IdentityCache(tmp_path / "cache")
    identify(video(path), cache)
    assert time.time() - path.stat().st_mtime < 2
    assert cache.get(path, path.stat()) is None


def test_a_cache_that_cannot_be_used_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    assert identify(video(path), IdentityCache(tmp_path / "cache")).size_bytes == 3


def test_what_cannot_be_read_is_rejected(tmp_path):
    with pytest.raises(RejectedInput, match="cannot be read"):
        identify(video(tmp_path))
