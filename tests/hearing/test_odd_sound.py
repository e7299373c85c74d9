"""Sound in odd forms: each file ends as the table says, on its clock, and nothing crashes or hangs."""

from __future__ import annotations

import csv
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cortexia.decoders.mixing import Mixer
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, click, make_video
from cortexia.testing.remux import truncate_file
from cortexia.types import Annotation
from sounds import EVENTS, FLOAT, KNOCKS, SECONDS, TALK, annotate, encode, int16, samples_of, stored, times, wav

PRIMING = 1024
"""Samples by which FFmpeg's AAC encoder is late, where a container has no place to say so."""
TALKS, SILENT, REFUSED, MUTE = "talks", "silent", "rejected", "no audio"


@dataclass(frozen=True)
class Outcome:
    """``ends``: ``talks``: the knocks and the talk are heard where they are, moved by ``late_s``. ``silent``: the sound
    is measured, and nobody talks. ``rejected``: for ``reason``. ``no audio``: there are pictures alone. ``until_s``:
    where the sound ends. ``peak``: of it, in dBFS; by default below full scale."""

    ends: str
    late_s: float = 0.0
    until_s: float = SECONDS
    peak: tuple[float, float] = (-120.0, 0.0)
    reason: str | None = None


def spoiled(rate: int) -> bytes:
    samples = samples_of(rate).astype("<f4")
    samples[rate : rate + 2000] = np.nan
    samples[5 * rate : 5 * rate + 20] = (np.inf, -np.inf) * 10
    return wav(samples.tobytes(), rate, 32, FLOAT)


def int24(samples: np.ndarray) -> bytes:
    whole = np.round(samples * 8_388_607).astype("<i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def channels(count: int, *loud: int, rate: int = 48_000) -> np.ndarray:
    planes = np.zeros((count, round(SECONDS * rate)), np.float32)
    for place in loud:
        planes[place] = samples_of(rate)
    return planes


def whole(rate: int, **more: Any) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(wav(int16(samples_of(rate)), rate, **more))


def nine_channels() -> bytes:
    """A WAV that says how many channels it has, and not where they are."""
    data = int16(np.repeat(samples_of(16_000), 9))
    head = struct.pack("<HHIIHH", 1, 9, 16_000, 16_000 * 18, 18, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def raw(data: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data())


def encoded(codec: str, rate: int = 44_100, count: int = 1, **more: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        samples = samples_of(rate)
        encode(path, samples if count == 1 else np.tile(samples, (count, 1)), rate, codec, **more)

    return write


def part(write: Callable[[Path], object], share: float) -> Callable[[Path], object]:
    """The first ``share`` of a file's bytes."""

    def cut(path: Path) -> None:
        source = path.with_name("whole-" + path.name)
        write(source)
        truncate_file(source, path, share)
        source.unlink()

    return cut


def joined(*writes: Callable[[Path], object]) -> Callable[[Path], object]:
    """Files end to end, as a recorder that was set anew would leave them."""

    def join(path: Path) -> None:
        parts = []
        for write in writes:
            source = path.with_name("part-" + path.name)
            write(source)
            parts.append(source.read_bytes())
            source.unlink()
        path.write_bytes(b"".join(parts))

    return join


def pictures_with(sound: SoundSpec | None, seconds: float = SECONDS) -> Callable[[Path], object]:
    spec = VideoSpec(width=64, height=36, shots=(ShotSpec(seconds),), sound=sound)
    return lambda path: make_video(path, spec)


def empty_track(path: Path) -> None:
    """Pictures, and a track of sound without a sample."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 36, "yuv420p"
        add = container.add_stream("aac", rate=48_000)
        add.codec_context.layout = "mono"
        for _ in range(25):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8), "bgr24")))
        container.mux(pictures.encode(None))


def centre_71(path: Path) -> None:
    encode(path, channels(8, 2), 48_000, "pcm_s16le", layout="7.1")


LOUD = (-5.0, 0.0)
REJECTED = Outcome(REFUSED, reason="rejected")
KNOCK = samples_of(16_000)[8000:8100]

TABLE: dict[str, tuple[Callable[[Path], object], Outcome]] = {
    # nothing, or next to it
    "header_alone.wav": (raw(lambda: wav(b"")), REJECTED),
    "header_alone.flac": (
        lambda path: encode(path, np.zeros(0, np.float32), 44_100, "flac"),
        REJECTED,
    ),
    "no_samples.mp4": (empty_track, Outcome(MUTE)),
    "no_sound.mp4": (pictures_with(None), Outcome(MUTE)),
    "one_sample.wav": (raw(lambda: wav(b"\xff\x7f")), Outcome(SILENT, until_s=1 / 16_000)),
    "a_knock.wav": (raw(lambda: wav(int16(KNOCK))), Outcome(SILENT, until_s=100 / 16_000)),
    # forms of samples
    "rate_8000.wav": (whole(8_000), Outcome(TALKS)),
    "rate_44100.wav": (whole(44_100), Outcome(TALKS)),
    "rate_192000.wav": (whole(192_000), Outcome(TALKS)),
    "float64.wav": (raw(lambda: wav(samples_of(16_000).astype("<f8").tobytes(), 16_000, 64, FLOAT)), Outcome(TALKS)),
    "int24.wav": (raw(lambda: wav(int24(samples_of(16_000)), 16_000, 24)), Outcome(TALKS)),
    "mulaw.wav": (encoded("pcm_mulaw", 8_000), Outcome(TALKS)),
    "not_numbers.wav": (raw(lambda: spoiled(16_000)), Outcome(TALKS, peak=(-0.1, 0.1))),
    "not_numbers_44100.wav": (raw(lambda: spoiled(44_100)), Outcome(TALKS, peak=LOUD)),
    "no_number_at_all.wav": (
        raw(lambda: wav(np.full(32_000, np.nan, "<f4").tobytes(), 16_000, 32, FLOAT)),
        Outcome(SILENT, until_s=2.0, peak=(-120.0, -120.0)),
    ),
    "clipped.wav": (
        raw(lambda: wav(int16(30 * samples_of(16_000)))),
        Outcome(TALKS, peak=(-0.1, 0.0)),
    ),
    "dc.wav": (raw(lambda: wav(int16(np.full(32_000, 0.5)))), Outcome(SILENT, until_s=2.0, peak=(-6.1, -5.9))),
    "dc_talk.wav": (raw(lambda: wav(int16(0.5 * samples_of(16_000) + 0.002))), Outcome(TALKS)),
    # rates that cannot be
    "rate_0.wav": (whole(16_000, claims_rate=0), REJECTED),
    "rate_1.wav": (whole(16_000, claims_rate=1), REJECTED),
    "rate_2147483647.wav": (whole(16_000, claims_rate=0x7FFFFFFF), REJECTED),
    # channels
    "all_71.wav": (encoded("pcm_s16le", 48_000, 8, layout="7.1"), Outcome(TALKS, peak=LOUD)),
    "places_unknown_9.wav": (raw(lambda: nine_channels()), Outcome(TALKS, peak=LOUD)),
    "centre_71.wav": (centre_71, Outcome(TALKS, peak=(-18.0, -15.0))),
    "bass_71.wav": (
        lambda path: encode(path, channels(8, 3), 48_000, "pcm_s16le", layout="7.1"),
        Outcome(SILENT, peak=(-120.0, -120.0)),
    ),
    "stereo.flac": (encoded("flac", 44_100, 2, layout="stereo"), Outcome(TALKS, peak=LOUD)),
    # clocks
    "late.mka": (encoded("aac", 48_000, start_s=2.0), Outcome(TALKS, late_s=2.0, until_s=8.016)),
    "late_for_pictures.mkv": (
        pictures_with(SoundSpec(events=EVENTS, start_s=2.0, duration_s=SECONDS), 9.0),
        Outcome(TALKS, late_s=2.0, until_s=8.016),
    ),
    "ends_early.mp4": (
        pictures_with(SoundSpec(events=(click(0.5),), duration_s=1.0)),
        Outcome(SILENT, until_s=1.003),
    ),
    "adts.aac": (encoded("aac", container="adts"), Outcome(TALKS, late_s=PRIMING / 44_100, until_s=6.037)),
    # files that are not whole, or lie
    "cut.mp3": (part(encoded("libmp3lame"), 0.99), Outcome(TALKS, late_s=0.025, until_s=5.98)),
    "cut_early.mp3": (part(encoded("libmp3lame"), 0.03), Outcome(SILENT, until_s=0.16)),
    "cut.flac": (part(encoded("flac"), 0.2), Outcome(SILENT, until_s=1.985)),
    "size_0.wav": (whole(16_000, size=0), Outcome(TALKS)),
    "size_ffffffff.wav": (whole(16_000, size=0xFFFFFFFF), Outcome(TALKS)),
    "size_too_large.wav": (whole(16_000, size=10**8), Outcome(TALKS)),
    "size_too_small.wav": (whole(16_000, size=32_000), Outcome(SILENT, until_s=1.0)),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, list[Annotation]]]:
    """By name: what the report says of a file, and its rows. All in one command, so that none stops the others."""
    folder = tmp_path_factory.mktemp("odd")
    sounds = folder / "sounds"
    sounds.mkdir()
    for name, (write, _) in TABLE.items():
        write(sounds / name)
    report = annotate(folder / "store", sounds)
    found = {Path(video.uri).name: video for video in report.videos}
    assert set(found) == set(TABLE)
    return {name: (video, stored(folder / "store", video_id=video.video_id)) for name, video in found.items()}


@pytest.mark.parametrize("name", TABLE)
def test_it_ends_as_stated(ended, name):
    outcome = TABLE[name][1]
    video, rows = ended[name]
    if outcome.ends == REFUSED:
        assert (video.status, video.reason) == ("failed", outcome.reason)
        assert video.message
        assert rows == []
        return
    assert video.status == "completed"
    assert {run.reason for run in video.runs} == ({"no_audio"} if outcome.ends == MUTE else {None})
    assert bool(rows) == (outcome.ends != MUTE)
    if rows:
        check_sound(outcome, rows)


def check_sound(outcome: Outcome, rows: list[Annotation]) -> None:
    seconds = [row for row in rows if row.type == "measure"]
    assert max(row.span.end.seconds for row in seconds) == pytest.approx(outcome.until_s, abs=0.03)
    assert outcome.peak[0] <= max(row.values["peak_dbfs"] for row in seconds) <= outcome.peak[1]
    talk = times([row for row in rows if row.type == "speech"])
    if outcome.ends == SILENT:
        assert talk == []
        return
    assert sum(end - start for start, end in talk) > 0.8 * (TALK[1] - TALK[0])
    assert (talk[0][0], talk[-1][1]) == pytest.approx((TALK[0] + outcome.late_s, TALK[1] + outcome.late_s), abs=0.25)
    heard = [row.span.start.seconds for row in rows if row.type == "sound_event"]
    for knock in KNOCKS:
        assert min(abs(at - knock - outcome.late_s) for at in heard) <= 0.01, knock


# -- a form that changes in the middle

CHANGES: dict[str, tuple[Callable[[Path], object], float]] = {
    "stereo_mono.aac": (
        joined(encoded("aac", 44_100, 2, layout="stereo", container="adts"), encoded("aac", container="adts")),
        PRIMING / 44_100,
    ),
    "mono_stereo.aac": (
        joined(encoded("aac", container="adts"), encoded("aac", 44_100, 2, layout="stereo", container="adts")),
        PRIMING / 44_100,
    ),
    "half_the_rate.aac": (
        joined(encoded("aac", container="adts"), encoded("aac", 22_050, container="adts")),
        PRIMING / 22_050,
    ),
    "stereo_mono.ts": (
        joined(encoded("aac", 44_100, 2, layout="stereo"), encoded("aac", start_s=SECONDS)),
        PRIMING / 44_100,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_form_that_changes_moves_nothing(tmp_path, name):
    write, late_s = CHANGES[name]
    path = tmp_path / name
    write(path)
    (video,) = annotate(tmp_path / "store", path).videos
    assert video.status == "completed"
    rows = stored(tmp_path / "store")
    heard = [row.span.start.seconds for row in rows if row.type == "sound_event"]
    first = PRIMING / 44_100
    frames = math.ceil(SECONDS * 44_100 / PRIMING) + 1  # AAC has whole ones, and one for the delay
    second = frames * PRIMING / 44_100 + late_s
    for knock in (*(knock + first for knock in KNOCKS), *(knock + second for knock in KNOCKS)):
        assert min(abs(at - knock) for at in heard) <= 0.012, knock
    assert len([row for row in rows if row.type == "speech"]) == 2
    levels = [row.values["peak_dbfs"] for row in rows if row.type == "measure"]
    assert levels[0] == pytest.approx(levels[6], abs=1.0), "one channel is as loud as two that are the same"


def test_a_file_is_what_it_holds_and_not_what_it_is_called(tmp_path):
    named = tmp_path / "film.mp4"
    whole(16_000)(named)
    (video,) = annotate(tmp_path / "store", named).videos
    assert video.status == "completed"
    assert stored(tmp_path / "store", "speech")


# -- the files of others


@pytest.mark.data
def test_sound_files_from_elsewhere_end_well(data_dir, tmp_path):
    """Each is measured for about as long as it is known to last, wherever its clock begins; or it is refused."""
    with (data_dir / "badmedia" / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["expected"] == "AUDIO-ONLY"]
    known = {row["sha256"]: row for row in rows}
    report = annotate(tmp_path, *(data_dir / "badmedia" / row["path"] for row in known.values()))
    assert len(report.videos) == len(known) > 40
    wrong = [video for video in report.videos if not is_as_known(tmp_path, video, known[video.video_id])]
    assert wrong == []


def is_as_known(folder: Path, video: Any, row: dict[str, str]) -> bool:
    if int(row["audio_frames"] or 0) == 0 and video.status == "failed":
        return bool(video.reason == "rejected")
    heard = times(stored(folder, "measure", video_id=video.video_id))
    return video.status == "completed" and abs(heard[-1][1] - heard[0][0] - float(row["duration_s"])) < 0.3


def test_the_checks_see_a_knock_that_is_late():
    """Negative control."""
    rows = rows_at(0.05)
    with pytest.raises(AssertionError):
        check_sound(Outcome(TALKS), rows)
    check_sound(Outcome(TALKS, late_s=0.05, until_s=SECONDS + 0.05), rows)


def rows_at(late_s: float) -> list[Annotation]:
    from driving import Drive, annotations
    from footage import context, sound_of

    from cortexia.annotators.loudness import Loudness
    from cortexia.annotators.speech import Speech

    blocks = [
        replace(block, timestamp=replace(block.timestamp, pts=block.timestamp.pts + round(late_s * 16_000)))
        for block in sound_of(samples_of(16_000))
    ]
    return [row for recipe in (Loudness(), Speech()) for row in annotations(Drive(recipe, context(), blocks).run())]


def test_sound_of_which_nothing_can_be_had_is_not_silence(tmp_path, monkeypatch):
    """Found nothing differs from not looked."""

    def breaks(mixer, frame):
        raise av.error.InvalidDataError(1, "cannot be mixed")

    monkeypatch.setattr(Mixer, "mix", breaks)
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(int16(samples_of(16_000))))
    (video,) = annotate(tmp_path / "store", path).videos
    assert video.status == "failed"
    assert {(run.status, run.reason) for run in video.runs} == {("failed", "no_sound")}
    assert "cannot be mixed" in video.runs[0].message
