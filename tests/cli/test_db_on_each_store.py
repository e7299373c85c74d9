"""``cortexia db`` on each kind of store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filling import box, completed, spec
from keeping import EMPTY_PLACES, PLACES, VIDEO, fill, opened

from cortexia.cli.main import cli
from cortexia.errors import ConfigurationError, CortexiaError

NEWEST = {"files": "2", "sqlite": "0005", "postgresql": "0005"}
EARLIER = {"files": "1", "sqlite": "0003", "postgresql": "0003"}
SAID = {"files": "layout 1 becomes 2", "sqlite": "CREATE TABLE audit_log", "postgresql": "CREATE TABLE audit_log"}


@pytest.fixture(params=sorted(PLACES))
def kind(request) -> str:
    return request.param


@pytest.fixture
def location(kind, tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = PLACES[kind](tmp_path)
    with opened(made) as store:
        fill(store)
    return made


@pytest.fixture
def cortexia(location):
    """Runs a command of ``cortexia db`` on the store, unless it names another."""

    def run(*arguments: object) -> Result:
        words = [str(word) for word in arguments]
        return CliRunner().invoke(cli, ["db", *words, *([] if "--store" in words else ["--store", location])])

    return run


def parsed(result: Result):
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_checks_and_numbers(cortexia):
    assert cortexia("check").stderr == "2 videos: no problems\n"
    found = parsed(cortexia("stats", "--json", "--type", "object_detection"))
    assert found["full"] == {VIDEO: 20}
    assert found["counts"]["rows"] == {"key_picture": 3, "object_detection": 21}


def test_checksums_are_the_same_after_backup_and_restore(cortexia, kind, tmp_path):
    before = parsed(cortexia("check", "--checksums", "--json"))["checksums"]
    assert parsed(cortexia("backup", "b.tar", "--json"))["annotations"] == 24
    (tmp_path / "new").mkdir()
    place = EMPTY_PLACES[kind](tmp_path / "new")
    assert "checked: no problems" in cortexia("restore", "b.tar", "--verify", "--store", place).stdout
    assert parsed(cortexia("check", "--checksums", "--json", "--store", place))["checksums"] == before


def test_what_is_old_is_shown_and_only_then_removed(cortexia, location, tmp_path):
    with opened(location) as store:
        completed(store, spec(annotator="boxes", options={"n": 1}), [box(0)])
        store.blobs.put(b"orphan")
    assert "1 superseded runs with 20 annotations are old enough" in cortexia("archive", "--older-than", 0).stderr
    assert parsed(cortexia("archive", "old.jsonl.gz", "--older-than", 0, "--apply", "--json"))["is_applied"]
    assert cortexia("gc", "--grace", 0, "--apply").stdout.startswith("removed 1 blobs")
    assert cortexia("check").exit_code == 0


def test_a_deleted_video_can_come_back(cortexia):
    assert parsed(cortexia("delete", "a.mp4", "--json")) == {"deleted": [VIDEO]}
    assert "(and 1 deleted)" in cortexia("stats").stdout
    assert cortexia("delete", "a.mp4", "--undo").exit_code == 0
    assert "deleted)" not in cortexia("stats").stdout


def test_revisions_are_shown_and_gone_to(cortexia, kind):
    assert "nothing to do" in cortexia("migrate", "--dry-run").stdout
    done = cortexia("migrate", "--to", EARLIER[kind]).stdout
    assert done.startswith(f"revision {NEWEST[kind]} is now {EARLIER[kind]}")
    assert ("a copy of what was there" in done) is (kind == "sqlite")
    assert SAID[kind] in cortexia("migrate", "--dry-run").stdout
    assert parsed(cortexia("history", "--json"))["current"] == EARLIER[kind], "a dry run runs nothing"
    assert parsed(cortexia("migrate", "--json"))["is_applied"]
    assert f"* {NEWEST[kind]}" in cortexia("history").stdout
    assert isinstance(cortexia("migrate", "--to", "9").exception, ConfigurationError)


def test_the_audit_log_is_shown_and_verified(cortexia):
    verdict = parsed(cortexia("audit", "verify", "--json"))
    lines = cortexia("audit", "show", "--json").stdout.splitlines()
    assert json.loads(lines[-1])["hash"] == verdict["head"]
    assert len(cortexia("audit", "show", "--after", 3).stdout.splitlines()) == len(lines) - 3
    assert cortexia("audit", "verify", "--head", verdict["head"]).exit_code == 0
    assert cortexia("audit", "verify", "--head", "f" * 64).exit_code == 1


def test_the_history_of_an_empty_database_names_no_revision(cortexia, tmp_path, kind):
    if kind != "postgresql":
        pytest.skip("an empty file, or folder, is none")
    assert parsed(cortexia("history", "--json", "--store", EMPTY_PLACES[kind](tmp_path)))["current"] is None


@pytest.mark.parametrize("arguments", [("check",), ("stats",), ("backup", "b.tar"), ("audit", "verify")])
def test_a_store_that_is_not_there_is_named(cortexia, kind, tmp_path, arguments):
    (tmp_path / "none").mkdir()
    place = EMPTY_PLACES[kind](tmp_path / "none")
    result = cortexia(*arguments, "--store", place)
    assert isinstance(result.exception, CortexiaError)
    assert "there is no store" in str(result.exception)
    assert not list(Path("none").rglob("*"))
