"""``cortexia report`` as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cortexia.app import App, Request
from cortexia.cli.main import cli
from cortexia.config import Settings
from cortexia.testing import ShotSpec, VideoSpec


@pytest.fixture
def report(clips, tmp_path, monkeypatch):
    """Runs ``cortexia report`` beside a store with one video."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clip = clips("cli-report.mp4", VideoSpec(width=160, height=90, shots=(ShotSpec(1.0), ShotSpec(1.0, scene="sea"))))[
        0
    ]
    with App(Settings(store="cortexia.db", executor="inline")) as app:
        app.annotate([clip], Request(("shots", "frames")))

    def run(*arguments: object):
        return CliRunner().invoke(cli, ["report", *(str(clip) if part == "CLIP" else str(part) for part in arguments)])

    return run


def test_all_videos_with_an_index(report):
    done = report("-o", "out")
    assert done.exit_code == 0, done.output
    assert "wrote 1 page and out/index.html" in done.stderr
    assert done.stdout == ""
    assert Path("out/index.html").is_file()
    assert len(list(Path("out/videos").glob("*.html"))) == 1


@pytest.mark.parametrize("video", ["CLIP", "cli-report.mp4"])
def test_one_video(report, video):
    done = report(video)
    assert done.exit_code == 0, done.output
    assert Path("report.html").read_bytes().startswith(b"<!doctype html>")
    assert "wrote report.html" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["CLIP", "--store", "nowhere.db"], "there is no store"),
        (["missing.mp4"], "unknown video 'missing.mp4'"),
    ],
)
def test_usage_errors_say_what_to_do(report, arguments, hint):
    done = report(*arguments)
    assert done.exit_code != 0
    assert hint in done.output + str(done.exception)
