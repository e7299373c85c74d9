"""What a file may ask for: at the limit it is read, one beyond it is refused (G15)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.container import open_container, require_file
from cortexia.decoders.limits import DEFAULT_LIMITS, Limits
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.decoders.stream import PyAVStream
from cortexia.errors import RejectedInput
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import Sampling, ViewSpec


@pytest.fixture
def clip(clips) -> Path:
    return clips("limits.mp4", VideoSpec(160, 90, shots=(ShotSpec(1.0),)))[0]


def probe(path: Path, **changes):
    return PyAVDecoder(replace(DEFAULT_LIMITS, **changes)).probe(path)


def test_the_limits_are_those_promised():
    assert Limits() == Limits(
        file_bytes=50 * 1024**3,
        width=8192,
        height=8192,
        pixels=68_000_000,
        streams=64,
        rate=Fraction(240),
        metadata_bytes=64 * 1024,
    )


@pytest.mark.parametrize(
    ("width", "height", "allowed"),
    [(8192, 8192, True), (8193, 1, False), (1, 8193, False), (1, 1, True), (0, 1, False), (1, -1, False)],
)
def test_picture_sizes(width, height, allowed):
    assert DEFAULT_LIMITS.allow_picture(width, height) is allowed


def test_pixels():
    limits = replace(DEFAULT_LIMITS, pixels=1000)
    assert limits.allow_picture(100, 10)
    assert not limits.allow_picture(91, 11)


@pytest.mark.parametrize("name", ["width", "height", "pixels"])
def test_a_clip_at_and_beyond_the_size(clip, name):
    exact = {"width": 160, "height": 90, "pixels": 160 * 90}[name]
    assert probe(clip, **{name: exact}).verdict.status == "ok"
    refused = probe(clip, **{name: exact - 1}).verdict
    assert (refused.status, refused.reason) == ("rejected", "too_large")
    assert "160x90" in refused.message


def test_a_file_at_and_beyond_its_size(clip):
    size = clip.stat().st_size
    assert require_file(clip, replace(DEFAULT_LIMITS, file_bytes=size)) == size
    verdict = probe(clip, file_bytes=size - 1).verdict
    assert (verdict.status, verdict.reason) == ("rejected", "too_large")


def sound_file(path: Path, streams: int = 1, comment: str = "") -> Path:
    """A hundredth of a second of silence in each of ``streams``."""
    with av.open(str(path), "w", format="matroska") as container:
        container.metadata["comment"] = comment
        for stream in [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(streams)]:
            frame = av.AudioFrame(format="s16", layout="mono", samples=80)
            frame.planes[0].update(bytes(160))
            frame.sample_rate, frame.pts = 8000, 0
            container.mux(stream.encode(frame))
    return path


def test_streams_at_and_beyond_their_number(tmp_path):
    assert probe(sound_file(tmp_path / "64.mka", streams=64)).verdict.status == "ok"
    verdict = probe(sound_file(tmp_path / "65.mka", streams=65)).verdict
    assert (verdict.status, verdict.reason) == ("rejected", "too_large")


def test_metadata_beyond_64_kb_is_left_out(tmp_path):
    path = sound_file(tmp_path / "c.mka", comment="c" * 1000)
    size = sum(len(key) + len(value) for key, value in probe(path).metadata.items())
    assert "comment" in {key.lower() for key in probe(path, metadata_bytes=size).metadata}
    assert sum(len(k) + len(v) for k, v in probe(path, metadata_bytes=size - 1).metadata.items()) < size
    huge = probe(sound_file(tmp_path / "h.mka", comment="c" * (1 << 20)))
    assert huge.verdict.status == "ok"
    assert "comment" not in {key.lower() for key in huge.metadata}


def test_pictures_that_grow_while_decoding_are_refused(clip):
    """The probe saw small ones: every picture that comes out is looked at again."""
    info = PyAVDecoder().probe(clip)
    request = DecodeRequest(video=(ViewRequest(Sampling.every(), (ViewSpec(),)),), threads=1)
    with PyAVStream(clip, info, request, replace(DEFAULT_LIMITS, width=159)) as stream, pytest.raises(RejectedInput):
        list(stream)


def test_only_absolute_paths_of_regular_files(tmp_path, clip):
    with pytest.raises(RejectedInput, match="absolute"):
        require_file(Path("clip.mp4"), DEFAULT_LIMITS)
    with pytest.raises(RejectedInput, match="regular"):
        require_file(tmp_path, DEFAULT_LIMITS)
    with pytest.raises(RejectedInput, match="cannot be read"):
        require_file(tmp_path / "none.mp4", DEFAULT_LIMITS)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(RejectedInput, match="empty"):
        open_container(tmp_path / "empty.mp4", DEFAULT_LIMITS)


@pytest.mark.parametrize(
    "name", ["concat:a|b.mp4", "http:%2f%2fx.mp4", "%03d.mp4", "a?b*.mp4", "-i.mp4", "pipe:0", "ü ☃.mp4"]
)
def test_a_name_is_only_a_name(tmp_path, clip, name):
    path = tmp_path / name
    path.write_bytes(clip.read_bytes())
    assert probe(path).verdict.status == "ok"


def test_a_manifest_reads_nothing_else(tmp_path, clip):
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    manifests = {
        "a.ffconcat": "ffconcat version 1.0\nfile clip.mp4\n",
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
    }
    for name, text in manifests.items():
        (tmp_path / name).write_text(text)
        assert probe(tmp_path / name).verdict.status == "rejected", name
    # the very clip they name can be read by itself
    assert probe(tmp_path / "clip.mp4").verdict.status == "ok"
