"""Pictures, image sequences and archives from the command line to the stored rows."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import av
import pytest
from click.testing import CliRunner
from PIL import Image

from cortexia.cli.main import cli
from cortexia.processor import VideoProcessor
from cortexia.testing import SCENES, ShotSpec, VideoSpec

SHOTS = tuple(ShotSpec(1.2, scene=name) for name in sorted(SCENES)[:2])


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips("inputs.mp4", VideoSpec(160, 90, shots=SHOTS))[0]


@pytest.fixture
def annotate(tmp_path, monkeypatch):
    """``annotate(store, paths...)``: the report, and the rows that are stored then."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(store: str, *arguments: object) -> tuple[dict, list[dict]]:
        common = ["--store", f"{store}.db"]
        words = [*map(str, arguments), "--executor", "inline", "--annotators", "shots,frames", "--json"]
        done = CliRunner().invoke(cli, ["annotate", *common, *words])
        assert done.exit_code in (0, 1, 3), done.output
        rows = CliRunner().invoke(cli, ["export", *common, "--format", "jsonl"]).stdout
        return json.loads(done.stdout), [json.loads(line) for line in rows.splitlines()]

    return run


def without_place(rows: list[dict]) -> list[dict]:
    return [{key: value for key, value in row.items() if key != "uri"} for row in rows]


def test_each_photo_is_a_job_of_its_own(annotate, data_dir):
    photos = sorted((data_dir / "images" / "coco_ccby").glob("*.jpg"))
    report, rows = annotate("photos", *photos)
    assert [video["status"] for video in report["videos"]] == ["completed"] * 6
    assert sorted({row["uri"] for row in rows}) == [str(photo) for photo in photos]
    shots = [row for row in rows if row["type"] == "shot"]
    assert [(row["start_s"], row["end_s"]) for row in shots] == [(0.0, 1.0)] * 6
    assert sum(row["type"] == "key_picture" for row in rows) == 6


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_video_in_an_archive_has_the_rows_of_the_file(annotate, clip, tmp_path, kind):
    path = tmp_path / f"clips.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(clip, "day1/talk.mp4")
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(clip, "day1/talk.mp4")
    _, plain = annotate("plain", clip)
    report, packed = annotate("packed", path)
    assert [video["status"] for video in report["videos"]] == ["completed"]
    assert without_place(packed) == without_place(plain)
    assert {row["uri"] for row in packed} == {f"{path}!/day1/talk.mp4"}
    assert len(plain) >= 4


def test_a_bad_archive_does_not_stop_the_others(annotate, clip, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../talk.mp4", b"x")
    report, rows = annotate("some", tmp_path / "bad.zip", clip)
    assert sorted((video["status"], video["reason"]) for video in report["videos"]) == [
        ("completed", None),
        ("rejected", "unsafe_archive"),
    ]
    assert {row["uri"] for row in rows} == {str(clip)}


@pytest.fixture
def frames(clip, tmp_path) -> Path:
    """The pictures of the clip, without loss."""
    folder = tmp_path / "frames"
    folder.mkdir()
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            frame.to_image().save(folder / f"{number}.png", compress_level=1)
    return folder


def shots_of(rows: list[dict]) -> list[tuple[float, float]]:
    return [(row["start_s"], row["end_s"]) for row in rows if row["type"] == "shot"]


def test_a_sequence_has_the_shots_of_its_clip(annotate, clip, frames):
    _, plain = annotate("plain", clip)
    report, rows = annotate("sequence", frames, "--fps", "25")
    assert [video["status"] for video in report["videos"]] == ["completed"]
    assert shots_of(rows) == shots_of(plain) == [(0.0, 1.2), (1.2, 2.4)]
    assert {row["uri"] for row in rows} == {str(frames)}
    assert shots_of(annotate("slower", frames, "--fps", "12.5")[1]) == [(0.0, 2.4), (2.4, 4.8)]
    again, _ = annotate("sequence", frames, "--fps", "25")
    assert again["videos"][0]["video_id"] == report["videos"][0]["video_id"]


def test_a_broken_picture_makes_the_verdict_partial(annotate, frames):
    (frames / "7.png").write_bytes((frames / "7.png").read_bytes()[:200])
    report, rows = annotate("sequence", frames, "--fps", "25")
    (video,) = report["videos"]
    assert video["status"] == "completed"
    assert video["verdict"]["status"] == "partial"
    assert video["verdict"]["frames_corrupt"] == 1
    assert shots_of(rows) == [(0.0, 1.2), (1.2, 2.4)]


def test_without_a_rate_each_picture_is_a_still(annotate, tmp_path):
    (tmp_path / "few").mkdir()
    for number in range(3):
        Image.new("RGB", (32, 32), (number,) * 3).save(tmp_path / "few" / f"{number}.png")
    report, _ = annotate("stills", tmp_path / "few")
    assert len(report["videos"]) == 3


@pytest.mark.parametrize(("fps", "text"), [("fast", "a rate is a number"), ("0", "must be positive")])
def test_a_rate_that_is_none_is_wrong_usage(tmp_path, fps, text):
    done = CliRunner().invoke(cli, ["annotate", str(tmp_path), "--fps", fps])
    assert text in str(done.exception)


def test_the_plan_of_a_sequence_knows_its_length(annotate, frames, tmp_path):
    done = CliRunner().invoke(cli, ["plan", str(frames), "--fps", "25", "--annotators", "shots", "--json"])
    assert done.exit_code == 0, done.output
    assert "2.4" in done.stdout


def test_from_python(annotate, frames):
    with VideoProcessor() as processor:
        result = processor.process(frames, "shots", fps=25)
        assert [(row["start_s"], row["end_s"]) for row in result["annotations"]] == [(0.0, 1.2), (1.2, 2.4)]
        assert len(list(processor.stream(frames, "shots", fps="50"))) == 2
