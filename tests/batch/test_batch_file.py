"""Batch files: what they may say, how it becomes what is asked for, and what is refused with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortexia.batch.batch_file import FILE_KEYS, VIDEO_KEYS, BatchFile, read_batch_file
from cortexia.errors import ConfigurationError, UnknownNameError


@pytest.fixture
def read(tmp_path):
    def made(text: str) -> BatchFile:
        (tmp_path / "batch.yaml").write_text(text)
        return read_batch_file(tmp_path / "batch.yaml")

    return made


def test_paths_are_relative_to_the_file(read, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "a.mp4").touch()
    made = read("videos: [a.mp4, 's3://bucket/b.mp4', /elsewhere/c.mp4]\nstore: s.db\noutput: o\nreport: r\n")
    assert [entry.source for entry in made.entries] == [
        str(tmp_path / "a.mp4"),
        "s3://bucket/b.mp4",
        "/elsewhere/c.mp4",
    ]
    assert made.entries[0].config == {"output_dir": str(tmp_path / "o")}
    assert (made.store, made.report) == (str(tmp_path / "s.db"), tmp_path / "r")
    assert made.checkpoint == tmp_path / "batch.checkpoint.json"


def test_a_store_on_a_server_stays_an_address(read):
    assert read("videos: a.mp4\nstore: postgresql://u@h/db").store == "postgresql://u@h/db"


def test_signs_of_patterns_in_the_folders_own_name_are_none(tmp_path):
    folder = tmp_path / "take [1]"
    folder.mkdir()
    (folder / "batch.yaml").write_text("videos: '*.mp4'")
    assert read_batch_file(folder / "batch.yaml").entries[0].source == f"{tmp_path}/take [[]1]/*.mp4"


def test_a_video_overrides_what_is_asked_of_all(read):
    made = read(
        """
        videos:
          - a.mp4
          - {path: b.mp4, annotators: shots, priority: 9, options: {shots: {threshold: 1}}, end_s: 5}
          - {path: c.mp4, preset: fast}
        pipelines: [scene, audio]
        priority: 1
        options: {shots: {threshold: 2, min_shot_s: 1}}
        """
    )
    plain, other, fast = (entry.config for entry in made.entries)
    assert (plain["pipelines"], plain["priority"]) == (["scene", "audio"], 1)
    assert (other["pipelines"], other["priority"], other["end_s"]) == (["shots"], 9, 5.0)
    assert other["options"] == {"shots": {"threshold": 1, "min_shot_s": 1}}
    assert (fast["preset"], fast.get("pipelines")) == ("fast", None), "what is asked of one video goes before"


def test_names_may_be_joined(read):
    assert read("videos: a\npipelines: scene|audio\nannotators: shots, loudness").entries[0].config == {
        "pipelines": ["scene", "audio", "shots", "loudness"]
    }


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("videos: a\npipelnes: [scene]", "did you mean 'pipelines'"),
        ("videos: [{path: a, optons: {}}]", "key of 'a' in batch.yaml 'optons'; did you mean 'options'"),
        ("videos: [{path: a, workers: 2}]", "unknown key of 'a'"),
        ("1: 2\nvideos: a", "unknown key in batch.yaml '1'"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest(read, text, hint):
    with pytest.raises(UnknownNameError, match=hint):
        read(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "'videos' must name at least one"),
        ("videos: []", "'videos' must name at least one"),
        ("videos: [7]", "must be a path, or a table"),
        ("videos: [{start_s: 1}]", "a table with a 'path'"),
        ("videos: {a: b}", "'videos' must be a path or a list"),
        ("videos: a\nworkers: 33", "from 1 to 32, got 33"),
        ("videos: a\nworkers: 0", "from 1 to 32, got 0"),
        ("videos: a\nworkers: true", "'workers' must be a whole number"),
        ("videos: a\npriority: high", "'priority' must be a whole number, got 'high'"),
        ("videos: a\nstart_s: soon", "'start_s' must be a number of seconds"),
        ("videos: a\noptions: {shots: 3}", "'options.shots' must be a table"),
        ("videos: a\npipelines: [3]", "'pipelines' must be a name or a list of names"),
        ("- a", "must hold a table"),
        ("videos: [a", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_and_the_file_named(read, text, hint):
    with pytest.raises(ConfigurationError, match=hint) as caught:
        read(text)
    assert "batch.yaml" in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no batch file"):
        read_batch_file(tmp_path / "none.yaml")


def test_every_key_is_in_the_page_on_batches():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "batches.md").read_text(encoding="utf-8")
    assert [key for key in {*FILE_KEYS, *VIDEO_KEYS} if f"`{key}`" not in page] == []
