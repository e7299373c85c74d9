"""Generated clips are what their truth says: told by ffprobe, by the painted numbers, by pixels and by samples."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from cortexia.testing import (
    Camera,
    Mover,
    ShotSpec,
    SoundSpec,
    Truth,
    VideoSpec,
    click,
    dissolve,
    fade,
    loop_video,
    make_video,
    noise,
    read_frame_number,
    render,
    speech,
    tone,
    truncate_file,
)
from cortexia.testing.footage import ShotView, place_shots
from cortexia.types import Transition

SHOTS = (
    ShotSpec(frames=26, scene="sea", movers=(Mover("boat", (0.3, 0.5), (0.7, 0.5), 0.3),), transition_out=dissolve(6)),
    ShotSpec(frames=20, scene="city"),
)
UNEVEN = (Fraction(1, 30), Fraction(1, 15), Fraction(1, 50))
CLIPS = {
    "plain.mp4": VideoSpec(shots=SHOTS, sound=SoundSpec((click(0.5),))),
    "bframes.mp4": VideoSpec(shots=SHOTS, bframes=3, gop=12),
    "open_gop.mkv": VideoSpec(shots=SHOTS, bframes=3, gop=12, open_gop=True),
    "bframes.ts": VideoSpec(shots=SHOTS, bframes=2),
    "variable.mp4": VideoSpec(shots=SHOTS, frame_durations=UNEVEN),
    "variable.mkv": VideoSpec(shots=SHOTS, frame_durations=UNEVEN, bframes=2),
    "turned.mp4": VideoSpec(shots=SHOTS, rotation=90),
    "overhead.mov": VideoSpec(shots=SHOTS, rotation=180),
    "negative.ts": VideoSpec(shots=SHOTS, start_s=-0.4, sound=SoundSpec((click(0.5),))),
    "edit_list.mp4": VideoSpec(shots=SHOTS, start_s=-0.4, bframes=2, gop=5),
    "late.mp4": VideoSpec(shots=SHOTS, start_s=0.52, sound=SoundSpec((click(0.5),))),
    "ntsc.mov": VideoSpec(shots=SHOTS, rate=Fraction(30000, 1001)),
    "mpeg4.avi": VideoSpec(shots=SHOTS, codec="mpeg4"),
    "hevc.mp4": VideoSpec(shots=SHOTS, codec="libx265", bframes=2, open_gop=True, gop=15),
    "tiny.mp4": VideoSpec(width=160, height=90, shots=SHOTS),
    "square.mp4": VideoSpec(shots=SHOTS, sample_aspect=Fraction(4, 3)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def truths(folder: Path) -> dict[str, Truth]:
    return {name: make_video(folder / name, spec) for name, spec in CLIPS.items()}


def probe(path: Path) -> dict:
    """Streams, and frames of every stream, as ffprobe sees them."""
    entries = "stream=index,codec_type,time_base,width,height:frame=stream_index,pts,key_frame"
    run = ["ffprobe", "-v", "error", "-show_streams", "-show_frames", "-show_entries", entries, "-of", "json", path]
    return json.loads(subprocess.run(run, capture_output=True, check=True).stdout)


def frames_of(report: dict, place: int = 0) -> tuple[dict, list[dict]]:
    stream = [item for item in report["streams"] if item["codec_type"] == "video"][place]
    return stream, [item for item in report["frames"] if item["stream_index"] == stream["index"]]


def shown(path: Path, size: tuple[int, int]) -> list[np.ndarray]:
    """Pictures in display orientation and size, by PyAV alone."""
    pictures = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            upright = np.rot90(frame.to_ndarray(format="bgr24"), (frame.rotation // 90) % 4)
            pictures.append(cv2.resize(np.ascontiguousarray(upright), size))
    return pictures


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.concatenate([block.reshape(-1) for block in blocks])


@pytest.mark.parametrize("name", CLIPS)
def test_painted_numbers_follow_the_truth(name: str, folder: Path, truths: dict[str, Truth]) -> None:
    truth = truths[name]
    numbers = [read_frame_number(picture) for picture in shown(folder / name, (truth.width, truth.height))]
    assert numbers == list(range(truth.first_number, truth.first_number + truth.frame_count))


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_times_and_key_pictures_equal_ffprobe(name: str, folder: Path, truths: dict[str, Truth]) -> None:
    truth = truths[name]
    stream, frames = frames_of(probe(folder / name))
    assert stream["time_base"] == f"{truth.time_base.numerator}/{truth.time_base.denominator}"
    assert tuple(frame["pts"] for frame in frames) == truth.pts
    assert tuple(place for place, frame in enumerate(frames) if frame["key_frame"]) == truth.keyframes


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_second_picture_track_has_a_truth_of_its_own(tmp_path: Path) -> None:
    other = VideoSpec(width=640, height=360, shots=(ShotSpec(frames=12, scene="forest"),))
    truth = make_video(tmp_path / "two.mp4", VideoSpec(shots=SHOTS, others=(other,), default_track=1))
    stream, frames = frames_of(probe(tmp_path / "two.mp4"), 1)
    assert (stream["width"], tuple(frame["pts"] for frame in frames)) == (640, truth.others[0].pts)


def test_edit_list_hides_the_start_and_counts_from_the_first_shown_frame(truths: dict[str, Truth]) -> None:
    truth = truths["edit_list.mp4"]
    assert (truth.first_number, truth.pts[0], truth.shots[0].first_frame) == (10, 0, 0)
    assert truth.boundaries[0].first_frame == 20 - 10


def test_same_spec_makes_the_same_bytes(tmp_path: Path) -> None:
    spec = VideoSpec(shots=(ShotSpec(frames=8, grain=2.0),), sound=SoundSpec((noise(0.1, 0.1),), floor=0.01))
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    make_video(first, spec)
    make_video(second, spec)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("shape", ["ball", "car", "bird", "boat", "balloon"])
def test_box_is_where_the_pixels_change(shape: str) -> None:
    mover = Mover(shape, (0.3, 0.4), (0.6, 0.5), 0.3, (20, 40, 250))
    without = VideoSpec(shots=(ShotSpec(frames=3, scene="city", camera=Camera(zoom_to=1.3, pan_x=0.5)),))
    with_it = VideoSpec(
        shots=(ShotSpec(frames=3, scene="city", camera=Camera(zoom_to=1.3, pan_x=0.5), movers=(mover,)),)
    )
    view = ShotView(with_it, place_shots(with_it)[0])
    for index, (bare, full) in enumerate(zip(render(without), render(with_it), strict=True)):
        rows, columns = np.nonzero(cv2.absdiff(bare, full).max(axis=2) > 25)
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert found == pytest.approx(view.corners(mover, index), abs=2)


def test_boxes_are_clipped_and_vanish_outside(tmp_path: Path) -> None:
    leaving = Mover("ball", (0.5, 0.5), (1.5, 0.5), 0.2)
    truth = make_video(tmp_path / "out.mp4", VideoSpec(shots=(ShotSpec(frames=20, movers=(leaving,)),)))
    boxes = [truth.objects[0].box(frame) for frame in range(20)]
    assert boxes[0] is not None
    assert boxes[-1] is None
    assert max(box.x2 for box in boxes if box) == truth.width


def test_cut_changes_pixels_at_its_very_frame() -> None:
    spec = VideoSpec(shots=(ShotSpec(frames=10, scene="sea"), ShotSpec(frames=10, scene="city")))
    pictures = [picture[40:].astype(int) for picture in render(spec)]
    steps = [float(abs(after - before).mean()) for before, after in itertools.pairwise(pictures)]
    assert int(np.argmax(steps)) + 1 == 10


def test_fade_goes_through_black_at_the_boundary(tmp_path: Path) -> None:
    spec = VideoSpec(shots=(ShotSpec(frames=20, scene="sea", transition_out=fade(8)), ShotSpec(frames=20)))
    truth = make_video(tmp_path / "fade.mp4", spec)
    levels = [float(picture[40:].mean()) for picture in render(spec)]
    (boundary,) = truth.boundaries
    assert (boundary.kind, boundary.frame, boundary.first_frame, boundary.last_frame) == (Transition.FADE, 20, 12, 27)
    assert levels[19] == levels[20] == 0
    assert levels[11] > levels[14] > levels[18]


def test_dissolve_shares_its_frames() -> None:
    frames = list(render(VideoSpec(shots=SHOTS)))
    assert len(frames) == 26 + 20 - 6


def test_flash_is_bright_for_two_frames() -> None:
    levels = [float(picture.mean()) for picture in render(VideoSpec(shots=(ShotSpec(frames=8, flashes=(3,)),)))]
    assert levels[3] > levels[4] > levels[5] + 20
    assert levels[5] == pytest.approx(levels[2], abs=1)


def test_light_changes_over_the_shot() -> None:
    levels = [float(picture.mean()) for picture in render(VideoSpec(shots=(ShotSpec(frames=8, light=(1.0, 0.4)),)))]
    assert levels == sorted(levels, reverse=True)


def test_transition_longer_than_its_shot_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        list(render(VideoSpec(shots=(ShotSpec(frames=5, transition_out=dissolve(5)), ShotSpec()))))


@pytest.mark.parametrize(
    ("name", "start_s", "message"), [("x.mkv", -0.4, "below zero"), ("x.mp4", -0.41, "whole number of frames")]
)
def test_start_that_cannot_be_stored_is_refused(name: str, start_s: float, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        make_video(tmp_path / name, VideoSpec(shots=SHOTS, start_s=start_s, frame_durations=UNEVEN))


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_sound_begins_at_its_very_sample(rate: int, tmp_path: Path) -> None:
    sound = SoundSpec(
        (click(0.25), tone(0.5, 0.1), noise(0.8, 0.1), speech(1.1, 0.3)), rate, codec="pcm_s16le", duration_s=1.6
    )
    truth = make_video(tmp_path / "sound.wav", VideoSpec(shots=(), sound=sound))
    samples = np.abs(heard(tmp_path / "sound.wav").astype(int))
    assert len(samples) == round(1.6 * rate)
    for event in truth.sounds:
        first, stop = round(event.start_s * rate), round(event.end_s * rate)
        assert samples[max(0, first - rate // 20) : first].max() == 0
        assert samples[first : first + rate // 250].max() > 200
        assert samples[stop : stop + rate // 20].max() == 0


def test_late_sound_is_late_in_the_container(tmp_path: Path) -> None:
    sound = SoundSpec((click(0.5),), 16000, channels=2, codec="pcm_s16le", start_s=0.25)
    truth = make_video(tmp_path / "late.mov", VideoSpec(shots=SHOTS, sound=sound))
    with av.open(str(tmp_path / "late.mov")) as container:
        first = next(container.decode(audio=0))
    assert first.pts * first.time_base == Fraction(1, 4)
    assert truth.sounds[0].start_s == 0.75


def test_truth_survives_json(tmp_path: Path, truths: dict[str, Truth]) -> None:
    for name, truth in truths.items():
        truth.save(tmp_path / f"{name}.json")
        assert Truth.load(tmp_path / f"{name}.json") == truth


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_loop_repeats_without_a_gap(suffix: str, tmp_path: Path) -> None:
    spec = VideoSpec(shots=(ShotSpec(frames=20),), bframes=2, gop=10, sound=SoundSpec((click(0.3),)))
    truth = make_video(tmp_path / "one.mp4", spec)
    loop_video(tmp_path / "one.mp4", tmp_path / f"many{suffix}", 3)
    with av.open(str(tmp_path / f"many{suffix}")) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    numbers = [read_frame_number(item) for item in shown(tmp_path / f"many{suffix}", (truth.width, truth.height))]
    assert numbers == list(range(20)) * 3
    gaps = np.diff(times)
    assert gaps.min() > 0.03
    assert gaps.max() < 0.1


def test_loop_of_a_container_without_decode_times_is_refused(tmp_path: Path) -> None:
    make_video(tmp_path / "one.mkv", VideoSpec(shots=(ShotSpec(frames=20),), bframes=2))
    with pytest.raises(ValueError, match="without decode times"):
        loop_video(tmp_path / "one.mkv", tmp_path / "many.mkv", 2)


def test_truncated_file_is_a_prefix(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", VideoSpec(shots=(ShotSpec(frames=8),)))
    kept = truncate_file(tmp_path / "a.mp4", tmp_path / "b.mp4", 0.5)
    data = (tmp_path / "a.mp4").read_bytes()
    assert (tmp_path / "b.mp4").read_bytes() == data[:kept]
    assert kept == len(data) // 2
