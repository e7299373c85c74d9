"""``cortexia db`` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filling import box, completed, spec
from keeping import VIDEO, filled, opened, vandalised

from cortexia.cli.main import cli
from cortexia.errors import ConfigurationError, CortexiaError


@pytest.fixture
def cortexia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command of ``cortexia db`` in a folder with a store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    filled(tmp_path / "cortexia.db")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["db", *map(str, arguments)])

    return run


def parsed(result: Result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_check_ends_with_0_when_all_is_well_and_1_when_not(cortexia, tmp_path):
    clean = cortexia("check")
    assert (clean.exit_code, clean.stdout, clean.stderr) == (0, "", "2 videos: no problems\n")
    vandalised(tmp_path / "cortexia.db", "UPDATE runs SET annotation_count = 99 WHERE annotator = 'frames'")
    found = cortexia("check", "--json")
    assert found.exit_code == 1
    assert [problem["kind"] for problem in json.loads(found.stdout)["problems"]] == ["count"]
    assert "--repair" in cortexia("check").stderr
    mended = cortexia("check", "--repair")
    assert (mended.exit_code, mended.stdout[:14]) == (0, "mended: count:")
    assert cortexia("check", "--quick").exit_code == 0


def test_checksums_are_the_same_after_backup_and_restore(cortexia, tmp_path):
    before = parsed(cortexia("check", "--checksums", "--json"))["checksums"]
    made = parsed(cortexia("backup", "b.tar", "--json"))
    assert (made["annotations"], made["blobs"], made["has_blobs"]) == (24, 3, True)
    assert "checked: no problems" in cortexia("restore", "b.tar", "--verify", "--store", "new.db").stdout
    assert parsed(cortexia("check", "--checksums", "--json", "--store", "new.db"))["checksums"] == before
    assert "3 blobs (38 bytes), only named" in cortexia("backup", "c.tar", "--reference-blobs").stdout


def test_a_backup_that_was_cut_off_is_refused(cortexia, tmp_path):
    cortexia("backup", "b.tar")
    (tmp_path / "b.tar").write_bytes((tmp_path / "b.tar").read_bytes()[:9000])
    result = cortexia("restore", "b.tar", "--store", "new.db")
    assert isinstance(result.exception, CortexiaError)
    assert "no whole backup" in str(result.exception)


def test_numbers(cortexia):
    text = cortexia("stats", "--type", "object_detection", "--more-than", 10, "--confidence", 0.5).stdout
    assert "videos    2" in text
    assert "object_detection                   21" in text
    assert "videos with more than 10 object_detection above 0.5: 1" in text
    found = parsed(cortexia("stats", "--json", "--type", "object_detection"))
    assert found["full"] == {VIDEO: 20}
    assert found["counts"]["runs"]["boxes"] == {"completed": 2}


def test_what_is_old_is_shown_and_only_then_removed(cortexia, tmp_path):
    with opened(tmp_path / "cortexia.db") as store:
        completed(store, spec(annotator="boxes", options={"n": 1}), [box(0)])
        store.blobs.put(b"orphan")
    shown = cortexia("archive", "--older-than", 0)
    assert "1 superseded runs with 20 annotations are old enough; --apply" in shown.stderr
    done = parsed(cortexia("archive", "old.jsonl.gz", "--older-than", 0, "--apply", "--json"))
    assert (len(done["runs"]), done["is_applied"], (tmp_path / "old.jsonl.gz").exists()) == (1, True, True)
    assert cortexia("gc", "--grace", 0).stdout.startswith("would remove 1 blobs (6 bytes)")
    assert cortexia("gc", "--grace", 0, "--apply").stdout.startswith("removed 1 blobs")
    assert parsed(cortexia("gc", "--grace", 0, "--json"))["blobs"] == 0
    assert cortexia("check").exit_code == 0


def test_a_deleted_video_can_come_back(cortexia):
    assert parsed(cortexia("delete", "a.mp4", "--json")) == {"deleted": [VIDEO]}
    assert "(and 1 deleted)" in cortexia("stats").stdout
    assert isinstance(cortexia("delete", "nothing.mp4", "--undo").exception, ConfigurationError)
    assert cortexia("delete", VIDEO[:12], "--undo").exit_code == 0
    assert "deleted)" not in cortexia("stats").stdout


def test_revisions_are_shown_and_gone_to(cortexia, tmp_path):
    shutil.copy(tmp_path / "cortexia.db", tmp_path / "same.db")
    assert "nothing to do" in cortexia("migrate", "--dry-run").stdout
    assert cortexia("migrate", "--to", "0002").stdout.startswith("revision 0005 is now 0002; a copy")
    assert parsed(cortexia("history", "--json"))["current"] == "0002"
    script = cortexia("migrate", "--dry-run").stdout
    assert "CREATE TABLE audit_log" in script
    assert parsed(cortexia("history", "--json"))["current"] == "0002", "a dry run runs nothing"
    assert parsed(cortexia("migrate", "--json"))["is_applied"]
    assert "* 0005" in cortexia("history").stdout
    assert isinstance(cortexia("migrate", "--to", "9").exception, ConfigurationError)


def test_the_audit_log_is_shown_and_verified(cortexia, tmp_path):
    verdict = parsed(cortexia("audit", "verify", "--json"))
    assert verdict["is_whole"]
    lines = cortexia("audit", "show", "--json").stdout.splitlines()
    assert json.loads(lines[-1])["hash"] == verdict["head"]
    assert len(cortexia("audit", "show", "--after", 3).stdout.splitlines()) == len(lines) - 3
    assert cortexia("audit", "verify", "--head", verdict["head"]).exit_code == 0
    assert cortexia("audit", "verify", "--head", "f" * 64).exit_code == 1
    vandalised(
        tmp_path / "cortexia.db", "DROP TRIGGER audit_log_no_update", "UPDATE audit_log SET actor = 'x' WHERE seq = 2"
    )
    broken = cortexia("audit", "verify")
    assert (broken.exit_code, broken.stdout[:24]) == (1, "broken: entry 2 was chan")


def test_a_store_that_is_not_there_is_named(cortexia):
    for arguments in (("check",), ("history",), ("stats",), ("backup", "b.tar"), ("audit", "verify")):
        result = cortexia(*arguments, "--store", "none.db")
        assert isinstance(result.exception, CortexiaError), arguments
        assert "there is no store" in str(result.exception), arguments
    assert not Path("none.db").exists()


def test_a_store_is_moved_to_another(cortexia, tmp_path):
    rows = parsed(cortexia("stats", "--json"))["counts"]["rows"]
    done = parsed(cortexia("move", "cortexia.db", "moved", "--json"))
    assert done["moved"] == len(done["checksums"]) > 0
    assert parsed(cortexia("stats", "--json", "--store", "moved"))["counts"]["rows"] == rows
    assert "had arrived before" in cortexia("move", "cortexia.db", "moved").stdout
    assert "there is no store" in str(cortexia("move", "none.db", "moved").exception)
    assert not (tmp_path / "none.db").exists()
