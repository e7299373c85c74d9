"""A thousand short videos as one batch: memory, threads and handles of supervisor and workers stay what they were."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import psutil
import pytest
from storm import Batch, make_clips

from cortexia.types import JobState

MANY, FEW = 1000, 120
GROWTH_BYTES = 30_000_000
"""At most so much more after a thousand videos."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]
Sample = tuple[int, int, int, int]
"""Jobs done, resident bytes, threads, open files."""


def observed(folder: Path, clips: Path, **more) -> tuple[Batch, dict[str, list[Sample]]]:
    """A batch brought to its end, and what its processes held meanwhile."""
    batch = Batch(folder, clips, str(folder / "s.db"), workers=2, settings={"lease_s": 20.0}, **more)
    samples: dict[str, list[Sample]] = defaultdict(list)
    while batch.process.poll() is None:
        done = sum(job.status.is_final for job in batch.jobs().values())
        for name, pid in [("supervisor", batch.process.pid), *((f"worker {pid}", pid) for pid in batch.worker_pids())]:
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    samples[name].append((done, process.memory_info().rss, process.num_threads(), process.num_fds()))
            except psutil.Error:
                continue
        time.sleep(0.5)
    return batch, samples


def growth(samples: list[Sample]) -> dict[str, float]:
    """After the first fifth of the jobs: bytes in a thousand jobs, by a straight line; threads and files, last quarter
    against first."""
    last = max(done for done, *_ in samples)
    warm = np.array([sample for sample in samples if sample[0] >= last / 5], dtype=float)
    quarter = max(1, len(warm) // 4)
    more = [statistics.median(warm[-quarter:, at]) - statistics.median(warm[:quarter, at]) for at in (2, 3)]
    slope = np.polyfit(warm[:, 0], warm[:, 1], 1)[0] if np.ptp(warm[:, 0]) else 0.0
    return {"bytes_in_1000": float(slope) * 1000, "threads": more[0], "files": more[1]}


def is_flat(found: dict[str, float]) -> bool:
    return found["bytes_in_1000"] < GROWTH_BYTES and found["threads"] < 2 and found["files"] < 4


def test_a_thousand_clips_leave_nothing_behind(tmp_path):
    make_clips(tmp_path / "clips", MANY, seconds=0.8, with_poison=False)
    began = time.monotonic()
    batch, samples = observed(tmp_path / "batch", tmp_path / "clips")
    ends = Counter(job.status for job in batch.jobs().values())
    found = {name: growth(seen) for name, seen in samples.items()}
    batch.close()
    figures = {"wall_s": round(time.monotonic() - began), "ends": ends, "growth": found}
    print(json.dumps(figures, default=str))  # noqa: T201 - the figures belong in the record of the run
    assert ends[JobState.COMPLETED] >= 999
    assert len(found) == 3, "nobody had to be started anew"
    assert {name: grown for name, grown in found.items() if not is_flat(grown)} == {}


def test_a_worker_that_keeps_something_of_every_job_is_seen(tmp_path):
    """Negative control."""
    make_clips(tmp_path / "clips", FEW, seconds=0.8, with_poison=False)
    batch, samples = observed(tmp_path / "batch", tmp_path / "clips", breaks=["thrift"])
    batch.close()
    workers = [growth(seen) for name, seen in samples.items() if name != "supervisor"]
    assert [grown for grown in workers if is_flat(grown)] == []
