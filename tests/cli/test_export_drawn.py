"""``cortexia export --format video`` and ``--format contact-sheet`` as a user types them."""

from __future__ import annotations

import os
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

from cortexia.app import App, Request
from cortexia.cli.main import cli
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, CortexiaError
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import Query


@pytest.fixture(scope="module")
def folder(clips, tmp_path_factory) -> Path:
    """A store with two videos, each two shots of a second."""
    folder = tmp_path_factory.mktemp("drawn")
    shots = (ShotSpec(1.0), ShotSpec(1.0, scene="sea"))
    specs = {"wide.mp4": VideoSpec(width=320, height=90, shots=shots), "high.mp4": VideoSpec(shots=shots)}
    with App(Settings(store=str(folder / "two.db"), executor="inline", threads=1)) as app:
        app.annotate([clips(f"drawn-{name}", spec)[0] for name, spec in specs.items()], Request(("shots", "frames")))
    return folder


@pytest.fixture
def export(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object):
        words = ["export", "--store", str(folder / "two.db"), *map(str, arguments)]
        done = CliRunner().invoke(cli, words, standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done

    return run


def test_a_contact_sheet(export):
    done = export("--format", "contact-sheet", "--video", "drawn-wide.mp4", "-o", "sheet.jpg")
    assert Path("sheet.jpg").read_bytes().startswith(b"\xff\xd8")
    assert done.stderr == "wrote 2 shots to sheet.jpg\n"


def test_an_annotated_video_of_the_size_asked_for(export):
    done = export("--format", "video", "--video", "drawn-wide.mp4", "-o", "out.mp4", "--export-option", "max_side=160")
    assert done.stderr.endswith("wrote 50 frames to out.mp4\n")
    with av.open("out.mp4") as container:
        assert container.streams.video[0].width == 160


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["video", "-o", "out.mp4"], "made of one video, none was named; name it with --video"),
        (["contact-sheet", "-o", "x.jpg", "--video", "drawn-wide.mp4", "--video", "drawn-high.mp4"], "2 were named"),
        (["video", "--video", "drawn-wide.mp4"], "name a file with --output"),
        (["video", "--video", "drawn-wide.mp4", "-o", "-"], "name a file with --output"),
        (["video", "--video", "drawn-wide.mp4", "-o", "out.mp4", "--label", "car"], "every filter but --video"),
        (["contact-sheet", "--video", "drawn-wide.mp4", "-o", "x.jpg", "--export-option", "max_side=99"], "max_side"),
        (["video", "--video", "drawn-wide.mp4", "-o", "x", "--export-option", "max_side=63"], "at least 64"),
        (["video", "--video", "drawn-wide.mp4", "-o", "x", "--export-option", "max_side=wide"], "at least 64"),
        (["movie", "-o", "out.mp4"], "contact-sheet.*video"),
    ],
)
def test_wrong_usage_says_what_to_do_and_writes_nothing(export, arguments, hint):
    with pytest.raises(ConfigurationError, match=hint):
        export("--format", *arguments)
    assert list(Path.cwd().iterdir()) == []


def test_the_list_shows_them(export):
    names = [line.split()[0] for line in export("--list").stdout.splitlines()]
    assert names[-2:] == ["video", "contact-sheet"]


def test_the_video_that_is_read_is_not_written_over(folder, clips, tmp_path):
    clip = clips("drawn-wide.mp4", None)[0]
    before = clip.read_bytes()
    os.link(clip, tmp_path / "same.mp4")
    with App(Settings(store=str(folder / "two.db"))) as app:
        (video_id,) = app.video_ids(["drawn-wide.mp4"])
        with pytest.raises(ConfigurationError, match="is the video that is read"):
            app.annotated_video(video_id, tmp_path / "same.mp4")
    assert clip.read_bytes() == before


@pytest.mark.parametrize("name", ["jsonl", "contact-sheet"])
def test_the_store_is_not_written_over(folder, tmp_path, name):
    link = tmp_path / "link.db"
    link.symlink_to(folder / "two.db")
    with App(Settings(store=str(folder / "two.db"))) as app:
        query = Query(video_ids=app.video_ids(["drawn-wide.mp4"]))
        with pytest.raises(CortexiaError, match="is the store that is read"):
            app.export(name, link, query)
        assert len(list(app.videos())) == 2


def test_an_export_without_output_goes_to_stdout_and_so_does_a_dash(export):
    assert export("--type", "shot", "-o", "-").stdout == export("--type", "shot").stdout != ""
