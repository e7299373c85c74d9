"""R-01, R-02: kill it anywhere while it writes into a folder, run it again: the export is that of a run into SQLite
that was never disturbed, and no file of the folder was needed that is not there."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from sweeper import Point, Sweeper, Trace, fail_at, kill_at, side_by_side, traced, unsynced_renames

from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores import open_store

KILLED = -9


@pytest.fixture(scope="module")
def pristine_folder(arena: Path) -> Path:
    folder = arena / "pristine-folder"
    folder.mkdir()
    open_store(str(folder / "sweep")).close()
    return folder


@pytest.fixture(scope="module")
def folder_trace(sweeper: Sweeper, pristine_folder: Path, arena: Path) -> Trace:
    return traced(sweeper, pristine_folder, arena / "folder-trace.txt")


def digest_without_index(store: Path) -> str:
    for path in store.glob(".index.db*"):
        path.unlink()
    out = io.BytesIO()
    opened = open_store(str(store), create=False)
    JsonlExporter().write(ExportSource(opened), out)
    opened.close()
    return hashlib.sha256(out.getvalue()).hexdigest()


def kill_everywhere(sweepers, pristine, trace, truth, most: int) -> None:
    def kill_and_resume(sweeper: Sweeper, point: Point) -> tuple[str, bool, bool]:
        store = sweeper.place(pristine)
        code = sweeper.annotate(store, kill_at(point))
        is_equal = sweeper.resumed(store) == truth and digest_without_index(store) == truth
        return str(point), code == KILLED, is_equal

    results = side_by_side(sweepers, kill_and_resume, trace.points(most))
    assert [point for point, _, is_equal in results if not is_equal] == []
    # the number of calls moves a little with the wall clock; a few of the last points may lie past the end
    assert sum(was_killed for _, was_killed, _ in results) >= 0.9 * len(results)


@pytest.mark.timeout(300)
def test_killed_at_a_few_writes_and_syncs(sweepers, pristine_folder, folder_trace, truth):
    kill_everywhere(sweepers, pristine_folder, folder_trace, truth, 8)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_killed_at_every_write_and_sync(sweepers, pristine_folder, folder_trace, truth):
    kill_everywhere(sweepers, pristine_folder, folder_trace, truth, 10_000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_disk_at_a_few_points(sweepers, pristine_folder, folder_trace, truth, error):
    def fail_and_resume(sweeper: Sweeper, point: Point) -> tuple[str, int, bool]:
        store = sweeper.place(pristine_folder)
        code = sweeper.annotate(store, fail_at(point, error))
        return str(point), code, sweeper.resumed(store) == truth

    results = side_by_side(sweepers, fail_and_resume, folder_trace.points(3))
    assert [point for point, _, is_equal in results if not is_equal] == []
    assert all(code >= 0 for _, code, _ in results), "no signal killed it: an error is an error"
    assert any(code > 0 for _, code, _ in results), "the errors were noticed"


def test_every_file_is_synced_before_it_gets_its_name(folder_trace):
    renamed = [line for line in folder_trace.lines if line.startswith("rename")]
    assert any("/windows/" in line for line in renamed)
    assert unsynced_renames(folder_trace) == []


def test_without_fsync_that_is_found(sweeper, pristine_folder, arena):
    """Negative control."""
    broken = traced(sweeper, pristine_folder, arena / "folder-no-fsync.txt", breaks=["no_fsync"])
    assert unsynced_renames(broken) != []
