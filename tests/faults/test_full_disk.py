"""A disk that is really full, and free again: workers live, wait, and go on by themselves (G10, R-03)."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crew import Shaky
from harness import Lab
from recipes import Boxes, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.batch.main import worker_options, worker_payload
from cortexia.batch.patience import FreeSpace
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.config import Settings
from cortexia.engine import CancelToken, EngineOptions, WindowPolicy
from cortexia.types import JobState

SIZE_BYTES = 4 * 1024 * 1024
RECIPES = (Boxes(), Steps(), Pictures())


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 4 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root mounts a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while file.write(b"x" * size) == size:
                    continue
            except OSError:
                continue
    return ballast


class Working:
    """A lab at work in a thread, with workers that wait for room."""

    def __init__(self, lab: Lab, space: FreeSpace | None) -> None:
        self.store = lab.store()
        self.job_id = lab.submit(self.store)
        engine = EngineOptions(WindowPolicy(media_s=0.2), threads=1)
        options = WorkerOptions(engine, space=space, raises=())
        worker = Worker(self.store, lab.decoder, options, recipes=lambda config: lab.recipes)
        self.thread = threading.Thread(target=worker.work, args=([self.job_id],), daemon=True)

    def job(self):
        return self.store.job(self.job_id)


@pytest.mark.parametrize("name", ["lab.db", "folder"])
def test_work_goes_on_by_itself_when_there_is_room_again(tmp_path, disk, name):
    truth = Lab(tmp_path / "truth", ScriptedDecoder([40] * 50), RECIPES)
    truth.run(window_s=0.2)
    lab = Lab(disk, ScriptedDecoder([40] * 50), (*RECIPES, Shaky("slow")), store_name=name)
    working = Working(lab, None)
    working.thread.start()
    while working.job().windows < 2:
        time.sleep(0.01)
    ballast = fill(disk)
    time.sleep(1.5)
    stuck_at = working.job().windows
    time.sleep(1.0)
    assert working.thread.is_alive(), "it waits, and is not dead"
    assert (working.job().status, working.job().windows) == (JobState.RUNNING, stuck_at), "nothing fits any more"
    ballast.unlink()
    working.thread.join(60)
    job = working.job()
    assert (job.status, job.failures, job.deaths) == (JobState.COMPLETED, {}, 0), "no attempt was used up"
    working.store.close()
    assert lab.export() == truth.export()


def test_nothing_is_begun_below_the_limit(tmp_path, disk):
    lab = Lab(disk, ScriptedDecoder([40] * 20), RECIPES)
    working = Working(lab, FreeSpace((disk,), min_bytes=SIZE_BYTES // 2, min_share=0.0))
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(SIZE_BYTES * 5 // 8))
    working.thread.start()
    time.sleep(1.0)
    assert (working.job().status, working.job().attempt) == (JobState.QUEUED, 0)
    ballast.unlink()
    working.thread.join(60)
    assert working.job().status is JobState.COMPLETED
    working.store.close()


def test_without_the_guard_it_is_begun(tmp_path, disk):
    """Negative control."""
    working = Working(Lab(disk, ScriptedDecoder([40] * 20), RECIPES), None)
    (disk / "ballast").write_bytes(bytes(SIZE_BYTES * 5 // 8))
    working.thread.start()
    working.thread.join(60)
    assert working.job().attempt == 1
    working.store.close()


@pytest.mark.parametrize(
    ("store", "guarded"),
    [("{}/a/store.db", "a"), ("{}/b/folder", "b"), ("postgresql://u@h/db?blobs={}/c/blobs", "c/blobs")],
)
def test_the_guard_looks_at_every_disk_that_is_written_to(tmp_path, store, guarded):
    settings = Settings(cache_dir=str(tmp_path / "cache"), on_full_disk="wait")
    payload = worker_payload(store.format(tmp_path), [], settings)
    space = worker_options(payload, CancelToken()).space
    assert space is not None
    assert set(space.folders) == {tmp_path / "cache" / "media", tmp_path / guarded}
    assert (space.min_bytes, space.min_share) == (2_000_000_000, 0.05)
