"""What the decoder took is given back when the pass is over, whoever still holds the stream."""

from __future__ import annotations

import gc
import itertools

import av
import pytest

from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.pictures import PictureTrack
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, click
from cortexia.types import Sampling, ViewSpec


def codecs() -> int:
    return sum(isinstance(item, av.CodecContext) for item in gc.get_objects())


@pytest.fixture
def no_collector():
    """Nothing goes but what nobody holds."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def codecs_left(path, pictures: int | None) -> int:
    """Codec contexts that outlive a pass which was left after so many pictures, while the stream is held."""
    decoder = PyAVDecoder()
    view = ViewRequest(Sampling.every(), (ViewSpec(pixel_format="gray"),))
    wanted = DecodeRequest(video=(view,), audio_rate=16_000)
    before = codecs()
    with decoder.open(path, decoder.probe(path), wanted) as stream:
        items = iter(stream)
        for _ in itertools.islice(items, pictures):
            pass
        assert codecs() > before or pictures is None
        items.close()
        return codecs() - before


@pytest.fixture
def clip(clips):
    path, _ = clips("release.mp4", VideoSpec(64, 36, shots=(ShotSpec(1.0),), sound=SoundSpec(events=(click(0.3),))))
    return path


@pytest.mark.parametrize("pictures", [None, 3])
def test_a_pass_that_is_over_leaves_no_codec(clip, no_collector, pictures):
    assert codecs_left(clip, pictures) == 0


def test_a_track_that_keeps_its_codec_is_seen(clip, no_collector, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(PictureTrack, "release", lambda track: None)
    assert codecs_left(clip, None) > 0
