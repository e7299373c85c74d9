"""Every frame carries the container's own time, as ffprobe reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise

import pytest
from decoding import decode

from cortexia.testing import ShotSpec, VideoSpec, read_frame_number
from cortexia.types import Sampling, TimeSource, ViewSpec

F = Fraction


def spec(**changes) -> VideoSpec:
    from cortexia.testing import SCENES

    names = sorted(SCENES)
    shots = (ShotSpec(1.6, scene=names[0]), ShotSpec(1.6, scene=names[1]))
    return VideoSpec(**{"shots": shots, **changes})


CLIPS = {
    "plain.mp4": {},
    "bframes.mp4": {"bframes": 3},
    "bframes.mkv": {"bframes": 3},
    "variable.mp4": {"frame_durations": (F(1, 25), F(1, 10), F(1, 50), F(3, 10))},
    "variable.mkv": {"frame_durations": (F(1, 20), F(1, 10), F(1, 40)), "bframes": 2},
    "edit-list.mp4": {"start_s": -0.4, "bframes": 2},
    "late.mkv": {"start_s": 1.5},
    "negative.ts": {"start_s": -0.3, "bframes": 2},
    "rotated.mp4": {"rotation": 90},
    "open-gop.mp4": {"open_gop": True, "bframes": 3, "gop": 12},
    "two-tracks.mkv": {"others": (VideoSpec(width=160, height=90),)},
    "second-default.mkv": {"others": (VideoSpec(width=160, height=90, rate=F(10)),), "default_track": 1},
    "ntsc.mp4": {"rate": F(30000, 1001), "bframes": 2},
}


def ffprobe(path, stream_index: int) -> list[tuple[int | None, Fraction]]:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-select_streams", str(stream_index), "-show_entries"]
    command += ["frame=pts:stream=time_base", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    base = Fraction(found["streams"][0]["time_base"])
    return [(frame.get("pts"), base) for frame in found["frames"]]


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_pts_and_time_base_are_those_of_ffprobe(clips, name):
    path, _ = clips(name, spec(**CLIPS[name]))
    seen = decode(path)
    assert seen.info.video is not None
    expected = ffprobe(path, seen.info.video.stream_index)
    assert [(frame.pts, frame.timestamp.time_base) for frame in seen.frames] == expected
    for frame in seen.frames:
        exact = frame.pts * frame.timestamp.time_base - seen.info.origin
        assert frame.timestamp.pts == frame.pts
        assert frame.time_s == float(exact) >= 0
        assert frame.time_source is TimeSource.PTS


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_the_picture_is_the_one_of_its_index(clips, name):
    """The number painted into the pixels tells which picture it is, whatever the container says."""
    path, _ = clips(name, spec(**CLIPS[name]))
    frames = decode(path, views=(ViewSpec(),)).frames
    painted = [read_frame_number(frame.view(ViewSpec())) for frame in frames]
    first = painted[0]
    assert painted == list(range(first, first + len(frames)))
    assert [frame.index for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("name", ["variable.mp4", "variable.mkv", "bframes.mp4"])
def test_a_frame_ends_where_the_next_begins(clips, name):
    frames = decode(clips(name, spec(**CLIPS[name]))[0]).frames
    assert all(a.end == b.timestamp for a, b in pairwise(frames))
    assert frames[-1].end > frames[-1].timestamp


def test_frame_number_times_rate_is_wrong_on_variable_rate(clips):
    """Negative control: the shortcut that this project never takes."""
    frames = decode(clips("variable.mp4", spec(**CLIPS["variable.mp4"]))[0]).frames
    rate = (len(frames) - 1) / (frames[-1].time_s - frames[0].time_s)
    assert max(abs(frame.index / rate - frame.time_s) for frame in frames) > 0.1


def test_the_origin_lifts_negative_times_to_zero(clips):
    seen = decode(clips("negative.ts", spec(**CLIPS["negative.ts"]))[0])
    if seen.frames[0].pts >= 0:
        pytest.skip("this FFmpeg does not keep negative times in MPEG-TS")
    assert seen.info.origin < 0
    assert seen.frames[0].time_s == 0.0


def test_rotation_is_applied_once(clips):
    path, _ = clips("rotated.mp4", spec(**CLIPS["rotated.mp4"]))
    seen = decode(path, views=(ViewSpec(),))
    assert seen.info.video is not None
    assert (seen.info.video.width, seen.info.video.height) == (320, 180)
    assert seen.frames[0].view(ViewSpec()).shape == (180, 320, 3)


# -- skipping what nobody wants


@pytest.mark.parametrize(
    "name", ["plain.mp4", "bframes.mp4", "bframes.mkv", "open-gop.mp4", "variable.mp4", "ntsc.mp4"]
)
@pytest.mark.parametrize(
    "sampling", [Sampling.each_nth(10), Sampling.at_rate(2), Sampling.keyframes()], ids=["tenth", "rate", "keys"]
)
def test_skipping_gives_the_same_frames_and_pixels(clips, name, sampling):
    path, _ = clips(name, spec(**CLIPS[name]))
    small = (ViewSpec(),)
    every = decode(path, views=small)
    origin = every.info.origin
    wanted = {
        frame.index: frame
        for frame in every.frames
        if sampling.wants(
            frame.index, frame.timestamp.fraction - origin, frame.end.fraction - origin, frame.is_keyframe
        )
    }
    sparse = decode(path, sampling, views=small, threads=2)
    assert [frame.index for frame in sparse.frames] == list(wanted)
    for frame in sparse.frames:
        twin = wanted[frame.index]
        assert (frame.pts, frame.timestamp, frame.end) == (twin.pts, twin.timestamp, twin.end)
        assert (frame.view(ViewSpec()) == twin.view(ViewSpec())).all()


def test_skipping_really_skips(clips):
    path, _ = clips("bframes.mp4", spec(**CLIPS["bframes.mp4"]))
    verdict = decode(path, Sampling.each_nth(20), threads=2).verdict
    assert verdict.notes
    assert verdict.frames_decoded < 60


# -- ranges and anchors


def test_a_range_is_half_open_and_changes_no_index(clips):
    from cortexia.types import TimeRange

    path, _ = clips("bframes.mp4", spec(**CLIPS["bframes.mp4"]))
    every = decode(path).frames
    part = decode(path, time_range=TimeRange(1.0, 2.0), threads=2).frames
    assert [frame.index for frame in part] == [frame.index for frame in every if 1.0 <= frame.time_s < 2.0]


def test_decoding_from_an_anchor_gives_the_same_pictures(clips):
    path, _ = clips("plain.mp4", spec(**CLIPS["plain.mp4"]))
    whole = decode(path, anchor_interval_s=1.0)
    anchor = whole.anchors[-1]
    assert anchor.frame_index > 0
    part = decode(path, anchor=anchor)
    assert [frame.index for frame in part.frames] == list(range(anchor.frame_index, len(whole.frames)))
    twins = zip(part.frames, whole.frames[anchor.frame_index :], strict=True)
    assert all((a.view(a_view) == b.view(a_view)).all() for a, b in twins for a_view in [ViewSpec(pixel_format="gray")])


def test_an_anchor_that_does_not_fit_decodes_from_the_start(clips):
    import dataclasses

    path, _ = clips("plain.mp4", spec(**CLIPS["plain.mp4"]))
    whole = decode(path, anchor_interval_s=1.0)
    wrong = dataclasses.replace(whole.anchors[-1], picture_sha256="0" * 64)
    again = decode(path, anchor=wrong)
    assert [frame.index for frame in again.frames] == [frame.index for frame in whole.frames]
