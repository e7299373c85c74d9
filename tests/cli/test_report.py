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


def test_one_video(report):
    done = report("CLIP")
    assert done.exit_code == 0, done.output
    assert Path("report.html").read_bytes().startswith(b"<!doctype html>")
    assert "wrote report.html" in done.stderr


def export(*arguments: str):
    return CliRunner().invoke(cli, ["export", *arguments])


@pytest.mark.parametrize(
    ("arguments", "name", "magic"),
    [
        (["--format", "contact-sheet", "-o", "sheet.jpg"], "sheet.jpg", b"\xff\xd8"),
        (["--format", "video", "-o", "boxes.mp4", "--video", "cli-report.mp4"], "boxes.mp4", b""),
        (["--format", "video", "--export-option", "max_side=80"], "annotated.mp4", b""),
    ],
)
def test_pictures_are_exports_of_one_video(report, arguments, name, magic):
    done = export(*arguments)
    assert done.exit_code == 0, done.output
    assert Path(name).read_bytes().startswith(magic)
    assert f"to {name}" in done.stderr
    assert Path(name).stat().st_mode & 0o777 == Path("cortexia.db").stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--format", "video", "--export-option", "max_side=3"], "at least 64"),
        (["--format", "contact-sheet", "--export-option", "max_side=640"], "unknown option"),
        (["--format", "video", "--video", "other.mp4"], "other.mp4"),
    ],
)
def test_exports_of_pictures_say_what_is_wrong(report, arguments, hint):
    done = export(*arguments)
    assert done.exit_code != 0
    assert hint in done.output + str(done.exception)


def test_pictures_of_several_videos_are_refused(report, clips):
    other, _ = clips("cli-other.mp4", VideoSpec(width=160, height=90, shots=(ShotSpec(0.4),)))
    with App(Settings(store="cortexia.db", executor="inline")) as app:
        app.annotate([other], Request(("shots", "frames")))
    done = export("--format", "contact-sheet")
    assert "name one with --video" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["CLIP", "--store", "nowhere.db"], "there is no store"),
        (["missing.mp4"], "missing.mp4"),
    ],
)
def test_usage_errors_say_what_to_do(report, arguments, hint):
    done = report(*arguments)
    assert done.exit_code != 0
    assert hint in done.output + str(done.exception)
