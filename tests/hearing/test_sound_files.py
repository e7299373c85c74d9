"""Files with sound alone are inputs like any other, through every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cortexia.cli.main import cli
from cortexia.testing import ShotSpec, VideoSpec, make_video
from sounds import encode, int16, samples_of, wav

NAMES = ("a.wav", "b.flac", "c.mp3", "d.m4a", "e.ogg", "f.opus", "g.aac", "h.mp4", "no_suffix")
"""``h.mp4`` and ``no_suffix`` are WAV, whatever they are called."""
WANTED = "shots,frames,loudness,speech"


def write_sounds(folder: Path) -> None:
    folder.mkdir()
    mono, rate = samples_of(44_100), 44_100
    for name in ("a.wav", "h.mp4", "no_suffix"):
        (folder / name).write_bytes(wav(int16(samples_of(16_000) + 0.001 * NAMES.index(name))))
    encode(folder / "b.flac", mono, rate, "flac")
    encode(folder / "c.mp3", mono, rate, "libmp3lame")
    encode(folder / "d.m4a", mono, rate, "aac")
    encode(folder / "e.ogg", np.tile(mono, (2, 1)), rate, "vorbis", layout="stereo")
    encode(folder / "f.opus", samples_of(48_000), 48_000, "libopus")
    encode(folder / "g.aac", mono, rate, "aac", container="adts")


class Desk:
    """Types commands in one folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        self.folder = folder

    def __call__(self, *words: object) -> Result:
        env = {"XDG_CACHE_HOME": str(self.folder / "cache"), "CORTEXIA_EXECUTOR": "inline", "COLUMNS": "200"}
        done = CliRunner(env=env).invoke(cli, [str(word) for word in words])
        assert done.exit_code == 0, done.output
        return done


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def lines(done: Result) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_folder_of_sound_goes_through_every_command(desk):
    write_sounds(desk.folder / "sounds")
    (desk.folder / "sounds" / "notes.txt").write_text("none of it is sound")
    desk("annotate", "sounds", "--annotators", WANTED)

    listed = json.loads(desk("videos", "--json").stdout)
    assert sorted(Path(video["filename"]).name for video in listed) == sorted(NAMES)
    exported = lines(desk("export", "--format", "jsonl"))
    for video in listed:
        own = [row for row in exported if row["video_id"] == video["video_id"]]
        assert {row["type"] for row in own} == {"measure", "sound_event", "speech"}, video
    assert {(video["duration_s"] or 0) > 5.9 for video in listed} == {True}
    desk("report", "-o", "report")
    pages = [path.read_text() for path in (desk.folder / "report" / "videos").iterdir()]
    assert len(pages) == len(NAMES)
    assert all("speech" in page and "no video stream" in page for page in pages)


def test_what_needs_pictures_is_skipped_with_the_reason(desk):
    (desk.folder / "x.wav").write_bytes(wav(int16(samples_of(16_000))))
    desk("annotate", "x.wav", "--annotators", WANTED)
    told = json.loads(desk("status", "--json").stdout)
    runs = {run["annotator"]: (run["status"], run["reason"]) for video in told for run in video["runs"]}
    assert runs == {
        "shots": ("skipped", "no_video"),
        "frames": ("skipped", "upstream"),
        "loudness": ("completed", None),
        "speech": ("completed", None),
    }


def test_pictures_without_sound_are_complete_and_say_so(desk):
    make_video(desk.folder / "x.mp4", VideoSpec(width=64, height=36, shots=(ShotSpec(2.0),)))
    desk("annotate", "x.mp4", "--annotators", WANTED)
    told = json.loads(desk("status", "--json").stdout)
    runs = {run["annotator"]: (run["status"], run["reason"]) for video in told for run in video["runs"]}
    assert runs["loudness"] == runs["speech"] == ("completed", "no_audio")
    assert runs["shots"] == ("completed", None)
    assert {row["type"] for row in lines(desk("export", "--format", "jsonl"))} >= {"shot"}


def test_the_same_sound_again_is_nothing_new(desk):
    write_sounds(desk.folder / "sounds")
    desk("annotate", "sounds", "--annotators", "loudness,speech")
    first = desk("export", "--format", "jsonl").stdout
    before = json.loads(desk("status", "--json").stdout)
    desk("annotate", "sounds", "--annotators", "loudness,speech")
    assert json.loads(desk("status", "--json").stdout) == before
    assert desk("export", "--format", "jsonl").stdout == first
