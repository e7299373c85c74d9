"""R-14: the database server crashes in the middle of a batch, stays away for a minute, and comes back (G9)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import postgres
import psutil
import pytest
from storm import Batch, make_clips

from cortexia.errors import StoreError
from cortexia.types import JobState

AWAY_S = 60.0
BACK_S = 30.0
KEPT_BYTES = 100_000_000
"""A worker may hold its finished window, and what the decoder is ahead."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("down") / "clips"
    make_clips(folder, 12, with_poison=False)
    return folder


@pytest.fixture(scope="module")
def truth(clips, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("down-truth")
    batch = Batch(folder, clips, str(folder / "s.db"))
    assert batch.end(240) == 0
    found = batch.digest()
    batch.close()
    return found


@pytest.fixture
def server():
    found = postgres.own_server()
    yield found
    found.start()


def crew(batch: Batch) -> set[int]:
    return {batch.process.pid, *batch.worker_pids()}


def wait_for(what: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, f"it did not come to it within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


def windows(batch: Batch) -> dict[str, int]:
    try:
        return {job_id: job.windows for job_id, job in batch.jobs().items()}
    except StoreError:
        return {}


def test_a_batch_goes_on_by_itself_when_its_server_is_back(clips, truth, server, tmp_path):
    batch = Batch(tmp_path / "batch", clips, postgres.fresh_url(tmp_path), pause_s=0.3)
    try:
        wait_for(lambda: len(batch.held()) == 4 and sum(windows(batch).values()) > 12, 60)
        acknowledged, members = windows(batch), crew(batch)
        sizes = {pid: psutil.Process(pid).memory_info().rss for pid in members}
        server.crash()
        time.sleep(AWAY_S)
        grown = {pid: psutil.Process(pid).memory_info().rss - size for pid, size in sizes.items()}
        server.start()
        returned = time.monotonic()
        wait_for(lambda: bool(windows(batch)), BACK_S)
        found = windows(batch)
        assert [job_id for job_id, count in acknowledged.items() if found[job_id] < count] == []
        held = batch.held()
        moving = {job_id: job.windows for job_id, job in held.items()}
        wait_for(lambda: all(windows(batch)[job_id] > count for job_id, count in moving.items()), BACK_S)
        back_s = time.monotonic() - returned
        print(json.dumps({"back_s": round(back_s, 2), "grown_mb": max(grown.values()) / 1e6}))  # noqa: T201
        assert back_s < BACK_S
        assert crew(batch) == members, "nobody was started anew"
        assert max(grown.values()) < KEPT_BYTES
        assert batch.end(240) == 0
        assert batch.digest() == truth
        assert batch.rows_told_twice() == []
        assert {job.status for job in batch.jobs().values()} == {JobState.COMPLETED}
    finally:
        batch.close()


def test_without_patience_the_batch_does_not_outlive_it(clips, server, tmp_path):
    """Negative control: the same crash, and nobody who waits."""
    batch = Batch(
        tmp_path / "batch",
        clips,
        postgres.fresh_url(tmp_path),
        pause_s=0.3,
        settings={"store_patience_s": 0.0},
    )
    try:
        wait_for(lambda: len(batch.worker_pids()) == 4 and sum(windows(batch).values()) > 12, 60)
        members = crew(batch)
        server.crash()
        time.sleep(20)
        server.start()
        assert crew(batch) != members
    finally:
        batch.close()
