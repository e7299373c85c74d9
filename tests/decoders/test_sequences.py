"""Pictures as one video: exact times at the stated rate, gaps where one is broken, and going on from anchors."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.choice import ContentDecoder
from cortexia.decoders.sequence import MANIFEST, Sequence, parse_rate
from cortexia.errors import ConfigurationError
from cortexia.types import Anchor, Frame, Sampling, TimeRange, Verdict, ViewSpec

RGB = ViewSpec(pixel_format="rgb")
NTSC = Fraction(30000, 1001)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Ten pictures; each is filled with ten times its number."""
    names = [f"{i}.png" for i in range(10)]
    for i, name in enumerate(names):
        Image.new("RGB", (16, 8), (10 * i,) * 3).save(tmp_path / name)
    (tmp_path / MANIFEST).write_bytes(Sequence(NTSC, tuple(names)).to_json())
    return tmp_path


def look(folder: Path, sampling: Sampling | None = None, **request) -> tuple[list[Frame], Verdict, tuple[Anchor, ...]]:
    decoder = ContentDecoder()
    wanted = DecodeRequest(video=(ViewRequest(sampling or Sampling.every(), (RGB,)),), **request)
    with decoder.open(folder, decoder.probe(folder), wanted) as stream:
        return list(stream), stream.verdict(), stream.anchors()


def shades(frames: list[Frame]) -> list[int]:
    return [int(frame.view(RGB)[0, 0, 0]) // 10 for frame in frames]


def test_times_are_exact_at_any_rate(folder):
    info = ContentDecoder().probe(folder)
    assert (info.container, info.video.declared_frames, info.video.average_rate) == ("image_sequence", 10, NTSC)
    assert info.duration_s == pytest.approx(10 * 1001 / 30000)
    frames, verdict, _ = look(folder)
    assert [frame.timestamp.fraction for frame in frames] == [i / NTSC for i in range(10)]
    assert [frame.end.fraction for frame in frames] == [(i + 1) / NTSC for i in range(10)]
    assert [(frame.index, frame.pts) for frame in frames] == [(i, i) for i in range(10)]
    assert shades(frames) == list(range(10))
    assert (verdict.status, verdict.frames_decoded, verdict.notes) == ("ok", 10, ())


def test_a_broken_picture_leaves_a_gap(folder):
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:50])
    frames, verdict, _ = look(folder)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert frames[4].timestamp.fraction == 5 / NTSC
    assert (verdict.status, verdict.reason) == ("partial", "corrupt_frames")
    assert (verdict.frames_decoded, verdict.frames_corrupt, verdict.error_count) == (9, 1, 1)
    assert "4.png" in verdict.first_error


def test_a_broken_first_picture_does_not_hide_the_others(folder):
    (folder / "0.png").unlink()
    frames, verdict, _ = look(folder)
    assert shades(frames) == list(range(1, 10))
    assert verdict.status == "partial"


def test_nothing_but_broken_pictures_is_rejected(folder):
    info = ContentDecoder().probe(folder)
    for path in folder.glob("*.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert ContentDecoder().probe(folder).verdict.status == "rejected"
    request = DecodeRequest(video=(ViewRequest(Sampling.every(), (RGB,)),))
    with ContentDecoder().open(folder, info, request) as stream:
        assert list(stream) == []
        assert (stream.verdict().status, stream.verdict().reason) == ("rejected", "no_frames")


def test_what_nobody_wants_is_not_decoded_and_that_is_told(folder):
    (folder / "3.png").write_bytes(b"broken, and not looked at")
    frames, verdict, _ = look(folder, Sampling.each_nth(5))
    assert shades(frames) == [0, 5]
    assert (verdict.status, verdict.notes) == ("ok", ("checked 2 of 10 pictures",))


def test_a_range_is_cut_at_its_times(folder):
    frames, _, _ = look(folder, time_range=TimeRange(0.1, 0.2))
    assert [frame.index for frame in frames] == [3, 4, 5]


def test_going_on_from_an_anchor_gives_the_rest(folder):
    whole, verdict, anchors = look(folder, anchor_interval_s=0.1)
    assert [anchor.frame_index for anchor in anchors] == [3, 6, 9]
    for anchor in anchors:
        rest, again, _ = look(folder, anchor=anchor)
        assert shades(rest) == shades(whole)[anchor.frame_index :]
        assert again == verdict


def test_an_anchor_whose_picture_is_another_is_not_believed(folder):
    anchor = look(folder, anchor_interval_s=0.1)[2][0]
    Image.new("RGB", (16, 8), "red").save(folder / f"{anchor.frame_index}.png")
    assert len(look(folder, anchor=anchor)[0]) == 10
    assert len(look(folder, anchor=Anchor(99, 99, 99, ""))[0]) == 10


def test_behind_damage_no_anchor_is_left(folder):
    """Whoever went on from there would not know of the damage."""
    (folder / "4.png").write_bytes(b"")
    assert [anchor.frame_index for anchor in look(folder, anchor_interval_s=0.0)[2]] == [1, 2, 3]


def test_a_stop_is_heeded_at_every_picture(folder):
    asked = iter([False, False, True])
    assert len(look(folder, cancelled=lambda: next(asked))[0]) == 2


def test_pictures_may_differ_in_size(folder):
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(folder / "5.png")
    frames, _, _ = look(folder)
    assert {frame.size for frame in frames} == {(16, 8), (20, 30)}


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        '{"rate": "0", "images": ["0.png"]}',
        '{"rate": "25", "images": []}',
        '{"rate": "25", "images": ["../0.png"]}',
        '{"rate": "25", "images": ["/etc/passwd"]}',
        '{"rate": "25", "images": [3]}',
    ],
)
def test_a_folder_that_is_no_sequence_is_rejected(folder, manifest):
    (folder / MANIFEST).write_text(manifest)
    verdict = ContentDecoder().probe(folder).verdict
    assert (verdict.status, verdict.reason) == ("rejected", "not_media")


@pytest.mark.parametrize(
    ("text", "rate"), [("25", 25), ("29.97", Fraction(2997, 100)), ("30000/1001", NTSC), (0.5, Fraction(1, 2))]
)
def test_rates_are_exact(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "1/0", "inf", "nan", "1000001", "1/1000001"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ConfigurationError, match="rate"):
        parse_rate(text)
