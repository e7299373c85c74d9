"""What is special about looking after a folder: its layouts, its log, and what a death leaves of a removal."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from filing import drop_index, everything, export, files_of, reopened
from filling import AT_ONCE, box, claimed, completed, identity, remember_side_by_side, spec, submitted

from cortexia.errors import CortexiaError, DataInconsistencyError, SchemaError, UnknownNameError
from cortexia.maintenance.check import CheckOptions, check
from cortexia.provenance import actor
from cortexia.stores.audit import AuditEvent, verified
from cortexia.stores.files import layout, removal, sealed
from cortexia.stores.files.backend import FileStorageBackend
from cortexia.types import JobState, KeyPicture

A, B = "a" * 64, "b" * 64


@pytest.fixture
def store(files_store):
    return files_store


def superseded(store) -> list[str]:
    """Two runs that gave way to a third, in windows that they share with another that stays."""
    digest = store.blobs.put(b"old picture", ".jpg")
    fields = {"picture": digest, "thumbnail": digest, "width": 1, "height": 1, "quality": 1.0}
    completed(store, spec(annotator="other"), [box(0)])
    for number in range(3):
        rows = [box(0), KeyPicture(span=box(40).span, **fields)] if number == 0 else [box(0)]
        completed(store, spec(options={"n": number}), rows)
    return [spec(options={"n": number}).run_id for number in range(2)]


def is_sound(base: Path) -> bool:
    with contextlib.closing(FileStorageBackend(base)) as opened:
        return check(opened, CheckOptions()).is_clean


# -- layouts


def test_layouts_go_down_and_up_and_lose_nothing(store, base):
    completed(store, spec(), [box(0)])
    completed(store, spec("b"), [box(0)], letter="b")
    store.upkeep.delete_video(B)
    before = everything(store)
    revisions = FileStorageBackend.revisions(str(base))
    assert revisions.written_out("2") == ""
    assert "layout 2 becomes 1" in revisions.written_out("1")
    assert revisions.current() == "2"
    revisions.go_to("1")
    assert revisions.current() == "1"
    with pytest.raises(UnknownNameError):
        revisions.go_to("3")
    assert reopened(base) == before
    assert revisions.current() == "2"
    with contextlib.closing(FileStorageBackend(base)) as again:
        moves = [entry.event.details for entry in again.upkeep.audit() if entry.event.action == "store.migrated"]
    assert moves == [{"from": None, "to": "2"}, {"from": "2", "to": "1"}, {"from": "1", "to": "2"}]


def test_a_layout_of_the_future_is_refused(store, base):
    layout.write_marker(store._folder, layout.NEWEST + 1)
    with pytest.raises(SchemaError, match="newer cortexia"):
        FileStorageBackend(base)


def test_a_cortexia_that_knows_the_first_layout_only_refuses_the_second(store):
    """It would show deleted videos."""
    with pytest.raises(SchemaError, match="newer cortexia"):
        sealed.read(store._folder.marker)


def test_files_of_the_first_layout_are_read(store, base):
    completed(store, spec(), [box(0)])
    before = export(store)
    store.close()
    drop_index(base)
    for path, names in _fields_of_the_second(base):
        content = sealed.read(path)
        sealed.write(path, _without(content, names))
    layout.write_marker(store._folder, 1)
    shutil.rmtree(base / "audit")
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert export(opened) == before
        assert check(opened, CheckOptions()).is_clean
        completed(opened, spec(options={"n": 1}), [box(0)])


def _fields_of_the_second(base: Path):
    names = {"created_by", "updated_at", "updated_by", "deleted_at", "removed"}
    return [(path, names) for path in base.rglob("*.json") if path.parent.name in ("record", "windows", *_jobs(base))]


def _jobs(base: Path) -> list[str]:
    return [path.name for path in (base / "jobs").iterdir()]


def _without(value, names):
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


# -- who and when


def test_who_and_when_outlive_the_index(store, base):
    superseded(store)
    submitted(store, spec("b"), letter="b")
    before = _touched(store)
    assert {row[1] for rows in before for row in rows} == {actor()}
    store.close()
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as again:
        # when a video was touched last is told by its jobs, too: those times are not in its file
        assert _touched(again)[1:] == before[1:]
        assert [row[:2] for row in _touched(again)[0]] == [row[:2] for row in before[0]]


def _touched(store) -> list[list[tuple]]:
    found = []
    with store._door.read() as connection:
        for table, key in (("videos", "video_id"), ("jobs", "job_id"), ("runs", "run_id")):
            columns = f"{key}, created_by, created_at, updated_by, updated_at"
            rows = connection.exec_driver_sql(f"SELECT {columns} FROM {table} ORDER BY 1")
            found.append([tuple(row) for row in rows])
    return found


def test_saving_what_is_known_writes_nothing(store, base):
    submitted(store, spec())
    before = files_of(base)
    store.save_video(identity())
    assert files_of(base) == before


# -- the log


def test_a_line_that_a_death_tore_gives_way(store, base):
    completed(store, spec(), [box(0)])
    log = base / "audit" / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + whole.splitlines()[-1][:50])
    assert verified(store.upkeep.audit()).is_whole
    store.upkeep.remember(AuditEvent("test.written", "x"))
    assert verified(store.upkeep.audit()).is_whole
    assert log.read_bytes().startswith(whole)


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"job.submitted", b"job.forgotten"), *lines[2:]], 2),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[0], b"\xff\n", *lines[2:]], 2),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
    ],
    ids=["edited", "taken out", "unreadable", "moved"],
)
def test_an_edit_is_detected(store, base, change, broken_at):
    completed(store, spec(), [box(0)])
    log = base / "audit" / "log.jsonl"
    assert verified(store.upkeep.audit()).is_whole
    log.write_bytes(b"".join(change(log.read_bytes().splitlines(keepends=True))))
    assert verified(store.upkeep.audit()).broken_at == broken_at
    assert {problem.kind for problem in check(store, CheckOptions()).problems} == {"audit"}


def test_a_damaged_end_is_not_built_upon(store, base):
    log = base / "audit" / "log.jsonl"
    log.write_bytes(log.read_bytes() + b"\xff\n")
    before = log.read_bytes()
    with pytest.raises(DataInconsistencyError, match=r"log\.jsonl is damaged"):
        store.upkeep.remember(AuditEvent("test.written", "x"))
    assert log.read_bytes() == before


def test_long_entries_are_chained(store):
    for size in (10, 70_000, 200_000, 10):
        store.upkeep.remember(AuditEvent("test.written", "x" * size))
    assert verified(store.upkeep.audit()).is_whole


def test_writers_side_by_side_make_one_chain(store):
    remember_side_by_side(store, 10)
    verdict = verified(store.upkeep.audit())
    assert (verdict.is_whole, verdict.entries) == (True, 31)


# -- damage


@pytest.mark.parametrize("pattern", ["store.json", "*/windows/000001.json", "*/record/runs.json", "jobs/*/job.json"])
def test_a_flipped_byte_is_found_in_any_file(store, base, pattern):
    """Also where time and size of the file say that nothing happened."""
    completed(store, spec(), [box(0)])
    path = next(base.glob(pattern))
    status, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    import os

    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    problems = check(store, CheckOptions()).problems
    assert [problem.kind for problem in problems if "damaged" in problem.message] == ["integrity"]


def test_rows_that_are_in_the_index_alone_are_found(store, base):
    completed(store, spec(), [box(0)])
    with store._door.write() as connection:
        connection.exec_driver_sql("UPDATE windows SET rows_sha256 = 'x'")
    assert "integrity" in {problem.kind for problem in check(store, CheckOptions()).problems}


# -- removal, and deaths in the middle of it


def test_what_was_put_away_is_in_no_file(store, base):
    old = superseded(store)
    before = export(store)
    store.upkeep.remove_runs(old)
    texts = b"".join(data for name, data in files_of(base).items() if name.startswith(("a", "jobs")))
    assert not any(run_id.encode() in texts for run_id in old)
    assert export(store) == before
    store.close()
    drop_index(base)
    assert is_sound(base)
    assert reopened(base)[0] == before


class Died(BaseException):
    pass


@pytest.mark.parametrize("moment", range(1, 9))
def test_a_death_in_the_middle_of_a_removal_loses_nothing(store, base, monkeypatch, moment):
    """Killed before the first, second, ... file is written."""
    old = superseded(store)
    before = export(store)
    write, count = sealed.write, 0

    def dying(path, content):
        nonlocal count
        count += 1
        if count == moment:
            raise Died
        write(path, content)

    monkeypatch.setattr(sealed, "write", dying)
    with contextlib.suppress(Died):
        store.upkeep.remove_runs(old)
    monkeypatch.undo()
    for again in (False, True):
        if again:
            drop_index(base)
        with contextlib.closing(FileStorageBackend(base)) as opened:
            assert export(opened) == before
            assert check(opened, CheckOptions()).is_clean
    with contextlib.closing(FileStorageBackend(base)) as opened:
        opened.upkeep.remove_runs(old)
        assert len(list(opened.runs(A, current_only=False))) == 2
        assert check(opened, CheckOptions()).is_clean


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_death_while_a_video_goes_leaves_all_or_nothing(store, base, monkeypatch, moment):
    completed(store, spec(), [box(0)])
    completed(store, spec("b"), [box(0)], letter="b")
    store.upkeep.delete_video(B)
    remove, count = removal._remove, 0

    def dying(path, folder):
        nonlocal count
        count += 1
        if count > moment:
            raise Died
        remove(path, folder)

    monkeypatch.setattr(removal, "_remove", dying)
    with contextlib.suppress(Died):
        store.upkeep.remove_video(B)
    monkeypatch.undo()
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert check(opened, CheckOptions()).is_clean
        assert len(list(opened.upkeep.deleted_videos())) == (0 if moment else 1)
        opened.upkeep.remove_video(B)
        assert [run.spec.video_id for run in opened.runs(current_only=False)] == [A]


def test_jobs_that_windows_name_stay(store, base):
    """Its rows do not count any more: the run began anew in another job."""
    shaky = spec(annotator="shaky")
    claim = claimed(store, shaky)
    from filling import commit, part

    from cortexia.types import RunStatus

    commit(store, claim, part(shaky, 0, [box(0)], status=RunStatus.FAILED, reason="annotator", message="boom"))
    store.release(claim, JobState.FAILED, "error", "boom")
    completed(store, shaky, [box(0)])
    assert store.upkeep.old_jobs(0.0) == []
    store.upkeep.remove_jobs([claim.job.job_id])
    assert store.job(claim.job.job_id) is not None


def test_jobs_that_go_take_their_files_with_them(store, base):
    empty = submitted(store, spec("b"), letter="b")
    store.cancel_job(empty)
    store.upkeep.remove_jobs([empty])
    assert not (base / "jobs" / empty).exists()
    assert json.loads((base / B / "job_metadata.json").read_bytes())["jobs"] == []
    assert reopened(base)[3] == []


def test_a_deleted_video_has_its_files_left_alone(store, base):
    completed(store, spec(), [box(0)])
    submitted(store, spec(options={"n": 1}))
    store.upkeep.delete_video(A)
    assert (base / A / "object_detection.json").exists() or (base / A / "boxes.json").exists()
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert opened.video(A) is None
        opened.save_video(identity())
        assert opened.video(A) is not None
    store.close()
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base, rules=AT_ONCE)) as opened:
        assert opened.video(A) is not None


def test_a_folder_that_cannot_be_a_store_is_no_backup_of_one(store, tmp_path):
    """Members of the inner file are checked as well."""
    import tarfile

    from cortexia.stores.files.snapshot import FilesPlace

    for name in ("../evil", "store.json/x", "aaa/record/video.json", f"{A}/../x.json"):
        with tarfile.open(tmp_path / "inner.tar", "w") as archive:
            archive.addfile(tarfile.TarInfo(name))
        place = FilesPlace(tmp_path / "new")
        with pytest.raises(CortexiaError):
            place.settle(tmp_path / "inner.tar")
        place.clear()
        assert not (tmp_path / "new").exists()
