"""Formats with a file for each video: in a folder, or as one file or stream where there is one video."""

from __future__ import annotations

import io

import pytest
from filled import box, fill, identity, turn, word

from cortexia.cli.main import main
from cortexia.errors import ConfigurationError
from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export, write_stream
from cortexia.types import Query

HEARD = [word(0, 1, "Hello."), turn(0, 1)]
SUFFIXES = {"webvtt": ".vtt", "srt": ".srt", "rttm": ".rttm", "ctm": ".ctm", "textgrid": ".TextGrid"}
EVERY = pytest.mark.parametrize("name", SUFFIXES)
ALONE = pytest.mark.parametrize("name", ["webvtt", "srt", "textgrid"])
JOINED = pytest.mark.parametrize("name", ["rttm", "ctm"])


def fill_two(store) -> None:
    fill(store, identity("a", "talk.mp4"), "heard", HEARD)
    fill(store, identity("b", "walk.mp4"), "heard", HEARD)
    fill(store, identity("c", "mute.mp4"), "objects", [box(0)])


@EVERY
def test_a_folder_has_a_file_for_each_video_that_has_something(store, tmp_path, name):
    fill_two(store)
    write_export(make_exporter(name), ExportSource(store), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{stem}{SUFFIXES[name]}" for stem in ("talk", "walk")
    }


@EVERY
def test_one_video_is_a_file_where_the_name_says_so_and_the_same_in_a_stream(store, tmp_path, name):
    fill_two(store)
    source = ExportSource(store, Query(video_ids=("a" * 64,)))
    alone, stream = tmp_path / f"alone{SUFFIXES[name]}", io.BytesIO()
    write_export(make_exporter(name), source, alone)
    write_stream(make_exporter(name), source, stream)
    write_export(make_exporter(name), source, tmp_path / "out")
    whole = (tmp_path / "out" / f"talk{SUFFIXES[name]}").read_bytes()
    assert alone.read_bytes() == stream.getvalue() == whole != b""


@ALONE
def test_two_videos_are_not_put_into_one_file_and_the_old_one_stays(store, tmp_path, name):
    fill_two(store)
    path = tmp_path / f"all{SUFFIXES[name]}"
    path.write_text("old")
    with pytest.raises(ConfigurationError, match=r"a file for each video \(talk.*walk.*--video"):
        write_export(make_exporter(name), ExportSource(store), path)
    assert path.read_text() == "old"


@ALONE
def test_of_two_videos_nothing_reaches_a_stream(store, name):
    fill_two(store)
    out = io.BytesIO()
    with pytest.raises(ConfigurationError, match="a file for each video"):
        write_stream(make_exporter(name), ExportSource(store), out)
    assert out.getvalue() == b""


@JOINED
def test_two_videos_may_follow_each_other_where_lines_name_them(store, tmp_path, name):
    fill_two(store)
    path = tmp_path / f"all{SUFFIXES[name]}"
    assert write_export(make_exporter(name), ExportSource(store), path) == 2
    column = 1 if name == "rttm" else 0
    assert [line.split()[column] for line in path.read_text().splitlines()] == ["talk", "walk"]


@EVERY
def test_a_folder_whose_name_ends_like_a_file_stays_a_folder(store, tmp_path, name):
    fill_two(store)
    folder = tmp_path / f"all{SUFFIXES[name]}"
    folder.mkdir()
    write_export(make_exporter(name), ExportSource(store), folder)
    assert len(list(folder.iterdir())) == 2


@EVERY
def test_nothing_heard_is_an_empty_file(store, tmp_path, name):
    fill(store, identity(), "objects", [box(0)])
    path = tmp_path / f"none{SUFFIXES[name]}"
    assert write_export(make_exporter(name), ExportSource(store), path) == 0
    assert path.read_bytes() == (b"WEBVTT\n" if name == "webvtt" else b"")


def test_formats_of_several_files_take_a_folder_still(store, tmp_path):
    with pytest.raises(ConfigurationError, match="several files"):
        write_stream(make_exporter("mot"), ExportSource(store), io.BytesIO())


@EVERY
def test_the_command_writes_it(store, tmp_path, name, capfdbinary):
    fill_two(store)
    args = ["export", "--store", str(tmp_path / "s.db"), "--format", name, "--video", "talk.mp4"]
    path = tmp_path / f"talk{SUFFIXES[name]}"
    for output in (["-o", str(path)], []):
        with pytest.raises(SystemExit) as ended:
            main([*args, *output])
        assert not ended.value.code
    printed = capfdbinary.readouterr()
    assert printed.out == path.read_bytes() != b""
    assert b"wrote 1 annotation to" in printed.err or name == "textgrid"


def test_the_list_of_formats_says_that_there_is_a_file_for_each_video(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--list"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "a file .vtt of each video;" in lines["webvtt"]
    assert "a folder;" in lines["mot"]
    assert "a file .tsv;" in lines["tsv"]
