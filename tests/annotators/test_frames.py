"""Which pictures stand for a shot, and what is kept of them."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import END, Drive, annotations
from footage import Blobs, context, flat, frames_of, lit, mixed, place

from cortexia.annotators._candidates import RECENT_S, RESERVOIR_SIZE, quality
from cortexia.annotators.frames import Frames
from cortexia.annotators.shots import Shots
from cortexia.errors import ConfigurationError
from cortexia.types import KeyPicture, Shot, TimeSpan

GOLDEN = Path(__file__).parents[1] / "golden/frames.json"


def keep(frames, shots, recipe=None, blobs=None) -> list[KeyPicture]:
    """``shots``: (emitted at, shot)."""
    return annotations(Drive(recipe or Frames(), context(blobs), frames, shots).run())


def shot(frames, first, last, at=END):
    span = TimeSpan(frames[first].timestamp, frames[last].end)
    return at, Shot(span=span, frame_index=first, first_frame=first, last_frame=last)


def decoded(blobs: Blobs, digest: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(blobs[digest], np.uint8), cv2.IMREAD_COLOR)


def alike(one, two) -> float:
    """Mean difference of two pictures, in levels."""
    return float(np.mean(np.abs(one.astype(float) - two.astype(float))))


def test_the_files_show_the_picture_of_their_frame():
    pictures = [place(seed, 640, 360) for seed in range(8) for _ in range(25)]
    frames, blobs = frames_of(pictures), Blobs()
    kept = keep(frames, [shot(frames, 25 * i, 25 * i + 24, 25 * i + 60) for i in range(8)], blobs=blobs)
    assert len(kept) == 8
    for number, picture in enumerate(kept):
        assert picture.frame_index // 25 == number
        full, thumbnail = decoded(blobs, picture.picture), decoded(blobs, picture.thumbnail)
        assert alike(full, pictures[picture.frame_index]) < 3
        assert full.shape == (picture.height, picture.width, 3) == (360, 640, 3)
        assert thumbnail.shape == (180, 320, 3)
        assert alike(thumbnail, cv2.resize(full, (320, 180), interpolation=cv2.INTER_AREA)) < 5
        assert alike(full, pictures[(picture.frame_index + 25) % 200]) > 10


def test_the_row_says_which_frame_and_where_its_files_are():
    frames, blobs = frames_of([place(1)] * 50), Blobs()
    (kept,) = keep(frames, [shot(frames, 0, 49)], blobs=blobs)
    frame = frames[kept.frame_index]
    assert kept.span == TimeSpan(frame.timestamp, frame.end)
    assert kept.is_representative
    assert kept.label is None
    assert kept.confidence is None
    assert hashlib.sha256(blobs[kept.picture]).hexdigest() == kept.picture
    assert 0 < kept.quality < 1


def test_the_sharpest_wins():
    blurred = cv2.GaussianBlur(place(1), (0, 0), 6)
    pictures = [blurred] * 100
    pictures[50:56] = [place(1)] * 6
    frames = frames_of(pictures)
    (kept,) = keep(frames, [shot(frames, 0, 99)])
    assert 50 <= kept.frame_index < 56


def test_black_and_white_lose():
    assert quality(flat(0)) == quality(flat(255)) == 0
    assert quality(lit(place(1), 0.05)) < quality(lit(place(1), 0.5)) < quality(place(1)) < 1


def test_of_equal_pictures_one_away_from_the_borders_wins():
    frames = frames_of([place(1)] * 60)
    (kept,) = keep(frames, [shot(frames, 0, 59)])
    assert 12 <= kept.frame_index <= 47


@pytest.mark.parametrize("per_shot", [1, 3, 8])
def test_as_many_as_asked_for_in_order_of_time(per_shot):
    frames = frames_of([place(seed) for seed in range(75)])
    kept = keep(frames, [shot(frames, 0, 74)], Frames(per_shot=per_shot))
    assert len(kept) == per_shot
    assert [picture.frame_index for picture in kept] == sorted({picture.frame_index for picture in kept})


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_every_shot_of_a_quarter_second_has_a_picture(fps):
    length = -(-fps // 4)
    frames = frames_of([place(number // length) for number in range(12 * length)], fps)
    shots = [shot(frames, length * i, length * i + length - 1, length * (i + 3)) for i in range(12)]
    kept = keep(frames, shots)
    assert [picture.frame_index // length for picture in kept] == list(range(12))


def test_a_shot_told_late_keeps_what_belongs_to_the_next():
    """A short shot after a long one, both told when most of the second is over."""
    frames = frames_of([place(1)] * 500 + [place(2)] * 10 + [place(3)] * 60)
    told = [shot(frames, 0, 499, 540), shot(frames, 500, 509, 545), shot(frames, 510, 569)]
    kept = keep(frames, told)
    assert len(kept) == 3
    assert kept[0].frame_index < 500 <= kept[1].frame_index < 510 <= kept[2].frame_index


def test_a_long_shot_writes_few_files():
    """A decimating reservoir: ten minutes at four candidates a second, and a few dozen pictures on disk."""
    frames = frames_of([place(1, 64, 36)] * 1200, 2)
    for number, frame in enumerate(frames):
        cv2.putText(frame.bgr, str(number), (2, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255))
        frame.bgr = frame.bgr.copy()
    blobs = Blobs()
    (kept,) = keep(frames, [shot(frames, 0, 1199)], blobs=blobs)
    assert kept.picture in blobs
    assert len(blobs) <= 2 * RESERVOIR_SIZE * 8


def test_what_is_held_in_memory_is_bounded():
    frames = frames_of([place(1, 64, 36)] * 2000, 25)
    recipe = Frames()
    session = recipe.session(context())
    sampled = [f for f in frames if recipe.sampling.wants(f.index, f.timestamp.fraction, f.end.fraction, False)]
    for frame in sampled:
        session.process([frame], [[]])
        held = [f for f in sampled if (session.progress().replay_from or 0) <= f.index <= frame.index]
        assert frame.timestamp.fraction - held[0].timestamp.fraction <= RECENT_S
        assert len(session.state()["written"]) <= RESERVOIR_SIZE


def test_a_shot_without_a_candidate_has_no_picture():
    frames = frames_of([place(number // 2) for number in range(40)])
    told = [shot(frames, 2 * i, 2 * i + 1) for i in range(20)]
    kept = keep(frames, told)
    assert 0 < len(kept) < 20


def test_without_shots_nothing_is_kept():
    assert keep(frames_of([place(1)] * 50), []) == []


def test_large_pictures_shrink_to_the_longest_side_asked_for():
    frames, blobs = frames_of([place(1, 640, 360)] * 20), Blobs()
    (kept,) = keep(frames, [shot(frames, 0, 19)], Frames(max_side=160), blobs)
    assert (kept.width, kept.height) == (160, 90)
    assert decoded(blobs, kept.thumbnail).shape == (90, 160, 3)


def test_a_portrait_has_a_portrait_thumbnail():
    frames, blobs = frames_of([place(1, 360, 640)] * 20), Blobs()
    (kept,) = keep(frames, [shot(frames, 0, 19)], blobs=blobs)
    assert decoded(blobs, kept.thumbnail).shape == (320, 180, 3)


def test_quality_of_the_file_follows_the_option():
    frames = frames_of([place(1)] * 20)
    sizes = []
    for jpeg_quality in (30, 95):
        blobs = Blobs()
        (kept,) = keep(frames, [shot(frames, 0, 19)], Frames(jpeg_quality=jpeg_quality), blobs)
        sizes.append(len(blobs[kept.picture]))
    assert sizes[0] < sizes[1] / 2


@pytest.mark.parametrize("options", [{"per_shot": 0}, {"per_second": 0.0}, {"max_side": 10}, {"jpeg_quality": 101}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Frames(**options)


def film():
    pictures = [place(1)] * 40 + [place(2)] * 9 + mixed(place(3), place(4), 10) + [place(4)] * 200 + [place(5)] * 20
    return frames_of(pictures, Fraction(25))


def test_golden():
    frames = film()
    said = Drive(Shots(), context(), frames).run()
    rows = [[row.frame_index, row.width, row.height, row.quality] for row in keep(frames, said)]
    wanted = json.loads(GOLDEN.read_text())
    assert [row[:3] for row in rows] == [row[:3] for row in wanted]
    assert [row[3] for row in rows] == pytest.approx([row[3] for row in wanted], abs=0.02)
