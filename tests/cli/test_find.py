"""``find``, ``videos`` and ``export`` as a user types them."""

from __future__ import annotations

import json
from fractions import Fraction

import click
import pytest
from click.testing import CliRunner
from filled import box, everything, fill, identity, media, shot

from cortexia.cli.main import cli, main
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.stores import open_store
from cortexia.types import Measure, TimeSpan, Timestamp


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    everything(folder).close()
    return folder / "full.db"


def typed(place, command: str, *arguments: str):
    """What the command prints; errors of the tree are raised, as ``main`` gets them."""
    done = CliRunner().invoke(cli, [command, "--store", str(place), *arguments], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


# -- find


def test_a_table_of_when_what_and_where(place):
    done = typed(place, "find", "--label", "cat", "--type", "detection")
    head, row = done.stdout.splitlines()
    assert head.split() == ["start", "end", "type", "label", "conf", "box", "(x,", "y,", "width,", "height)", "video"]
    assert row.split()[:5] == ["0:00:00.720", "0:00:00.760", "detection", "cat", "0.36"]
    assert row.split()[5:] == ["10.1", "20.2", "20.6", "27.7", "=a.mp4"]
    assert done.exit_code == 0


def test_json_is_one_object_a_line(place):
    done = typed(place, "find", "--type", "shot", "--json")
    assert [json.loads(line)["start_s"] for line in done.stdout.splitlines()] == [0.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--type", "caption"], 6),
        (["--annotator", "shots", "--annotator", "loudness"], 4),
        (["--min-confidence", "0.9"], 2),
        (["--start", "0.72", "--end", "0.76", "--type", "detection"], 1),
        (["--video", "cccc"], 1),
        (["--video", "000000252219.jpg"], 1),
        (["--video", "=a.mp4", "--video", "cccc", "--type", "detection", "--limit", "22"], 22),
    ],
)
def test_filters(place, arguments, count):
    assert len(typed(place, "find", "--json", *arguments).stdout.splitlines()) == count


def test_nothing_found_says_so_and_is_no_failure(place):
    done = typed(place, "find", "--label", "walrus", "--annotator", "objects", "--video", "dddd")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "nothing matches\n")


def test_not_looked_yet_is_told(place):
    done = typed(place, "find", "--type", "shot", "--video", "dddd")
    assert done.exit_code == 0
    assert done.stderr == "nothing matches\nempty.mp4: not looked at yet (annotators that look: shots)\n"
    found = typed(place, "find", "--type", "shot", "--json")
    assert "000000252219.jpg: not looked at yet" in found.stderr, "also where other videos have some"


def test_many_videos_are_summed_up(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    for letter in "abcdefgh":
        store.save_video(identity(letter), media())
    store.close()
    lines = typed(tmp_path / "s.db", "find", "--type", "shot").stderr.splitlines()
    assert len(lines) == 7
    assert lines[-1] == "and 3 more videos that were not looked at"


def test_an_empty_store_says_so(tmp_path):
    open_store(str(tmp_path / "s.db")).close()
    assert typed(tmp_path / "s.db", "find").stderr == "nothing matches: the store has no videos yet\n"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["--type", "shots"], UnknownNameError, "did you mean 'shot'"),
        (["--video", "nowhere.mp4"], UnknownNameError, "known:"),
        (["--limit", "0"], click.BadParameter, "x>=1"),
    ],
)
def test_wrong_usage(place, arguments, error, hint):
    with pytest.raises(error, match=hint):
        typed(place, "find", *arguments)


def test_errors_quote_names_without_acting_on_the_terminal(tmp_path, capsys):
    store = open_store(str(tmp_path / "s.db"))
    store.save_video(identity("a", "\x1b[2Jgone\u202e.mp4"), media())
    store.close()
    with pytest.raises(SystemExit) as ended:
        main(["find", "--store", str(tmp_path / "s.db"), "--video", "other"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "\\x1b[2Jgone\\u202e.mp4" in said
    assert all(line.isprintable() for line in said.splitlines())


def test_what_a_terminal_would_act_on_is_written_out(place):
    out = typed(place, "find").stdout
    assert "\\x1b[31mred" in out
    assert "\\u202eevil" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_times_are_cut_and_never_rounded_up(tmp_path):
    micro = Fraction(1, 1_000_000)
    span = TimeSpan(Timestamp(0, micro), Timestamp(36_061_001_999, micro))
    store = open_store(str(tmp_path / "s.db"))
    fill(store, identity(), "loudness", [Measure(span=span, label="loudness", values={"rms_dbfs": -20.0})])
    store.close()
    assert typed(tmp_path / "s.db", "find").stdout.splitlines()[1].split()[:2] == ["0:00:00.000", "10:01:01.001"]


# -- videos


def test_videos_are_listed(place):
    done = typed(place, "videos")
    assert done.stdout.splitlines()[0].split() == ["id", "name", "duration", "size", "verdict", "rows", "completed"]
    last = done.stdout.splitlines()[-1].split()
    assert last == ["d" * 12, "empty.mp4", "0:00:04.000", "1", "kB", "ok", "0", "objects"]


def test_videos_as_json_and_by_filter(place):
    told = json.loads(typed(place, "videos", "--name", "*.mp4", "--verdict", "ok", "--json").stdout)
    assert [(video["filename"], video["rows"]) for video in told] == [("=a.mp4", 47), ("empty.mp4", 0)]
    assert told[0]["annotators"] == ["loudness", "objects", "shots", "tracks"]
    none = typed(place, "videos", "--verdict", "rejected")
    assert (none.stdout, none.stderr, none.exit_code) == ("", "no video matches\n", 0)


def test_a_video_that_was_not_read_yet_is_listed(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    store.save_video(identity())
    store.close()
    assert "not read" in typed(tmp_path / "s.db", "videos").stdout


# -- export


def test_formats_and_what_they_cannot_carry(place):
    told = {line.split()[0]: line for line in typed(place, "export", "--list").stdout.splitlines()}
    formats = [
        "coco",
        "coco-tracks",
        "csv",
        "ctm",
        "cvat",
        "json",
        "jsonl",
        "mot",
        "parquet",
        "rttm",
        "srt",
        "textgrid",
        "tsv",
        "webvtt",
        "yolo",
        "video",
        "contact-sheet",
    ]
    assert list(told) == formats
    assert "does not carry: annotations other than detections" in told["coco"]


def test_an_export_goes_to_a_file_or_a_folder(place, tmp_path):
    done = typed(place, "export", "--format", "csv", "--output", str(tmp_path / "rows.csv"))
    assert done.stderr == f"wrote 274 annotations to {tmp_path / 'rows.csv'}\n"
    typed(place, "export", "--format", "json", "-o", str(tmp_path / "folder"), "--video", "dddd")
    assert sorted(path.name for path in (tmp_path / "folder" / ("d" * 64)).iterdir()) == [
        "job_metadata.json",
        "object_detection.json",
    ]


def test_several_files_need_a_folder(place):
    with pytest.raises(ConfigurationError, match="--output"):
        typed(place, "export", "--format", "json")


def test_options_of_a_format(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    fill(store, identity("a", "0017.png"), "objects", [box(0)], media(frames=1))
    fill(store, identity("a", "0017.png"), "shots", [shot(0, 0)], media(frames=1))
    store.close()
    done = typed(tmp_path / "s.db", "export", "--format", "coco", "--export-option", "image_ids=stem")
    assert json.loads(done.stdout)["images"][0]["id"] == 17
    for pair, hint in (("image_ids", "KEY=VALUE"), ("colour=1", "option of the exporter"), ("image_ids=1", "stem")):
        with pytest.raises(ConfigurationError, match=hint):
            typed(tmp_path / "s.db", "export", "--format", "coco", "--export-option", pair)
