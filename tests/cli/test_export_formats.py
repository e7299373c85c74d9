"""``cortexia export`` to formats for training and scoring, as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from filled import box, fill, identity, track_box

from cortexia.cli.main import cli
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.stores import open_store


@pytest.fixture
def export(tmp_path, monkeypatch):
    """On a store with three boxes, two of which are in a track; the video itself is nowhere."""
    monkeypatch.chdir(tmp_path)
    store = open_store("boxes.db")
    fill(store, identity("a", "talk.mp4"), "objects", [box(frame) for frame in range(3)])
    fill(store, identity("a", "talk.mp4"), "tracks", [track_box(frame) for frame in range(2)])
    store.close()

    def run(*arguments: str):
        done = CliRunner().invoke(cli, ["export", "--store", "boxes.db", *arguments], standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done

    return run


@pytest.mark.parametrize(
    ("arguments", "count", "file"),
    [
        (["coco", "-o", "out.json"], 3, "out.json"),
        (["coco-tracks", "-o", "out.json"], 2, "out.json"),
        (["coco", "-o", "out.json", "--export-option", "segmentation=polygons"], 3, "out.json"),
        (["mot", "-o", "out"], 3, "out/talk/gt/gt.txt"),
        (["cvat", "-o", "out"], 3, "out/talk.xml"),
        (["cvat", "-o", "out", "--annotator", "tracks", "--export-option", "masks=none"], 2, "out/talk.xml"),
        (["yolo", "-o", "out", "--export-option", "images=none", "--export-option", "val=0.5"], 3, "out/data.yaml"),
    ],
)
def test_each_is_written_and_says_how_much(export, arguments, count, file):
    done = export("--format", *arguments)
    assert done.stderr == f"wrote {count} annotations to {arguments[2]}\n"
    assert Path(file).stat().st_size > 0


@pytest.mark.parametrize("name", ["mot", "cvat", "yolo"])
def test_several_files_do_not_go_to_stdout(export, name):
    with pytest.raises(ConfigurationError, match="name a folder with --output"):
        export("--format", name)


def test_pictures_of_a_video_that_is_gone_say_so(export):
    with pytest.raises(Exception, match=r"talk\.mp4"):
        export("--format", "yolo", "-o", "out")


def test_options_of_another_format_are_refused(export):
    with pytest.raises(UnknownNameError, match="option of the exporter 'mot'"):
        export("--format", "mot", "-o", "out", "--export-option", "images=all")
