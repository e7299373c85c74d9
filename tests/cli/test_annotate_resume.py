"""``cortexia annotate``: the other ways to name videos, and to go on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.cli.typing_commands import Typist, wait_for

from cortexia.testing import SCENES, ShotSpec, VideoSpec


@pytest.fixture
def cortexia(tmp_path) -> Typist:
    return Typist(tmp_path)


@pytest.fixture
def videos(clips, tmp_path) -> Path:
    spec = VideoSpec(width=160, height=90, shots=(ShotSpec(1.0, scene=min(SCENES)),))
    clip = clips("batch-short.mp4", spec)[0]
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.mp4").write_bytes(clip.read_bytes() + name.encode())
    return folder


def names(text: str) -> list[str]:
    return [Path(video["uri"]).name for video in json.loads(text)["videos"]]


def test_input_and_video_are_paths(cortexia, videos, tmp_path):
    (tmp_path / "c.mp4").write_bytes((videos / "a.mp4").read_bytes() + b"c")
    (tmp_path / "d.mp4").write_bytes((videos / "a.mp4").read_bytes() + b"d")
    arguments = ("annotate", "d.mp4", "--input", "videos", "--video", "c.mp4", "--annotators", "loudness", "--json")
    done = cortexia.ask(*arguments)
    assert done.exit_code == 0, done.output
    assert names(done.stdout) == ["d.mp4", "a.mp4", "b.mp4", "c.mp4"]


def test_an_annotate_is_a_batch(cortexia, videos):
    told = json.loads(cortexia.ask("annotate", "videos", "--annotators", "loudness", "--json").stdout)
    (batch,) = json.loads(cortexia.ask("batch", "list", "--json").stdout)
    assert (batch["batch_id"], batch["counts"]) == (told["batch_id"], {"completed": 2})


def test_resume_goes_on_with_all_that_is_unfinished(cortexia, videos):
    cortexia.install_slow()
    process = cortexia.start("annotate", "videos", "--annotators", "slow", "--json")
    wait_for(videos.parent / "cortexia.db", "status = 'running'")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130, "interrupted and resumable, as by Ctrl-C"
    done = cortexia("annotate", "--resume", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert names(done.stdout) == ["a.mp4", "b.mp4"]
    again = cortexia.ask("annotate", "--resume")
    assert (again.exit_code, "nothing is unfinished" in again.stdout) == (0, True)


def test_resume_takes_a_checkpoint_and_finds_its_store(cortexia, videos, tmp_path):
    (tmp_path / "batch.yaml").write_text("videos: videos\npipelines: audio\nstore: deep/s.db\n")
    cortexia.ask("batch", "run", "batch.yaml")
    done = cortexia.ask("annotate", "--resume", "batch.checkpoint.json", "--json")
    assert done.exit_code == 0, done.output
    assert (names(done.stdout), json.loads(done.stdout)["store"]) == (["a.mp4", "b.mp4"], str(tmp_path / "deep/s.db"))
    other = cortexia.ask("annotate", "--resume", "batch.checkpoint.json", "--store", "other.db", "--json")
    assert other.exit_code == 0, other.output
    assert json.loads(other.stdout)["store"] == str(tmp_path / "other.db"), "which knew nothing of the batch"


def test_what_follows_resume_and_is_no_checkpoint_is_a_path(cortexia, videos):
    done = cortexia.ask("annotate", "--resume", "videos", "--annotators", "loudness", "--json")
    assert names(done.stdout) == ["a.mp4", "b.mp4"]


def test_fast_is_a_preset(cortexia, videos):
    named = cortexia.ask("annotate", "videos", "--preset", "fast", "--dry-run", "--json")
    short = cortexia.ask("annotate", "videos", "--fast", "--dry-run", "--json")
    assert [video["runs"] for video in json.loads(short.stdout)] == [
        video["runs"] for video in json.loads(named.stdout)
    ]
    assert (
        '"preset": "high-quality"' in cortexia.ask("annotate", "videos", "--high-quality", "--dry-run", "--json").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "Missing argument 'PATH...'"),
        (["--resume", "none.json"], "cannot be read as a checkpoint"),
        (["videos", "--resume", "c.json"], "give it alone"),
        (["videos", "--fast", "--preset", "offline"], "name one preset only"),
        (["--resume"], "there is no store"),
    ],
)
def test_usage_errors_say_what_to_do(cortexia, videos, arguments, hint):
    done = cortexia.ask("annotate", *arguments)
    assert done.exit_code != 0
    assert hint in done.output + str(done.exception)
