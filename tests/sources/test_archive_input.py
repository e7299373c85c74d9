"""Archives as inputs."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from archiving import tar_of, zip_of
from PIL import Image

from cortexia.errors import RejectedInput
from cortexia.sources import ArchiveInputStream, InputAdapter, MediaCache, identify, open_path

CLIP = b"\0\0\0\x18ftypmp42" + os.urandom(1000)


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind)
    return file.getvalue()


def png() -> bytes:
    return picture("png")


@pytest.fixture
def cache(tmp_path: Path) -> MediaCache:
    return MediaCache(tmp_path / "cache")


def test_members_are_known_by_content_and_named_by_their_place(tmp_path, cache):
    path = zip_of(tmp_path / "a.bin", {"day1/talk.mp4": CLIP, "notes.txt": b"text", ".hidden.mp4": b"x"})
    with InputAdapter.adapt(path, cache=cache) as stream:
        (video,) = list(stream)
        assert stream.left_out == (f"{path}!/notes.txt",)
    assert video.video_id == hashlib.sha256(CLIP).hexdigest()
    assert (video.uri, video.filename) == (f"{path}!/day1/talk.mp4", "talk.mp4")
    assert video.path.read_bytes() == CLIP
    assert identify(video).size_bytes == len(CLIP)
    assert open_path(video.uri, video.video_id, cache) == video.path
    assert [entry.name for entry in cache.folder.iterdir()] == [video.video_id]


def test_where_it_is_gone_that_is_said(tmp_path, cache):
    with pytest.raises(RejectedInput, match="run the same command again"):
        open_path(f"{tmp_path}/a.zip!/talk.mp4", "0" * 64, cache)


def test_a_folder_that_ends_in_an_exclamation_mark_is_a_folder(tmp_path, cache):
    path = tmp_path / "wow!" / "a.mp4"
    path.parent.mkdir()
    path.touch()
    assert open_path(str(path), "0" * 64, cache) == path


def test_pictures_are_taken_only_where_there_are_no_videos(tmp_path, cache):
    both = tar_of(tmp_path / "both.tar", {"a.mp4": CLIP, "poster.png": png()})
    with InputAdapter.adapt(both, cache=cache) as stream:
        assert [video.filename for video in stream] == ["a.mp4"]
        assert stream.left_out == (f"{both}!/poster.png",)
    alone = tar_of(tmp_path / "alone.tar", {"b.png": png(), "readme": b"text"})
    with InputAdapter.adapt(alone, cache=cache) as stream:
        assert [video.filename for video in stream] == ["b.png"]
    assert len(list(cache.folder.iterdir())) == 2


def test_without_a_cache_it_lasts_as_long_as_the_stream(tmp_path):
    with InputAdapter.adapt(zip_of(tmp_path / "a.zip", {"a.mp4": CLIP})) as stream:
        (video,) = list(stream)
        assert video.path.read_bytes() == CLIP
    assert not video.path.exists()


def test_a_refused_archive_leaves_nothing(tmp_path, cache):
    path = zip_of(tmp_path / "a.zip", {"a.mp4": CLIP, "../b.mp4": CLIP})
    with pytest.raises(RejectedInput):
        list(ArchiveInputStream(path, cache))
    assert list(cache.folder.iterdir()) == []


def test_an_archive_without_media_is_no_input(tmp_path, cache):
    inner = zip_of(tmp_path / "inner.zip", {"a.mp4": CLIP}).read_bytes()
    with pytest.raises(RejectedInput, match="holds no video"):
        list(ArchiveInputStream(zip_of(tmp_path / "a.zip", {"inner.zip": inner}), cache))
    assert list(cache.folder.iterdir()) == []


def test_a_bad_archive_among_matches_does_not_stop_the_others(tmp_path, cache):
    zip_of(tmp_path / "1.zip", {"/a.mp4": CLIP})
    zip_of(tmp_path / "2.zip", {"b.mp4": CLIP})
    with InputAdapter.adapt(str(tmp_path / "*.zip"), cache=cache) as stream:
        refused, video = stream
    assert isinstance(refused, RejectedInput)
    assert "1.zip" in str(refused)
    assert video.filename == "b.mp4"


def test_pictures_of_every_format_are_found(tmp_path, cache):
    """A bitmap begins with two letters, and is no text for that."""
    pictures = {f"{kind}.x": picture(kind) for kind in ("bmp", "jpeg", "png", "tiff", "webp", "avif")}
    with InputAdapter.adapt(zip_of(tmp_path / "a.zip", pictures), cache=cache) as stream:
        assert sorted(video.filename for video in stream) == sorted(pictures)


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO])
def test_an_archive_given_as_bytes_is_opened(tmp_path, cache, wrap):
    data = zip_of(tmp_path / "a.zip", {"a.mp4": CLIP, "notes.txt": b"text"}).read_bytes()
    with InputAdapter.adapt(wrap(data), cache=cache) as stream:
        (video,) = stream
        assert (video.filename, video.path.read_bytes()) == ("a.mp4", CLIP)
        assert video.uri.endswith(".bin!/a.mp4")
        assert [name.rpartition("!")[2] for name in stream.left_out] == ["/notes.txt"]


def test_a_video_with_an_archive_behind_it_is_a_video(tmp_path, cache):
    path = zip_of(tmp_path / "a.zip", {"x.mp4": b"x"})
    (tmp_path / "poly.mp4").write_bytes(CLIP + path.read_bytes())
    assert zipfile.is_zipfile(tmp_path / "poly.mp4")  # negative control: it could be opened as one
    assert [video.path for video in InputAdapter.adapt(tmp_path / "poly.mp4")] == [tmp_path / "poly.mp4"]
