"""Views have the pixels that were asked for, whatever the codec stores."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from decoding import decode

from cortexia.errors import ValidationError
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import Sampling, ViewSpec

W, H = 96, 64


def painted(width: int = W, height: int = H) -> np.ndarray:
    """A picture in BGR whose every corner is another colour; flat patches survive chroma subsampling."""
    picture = np.zeros((height, width, 3), np.uint8)
    half_h, half_w = height // 2 // 2 * 2, width // 2 // 2 * 2
    picture[:half_h, :half_w] = (0, 0, 255)
    picture[:half_h, half_w:] = (0, 255, 0)
    picture[half_h:, :half_w] = (255, 0, 0)
    picture[half_h:, half_w:] = (128, 128, 128)
    return picture


def lossless(path: Path, pix_fmt: str, picture: np.ndarray, codec: str = "ffv1", **tags) -> Path:
    """Three frames of ``picture``, stored exactly in ``pix_fmt``."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], pix_fmt
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            convert = {}
            if tags.get("color_range") == 2:
                convert["dst_color_range"] = "JPEG"
            if tags.get("colorspace") == 1:
                convert["dst_colorspace"] = "ITU709"
            container.mux(stream.encode(frame.reformat(format=pix_fmt, **convert)))
        container.mux(stream.encode(None))
    return path


def view(path: Path, spec: ViewSpec) -> np.ndarray:
    return decode(path, views=(spec,)).frames[0].view(spec)


def corners(picture: np.ndarray) -> list[np.ndarray]:
    """Colours at the middles of the four quarters."""
    height, width = picture.shape[:2]
    return [picture[y, x] for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


STORED = {
    "yuv420p": {},
    "yuv420p full range": {"color_range": 2},
    "yuv420p BT.709": {"colorspace": 1},
    "yuv422p": {},
    "yuv444p": {},
    "yuv420p10le": {},
    "yuva420p": {},
    "bgr0": {},
    "gbrp10le": {},
}


@pytest.mark.parametrize("stored", sorted(STORED))
@pytest.mark.parametrize("pixel_format", ["bgr", "rgb"])
@pytest.mark.parametrize("size", [None, (48, 32)])
def test_colours_survive_every_way_of_storing(tmp_path, stored, pixel_format, size):
    path = lossless(tmp_path / "c.mkv", stored.split()[0], painted(), **STORED[stored])
    made = view(path, ViewSpec(size=size, pixel_format=pixel_format))
    assert made.shape == (*(size or (W, H))[::-1], 3)
    assert made.dtype == np.uint8
    wanted = painted() if pixel_format == "bgr" else painted()[..., ::-1]
    for found, true in zip(corners(made), corners(wanted), strict=True):
        assert np.abs(found.astype(int) - true).max() <= 6, (found, true)


def test_a_wrong_matrix_would_be_seen(tmp_path):
    """Negative control: the tolerance above tells BT.601 from BT.709."""
    path = lossless(tmp_path / "c.mkv", "yuv420p", painted(), colorspace=1)
    planes = view(path, ViewSpec(pixel_format="i420"))
    wrong = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(corners(wrong), corners(painted()), strict=True)) > 12


@pytest.mark.parametrize("pix_fmt", ["gray", "gray16le", "yuv420p", "yuv420p10le"])
def test_gray_is_full_range(tmp_path, pix_fmt):
    ramp = np.repeat(np.linspace(0, 255, W).astype(np.uint8)[None, :, None], H, 0).repeat(3, 2)
    made = view(lossless(tmp_path / "g.mkv", pix_fmt, ramp), ViewSpec(pixel_format="gray"))
    assert made.shape == (H, W)
    assert np.abs(made.astype(int) - ramp[..., 0]).max() <= 3


@pytest.mark.parametrize(("width", "height"), [(95, 63), (97, 64), (96, 65), (2, 2), (3, 5)])
@pytest.mark.parametrize("pixel_format", ["bgr", "gray", "i420"])
def test_odd_sizes(tmp_path, width, height, pixel_format):
    path = lossless(tmp_path / "o.mkv", "yuv444p", painted(width, height))
    made = view(path, ViewSpec(pixel_format=pixel_format))
    even = (height + height % 2, width + width % 2)
    assert (
        made.shape
        == {
            "bgr": (height, width, 3),
            "gray": (height, width),
            "i420": (even[0] * 3 // 2, even[1]),
        }[pixel_format]
    )


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        (ViewSpec(bound=48), (48, 32)),
        (ViewSpec(bound=1000), (96, 64)),
        (ViewSpec(size=(48, 0)), (48, 32)),
        (ViewSpec(size=(0, 32)), (48, 32)),
        (ViewSpec(size=(0, 0)), (96, 64)),
        (ViewSpec(size=(200, 100)), (200, 100)),
        (ViewSpec(bound=1), (1, 1)),
    ],
)
def test_sizes_that_are_asked_for(tmp_path, spec, size):
    path = lossless(tmp_path / "s.mkv", "yuv420p", painted())
    assert view(path, spec).shape == (*size[::-1], 3)


def test_a_size_and_a_bound_exclude_each_other():
    with pytest.raises(ValidationError):
        ViewSpec(size=(1, 1), bound=1)


def test_views_are_read_only_and_stay_as_they_were(tmp_path):
    """Buffers are reused inside; what was handed out is not."""
    path = lossless(tmp_path / "r.mkv", "yuv420p", painted())
    for spec in (ViewSpec(), ViewSpec(pixel_format="gray"), ViewSpec(pixel_format="i420"), ViewSpec(size=(48, 32))):
        frames = decode(path, views=(spec,)).frames
        assert not frames[0].view(spec).flags.writeable
        assert all(np.array_equal(frame.view(spec), frames[0].view(spec)) for frame in frames)
        assert len({frame.view(spec).__array_interface__["data"][0] for frame in frames}) == 3


def test_a_view_nobody_declared_is_an_error(tmp_path):
    frame = decode(lossless(tmp_path / "n.mkv", "yuv420p", painted()), views=(ViewSpec(),)).frames[0]
    with pytest.raises(KeyError):
        frame.view(ViewSpec(pixel_format="gray"))


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("pixel_format", ["bgr", "gray", "i420"])
def test_every_form_is_upright(clips, rotation, pixel_format):
    shots = (ShotSpec(0.4),)
    upright, _ = clips("upright.mp4", VideoSpec(128, 96, shots=shots))
    turned, _ = clips(f"turned-{rotation}.mp4", VideoSpec(128, 96, shots=shots, rotation=rotation))
    spec = ViewSpec(size=(64, 48), pixel_format=pixel_format, resample="area")
    a, b = view(upright, spec), view(turned, spec)
    assert a.shape == b.shape
    assert np.abs(a.astype(int) - b).mean() < 4


def test_pixels_that_are_not_square_are_stretched_by_their_aspect(clips):
    path, _ = clips("anamorphic.mp4", VideoSpec(160, 90, shots=(ShotSpec(0.4),), sample_aspect=Fraction(4, 3)))
    found = decode(path, views=(ViewSpec(),))
    assert found.info.video.coded_width == 120
    assert found.frames[0].size == (160, 90)
    assert found.frames[0].view(ViewSpec()).shape == (90, 160, 3)


def test_a_stream_that_changes_its_size(tmp_path):
    """Two clips of other sizes, joined as raw packets: every frame says its own size, and a fixed view stays fixed."""
    parts = []
    for width, height in ((96, 64), (64, 96)):
        part = tmp_path / f"{width}.h264"
        with av.open(str(part), "w", format="h264") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for _ in range(5):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(painted(width, height), format="bgr24")))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(parts))
    spec = ViewSpec(size=(32, 32))
    frames = decode(path, views=(spec,)).frames
    assert [frame.size for frame in frames] == [(96, 64)] * 5 + [(64, 96)] * 5
    assert {frame.view(spec).shape for frame in frames} == {(32, 32, 3)}


def test_one_frame_makes_each_view_once(tmp_path):
    path = lossless(tmp_path / "v.mkv", "yuv420p", painted())
    a, b = ViewSpec(), ViewSpec(pixel_format="gray")
    frame = decode(path, Sampling.every(), views=(a, b, a)).frames[0]
    assert set(frame.views) == {a, b}
