"""Still pictures: upright, exact, within limits, and told apart by content (F11, S-34)."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cortexia.decoders import pixels as pixels_module
from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.choice import ContentDecoder
from cortexia.decoders.formats import is_picture, still_format
from cortexia.decoders.limits import DEFAULT_LIMITS
from cortexia.decoders.pixels import without_metadata
from cortexia.types import Frame, Sampling, Verdict, ViewSpec

BGR, RGB, GRAY = ViewSpec(), ViewSpec(pixel_format="rgb"), ViewSpec(pixel_format="gray")


def look(path: Path, *views: ViewSpec, **request) -> tuple[list[Frame], Verdict]:
    decoder = ContentDecoder()
    info = decoder.probe(path)
    if info.verdict.status == "rejected":
        return [], info.verdict
    wanted = DecodeRequest(video=(ViewRequest(Sampling.every(), views),), **request)
    with decoder.open(path, info, wanted) as stream:
        return list(stream), stream.verdict()


def pixels(path: Path, view: ViewSpec = RGB) -> np.ndarray:
    ((frame,), verdict) = look(path, view)
    assert verdict.status == "ok"
    return frame.view(view)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (31, 47, 3), np.uint8)


@pytest.fixture
def png(tmp_path, noise) -> Path:
    Image.fromarray(noise).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_real_photos_have_pillows_very_pixels(data_dir):
    photos = sorted((data_dir / "images" / "coco_ccby").glob("*.jpg"))
    assert len(photos) == 6
    for path in photos:
        (frame,), _ = look(path, BGR, RGB)
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB"))
        assert (frame.view(BGR) == expected[..., ::-1]).all()
        assert (frame.view(RGB) == expected).all()
        assert frame.size == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_lossless_formats_come_out_as_they_went_in(tmp_path, noise, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path, lossless=True)
    assert (pixels(path) == noise).all()


def test_avif_is_read(tmp_path, noise):
    Image.fromarray(np.full_like(noise, 90)).save(tmp_path / "a.avif", quality=100)
    assert np.abs(pixels(tmp_path / "a.avif").astype(int) - 90).max() <= 2


def test_a_still_is_one_frame_of_one_second(png):
    info = ContentDecoder().probe(png)
    assert (info.container, info.duration_s, info.audio, info.origin) == ("image", 1.0, None, 0)
    assert (info.video.width, info.video.height, info.video.codec, info.video.declared_frames) == (47, 31, "png", 1)
    (frame,), verdict = look(png, BGR)
    assert (frame.index, frame.timestamp.seconds, frame.end.seconds, frame.time_s) == (0, 0.0, 1.0, 0.0)
    assert (frame.time_source, frame.is_keyframe, frame.is_corrupt) == ("index", True, False)
    assert (verdict.status, verdict.frames_decoded, verdict.last_good_s) == ("ok", 1, 1.0)
    assert not frame.view(BGR).flags.writeable


def test_views_are_scaled_like_those_of_videos(png, noise):
    small, gray = ViewSpec(bound=20, pixel_format="rgb", resample="area"), ViewSpec(size=(16, 8), pixel_format="i420")
    (frame,), _ = look(png, small, GRAY, gray)
    assert frame.view(small).shape == (13, 20, 3)
    assert frame.view(gray).shape == (12, 16)
    luma = noise @ np.array([0.299, 0.587, 0.114])
    assert np.abs(frame.view(GRAY) - luma).max() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_upright(tmp_path, orientation):
    """A corner marked in red is turned away as a camera would, and comes back to the upper left."""
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16, 0] = 255
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(upright)
    if orientation > 1:
        image = image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    found = pixels(tmp_path / "a.jpg")
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() < 40
    video = ContentDecoder().probe(tmp_path / "a.jpg").video
    assert (video.width, video.height) == (48, 32)
    assert (video.coded_width, video.coded_height) == image.size


def test_without_the_tag_it_would_lie_on_its_side(tmp_path, noise):
    """Negative control: Pillow alone leaves pictures as they are stored."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (47, 31)
    assert pixels(tmp_path / "a.png").shape == (47, 31, 3)


@pytest.mark.parametrize("value", [0, 9, None])
def test_senseless_orientations_change_nothing(tmp_path, noise, value, recwarn):
    exif = Image.Exif()
    exif[0x0112] = value or 0
    Image.fromarray(noise).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\x08\0\0\0\xff" if value is None else exif)
    assert (pixels(tmp_path / "a.png") == noise).all()
    assert not recwarn.list


def test_alpha_is_dropped_and_not_blended(tmp_path, noise):
    clear = np.dstack([noise, np.zeros(noise.shape[:2], np.uint8)])
    Image.fromarray(clear).save(tmp_path / "a.png")
    assert (pixels(tmp_path / "a.png") == noise).all()


def test_sixteen_bits_keep_the_upper_eight(tmp_path):
    deep = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    for name in ("a.png", "a.tiff"):
        Image.fromarray(deep).save(tmp_path / name)
        assert (pixels(tmp_path / name) == (deep >> 8)[..., None]).all()


def test_samples_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tiff")
    assert look(tmp_path / "a.tiff")[1].reason == "format_not_allowed"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_other_kinds_of_pixels_are_converted(tmp_path, noise, mode):
    image = Image.fromarray(noise).convert(mode)
    image.save(tmp_path / "a.tiff")
    assert (pixels(tmp_path / "a.tiff") == np.asarray(image.convert("RGB"))).all()


# -- what is not a still


def test_animations_are_videos(tmp_path, noise):
    frames = [Image.fromarray(np.roll(noise, 5 * i, axis=1)) for i in range(3)]
    for name in ("a.gif", "a.apng"):
        frames[0].save(
            tmp_path / name, format="png" if "apng" in name else None, save_all=True, append_images=frames[1:]
        )
        assert still_format(tmp_path / name) is None
        assert len(look(tmp_path / name, BGR)[0]) == 3


@pytest.mark.parametrize("suffix", ["webp", "tiff"])
def test_of_several_pictures_the_first_is_looked_at_and_that_is_told(tmp_path, noise, suffix):
    frames = [Image.fromarray(np.roll(noise, 5 * i, axis=1)) for i in range(3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], lossless=True)
    (frame,), verdict = look(tmp_path / f"a.{suffix}", RGB)
    assert (frame.view(RGB) == noise).all()
    assert (verdict.status, verdict.reason) == ("partial", "short")
    assert "first of several" in verdict.message


@pytest.mark.parametrize("suffix", ["ico", "ppm", "tga", "pcx", "icns", "eps"])
def test_formats_that_are_not_on_the_list_are_refused(tmp_path, suffix):
    path = tmp_path / "named.png"
    Image.new("RGB", (32, 32), "red").save(path, format={"tga": "TGA"}.get(suffix, suffix))
    with Image.open(path) as image:
        assert image.format == suffix.upper()  # negative control: Pillow left alone opens it
    assert not is_picture(path)
    assert look(path)[1].status == "rejected"


def test_heif_photos_count_as_pictures_and_are_read_by_ffmpeg(data_dir):
    path = next((data_dir / "badmedia").rglob("sample_still_photo.heic"))
    assert still_format(path) is None
    assert is_picture(path)
    assert len(look(path, BGR)[0]) == 1


# -- hostile ones


@pytest.mark.parametrize("name", ["width", "height", "pixels", "picture_bytes"])
def test_a_picture_at_and_beyond_a_limit(png, name):
    exact = {"width": 47, "height": 31, "pixels": 47 * 31, "picture_bytes": png.stat().st_size}[name]
    assert ContentDecoder(replace(DEFAULT_LIMITS, **{name: exact})).probe(png).verdict.status == "ok"
    refused = ContentDecoder(replace(DEFAULT_LIMITS, **{name: exact - 1})).probe(png).verdict
    assert (refused.status, refused.reason) == ("rejected", "too_large")


def test_a_size_that_only_the_header_has_is_refused_before_decoding(tmp_path, recwarn):
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    assert look(tmp_path / "a.png")[1].reason == "too_large"
    assert not recwarn.list


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_texts_that_unpack_to_megabytes_are_not_unpacked(png, noise):
    data = png.read_bytes()
    bomb = chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(20_000_000)))
    png.write_bytes(data[:33] + bomb + data[33:])
    with pytest.raises(ValueError, match="too large"), Image.open(png) as image:
        image.load()  # negative control: Pillow reads it, up to a limit of its own
    assert (pixels(png) == noise).all()


def test_a_png_of_very_many_chunks_is_refused(png, monkeypatch):
    chunks = png.read_bytes().count(b"IDAT") + 2
    monkeypatch.setattr(pixels_module, "_PNG_CHUNKS", chunks + 1)
    assert ContentDecoder().probe(png).verdict.status == "ok"
    monkeypatch.setattr(pixels_module, "_PNG_CHUNKS", chunks - 1)
    assert ContentDecoder().probe(png).verdict.reason == "too_large"


def test_a_png_without_texts_is_read_as_it_is(png):
    with png.open("rb") as file:
        assert without_metadata(file) is file
        assert file.tell() == 0
    assert without_metadata(io.BytesIO(b"\x89PNG\r\n\x1a\n")).read() == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "bmp"])
def test_truncated_pictures_are_rejected_with_a_reason(tmp_path, noise, suffix, share):
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    data = (tmp_path / f"whole.{suffix}").read_bytes()
    (tmp_path / "cut").write_bytes(data[: max(20, int(len(data) * share))])
    verdict = look(tmp_path / "cut")[1]
    assert (verdict.status, verdict.reason) == ("rejected", "no_frames")
    assert str(tmp_path) not in verdict.message
    assert "\n" not in verdict.message


def test_names_are_not_asked(tmp_path, png, noise):
    renamed = png.rename(tmp_path / "a.mp4")
    assert (pixels(renamed) == noise).all()


def test_a_cancelled_pass_hands_out_nothing_more(png):
    assert look(png, BGR, cancelled=lambda: True)[0] == []


def test_sound_alone_opens_no_picture(png):
    decoder = ContentDecoder()
    with decoder.open(png, decoder.probe(png), DecodeRequest(audio_rate=16_000)) as stream:
        assert list(stream) == []
        assert stream.contexts_opened == 0
