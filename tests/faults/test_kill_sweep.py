"""R-01: kill it anywhere, run it again: the canonical export is that of a run that was never disturbed, ids and all."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import threading
import time

import pytest
from sweeper import Point, Sweeper, kill_at, side_by_side, traced, unsynced_renames

FEW, ALL = 40, 100_000
KILLED = -9


def is_sound(store) -> bool:
    with sqlite3.connect(store) as db:
        return db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_run_has_twenty_windows_and_every_point_is_reached(sweeper, pristine, trace, truth):
    store = sweeper.place(pristine)
    sweeper.annotate(store)
    with sqlite3.connect(store) as db:
        windows = db.execute("SELECT MAX(windows) FROM runs").fetchone()[0]
    assert windows >= 20
    assert trace.count - trace.first > 100


@pytest.mark.timeout(600)
def test_killed_at_some_writes_and_syncs_of_every_kind(sweepers, pristine, trace, truth):
    points = trace.points(FEW)
    assert {point.call for point in points} == {point.call for point in trace.points(ALL)}
    kill_at_points(sweepers, pristine, truth, points)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_killed_at_every_write_and_sync(sweepers, pristine, trace, truth):
    kill_at_points(sweepers, pristine, truth, trace.points(ALL))


def kill_at_points(sweepers, pristine, truth, points: list[Point]) -> None:
    def kill_and_resume(sweeper: Sweeper, point: Point) -> tuple[str, bool, bool]:
        store = sweeper.place(pristine)
        code = sweeper.annotate(store, kill_at(point))
        return str(point), code == KILLED, sweeper.resumed(store) == truth and is_sound(store)

    results = side_by_side(sweepers, kill_and_resume, points)
    assert [point for point, _, is_equal in results if not is_equal] == []
    # The number of calls moves a little with the wall clock; a few of the last points may lie past the end.
    assert sum(was_killed for _, was_killed, _ in results) >= 0.95 * len(results)


@pytest.mark.parametrize("times", [12, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_killed_at_random_times(sweepers, pristine, truth, times):
    seed = int(os.environ.get("SWEEP_SEED") or int.from_bytes(os.urandom(4)))
    chance = random.Random(seed)
    started = time.monotonic()
    sweepers[0].annotate(sweepers[0].place(pristine))
    whole = time.monotonic() - started

    def kill_and_resume(sweeper: Sweeper, delay_s: float) -> bool:
        store = sweeper.place(pristine)
        pid = sweeper.ask(op="annotate", store=str(store), clip=str(sweeper.clip), cache=str(sweeper.cache))["pid"]
        killer = _kill_later(pid, delay_s)
        sweeper.ask(op="go", pid=pid)
        killer.join()
        return sweeper.resumed(store) == truth

    delays = [chance.uniform(0.0, whole) for _ in range(times)]
    assert all(side_by_side(sweepers, kill_and_resume, delays)), f"seed {seed}"


def _kill_later(pid: int, delay_s: float):
    def kill() -> None:
        time.sleep(delay_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_every_file_is_synced_before_it_gets_its_name(trace):
    assert any(line.startswith("rename") for line in trace.lines)
    assert unsynced_renames(trace) == []


# -- negative controls: the same checks on builds that are broken on purpose


def test_without_fsync_the_check_of_renames_finds_it(sweeper, pristine, arena):
    broken = traced(sweeper, pristine, arena / "no-fsync.txt", breaks=["no_fsync"])
    assert unsynced_renames(broken) != []


def test_with_state_apart_from_rows_a_kill_is_seen(sweeper, pristine, arena, truth):
    broken = traced(sweeper, pristine, arena / "apart.txt", breaks=["state_apart"])
    wrong = 0
    for point in broken.points(60):
        store = sweeper.place(pristine)
        sweeper.annotate(store, kill_at(point), breaks=["state_apart"])
        code = sweeper.annotate(store)
        wrong += code != 0 or sweeper.digest(store) != truth
        if wrong:
            break
    assert wrong, "rows and state were committed apart, and no kill showed it"
