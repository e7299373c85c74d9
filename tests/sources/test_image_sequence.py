"""A folder of pictures as one video."""

from __future__ import annotations

import hashlib
import os
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from cortexia.decoders.choice import ContentDecoder
from cortexia.decoders.sequence import Sequence
from cortexia.errors import ConfigurationError, RejectedInput
from cortexia.sources import InputAdapter, MediaCache, SourceVideo, identify
from cortexia.sources.sequence import natural_key
from cortexia.types import digest_of


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (1, 2, 9, 10, 11):
        Image.new("RGB", (8, 8), (number,) * 3).save(folder / f"frame{number}.png")
    (folder / "notes.txt").write_text("text")
    return folder


def adapt(folder: Path, cache: MediaCache, fps: str = "25") -> SourceVideo:
    with InputAdapter.adapt(folder, fps=fps, cache=cache) as stream:
        (video,) = list(stream)
        assert [path.name for path in stream.left_out] == ["notes.txt"]
    return video


@pytest.fixture
def cache(tmp_path: Path) -> MediaCache:
    return MediaCache(tmp_path / "cache")


def test_it_is_known_by_its_rate_and_its_pictures(frames, cache):
    video = adapt(frames, cache, "30000/1001")
    names = [f"frame{number}.png" for number in (1, 2, 9, 10, 11)]
    digests = [hashlib.sha256((frames / name).read_bytes()).hexdigest() for name in names]
    assert video.video_id == digest_of({"rate": "30000/1001", "images": digests})
    assert (video.uri, video.filename, video.path) == (str(frames), "frames", cache.path(video.video_id))
    assert Sequence.read(video.path) == Sequence(Fraction(30000, 1001), tuple(names))
    assert identify(video).video_id == video.video_id


def test_names_do_not_matter_and_rate_and_order_do(frames, cache):
    first = adapt(frames, cache)
    for path in list(frames.glob("*.png")):
        path.rename(path.with_name("renamed" + path.name))
    assert adapt(frames, cache).video_id == first.video_id
    assert adapt(frames, cache, "24").video_id != first.video_id
    (frames / "renamedframe1.png").rename(frames / "z.png")
    assert adapt(frames, cache).video_id != first.video_id


def test_pictures_are_linked_and_copied_where_that_fails(frames, cache, monkeypatch):
    linked = adapt(frames, cache)
    assert (linked.path / "frame1.png").stat().st_ino == (frames / "frame1.png").stat().st_ino

    def refuse(*paths: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    copied = adapt(frames, cache, "24")
    assert (copied.path / "frame1.png").stat().st_ino != (frames / "frame1.png").stat().st_ino
    assert (copied.path / "frame1.png").read_bytes() == (frames / "frame1.png").read_bytes()
    assert {entry.name for entry in cache.folder.iterdir()} == {linked.video_id, copied.video_id}


def test_names_of_any_kind_are_only_names(frames, cache):
    (frames / "frame11.png").rename(frames / os.fsdecode(b"frame11-\xff.png"))
    (frames / "frame10.png").rename(frames / "%d\n.png")
    video = adapt(frames, cache)
    assert video.uri.encode()
    assert ContentDecoder().probe(video.path).verdict.status == "ok"
    assert all((video.path / name).exists() for name in Sequence.read(video.path).images)


def test_a_picture_named_like_the_list_is_left_out(frames, cache):
    (frames / "frame11.png").rename(frames / "sequence.json")
    with InputAdapter.adapt(frames, fps=25, cache=cache) as stream:
        (video,) = list(stream)
        assert [path.name for path in stream.left_out] == ["notes.txt", "sequence.json"]
    assert len(Sequence.read(video.path).images) == 4


def test_digits_sort_as_numbers():
    names = ["b1", "a10", "a9", "a09", "a9b2", "a9b10", "1"]
    assert sorted(names, key=natural_key) == ["1", "a09", "a9", "a9b2", "a9b10", "a10", "b1"]


def test_a_folder_without_pictures_is_no_sequence(tmp_path, cache):
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(RejectedInput, match="no pictures"):
        list(InputAdapter.adapt(tmp_path, fps=25, cache=cache))


@pytest.mark.parametrize("source", ["frame1.png", "*.png", "missing"])
def test_a_rate_goes_with_folders_only(frames, source):
    with pytest.raises(ValueError, match="folder of pictures"):
        InputAdapter.adapt(str(frames / source), fps=25)
    with pytest.raises(ValueError, match="folder of pictures"):
        InputAdapter.adapt(b"bytes", fps=25)


@pytest.mark.parametrize("fps", ["fast", "0", "-1", "1/0", "nan", "1e999999999", "1e-999999999", "1" * 5000])
def test_what_is_no_rate_is_refused(frames, fps):
    with pytest.raises(ConfigurationError, match="rate"):
        InputAdapter.adapt(frames, fps=fps)


def test_without_a_cache_it_lasts_as_long_as_the_stream(frames):
    with InputAdapter.adapt(frames, fps=25) as stream:
        (video,) = list(stream)
        assert (video.path / "frame1.png").exists()
    assert not video.path.exists()
    assert (frames / "frame1.png").exists()
