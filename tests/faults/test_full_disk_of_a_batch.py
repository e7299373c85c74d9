"""R-03: the disk of the store is really full in the middle of a batch, and has room again later (G10)."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from storm import Batch, make_clips

from cortexia.types import JobState

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("full") / "clips"
    make_clips(folder, 6, seconds=2.0, with_poison=False)
    return folder


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to it"
        time.sleep(0.05)


@contextlib.contextmanager
def on_a_full_disk(disk: Path, clips: Path, folder: Path, **more) -> Iterator[Batch]:
    """A batch that was at work, and has just met a full disk."""
    batch = Batch(folder / "batch", clips, str(disk / "s.db"), pause_s=0.1, workers=2, **more)
    try:
        wait_for(lambda: sum(job.windows for job in batch.jobs().values()) > 3)
        fill(disk)
        log = batch.folder / "log"
        wait_for(lambda: "free some space" in log.read_text() or "broken on purpose" in log.read_text() or gone(batch))
        yield batch
    finally:
        batch.close()


def gone(batch: Batch) -> bool:
    return batch.process.poll() is not None


def states(batch: Batch) -> set[JobState]:
    return {job.status for job in batch.jobs().values()}


def test_a_batch_waits_for_room_and_goes_on_by_itself(disk, clips, tmp_path):
    with on_a_full_disk(disk, clips, tmp_path) as batch:
        members = {batch.process.pid, *batch.worker_pids()}
        stored = sum(job.windows for job in batch.jobs().values())
        time.sleep(3.0)
        assert {batch.process.pid, *batch.worker_pids()} == members, "nobody died of it"
        assert states(batch) <= {JobState.RUNNING, JobState.QUEUED, JobState.RETRYING, JobState.COMPLETED}
        with contextlib.closing(sqlite3.connect(f"file:{disk / 's.db'}?mode=ro", uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        wait_for(lambda: sum(job.windows for job in batch.jobs().values()) > stored, 30.0)
        assert batch.end(120) == 0
        assert states(batch) == {JobState.COMPLETED}
        assert {(job.deaths, dict(job.failures).get("machine", 0)) for job in batch.jobs().values()} == {(0, 0)}
        found = batch.digest()
    calm = Batch(tmp_path / "calm", clips, str(tmp_path / "calm.db"))
    assert calm.end(120) == 0
    assert calm.digest() == found
    calm.close()


def test_where_a_full_disk_is_an_error_like_any_other_jobs_are_lost(disk, clips, tmp_path):
    """Negative control."""
    with on_a_full_disk(disk, clips, tmp_path, breaks=["full"]) as batch:
        time.sleep(3.0)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        code = batch.end(120)
        assert code != 0 or states(batch) != {JobState.COMPLETED}
