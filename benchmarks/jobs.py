"""What a job costs beside its annotators: CPU of a warm worker for submission, identity, claim, one window and end.

    python benchmarks/jobs.py [--jobs 300] [--json FILE]

Each job is a small file of its own whose digest is remembered, one run, one window of 25 detections, in one SQLite
store. Target: 15 ms of CPU for claim, cached digest, window and end.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from _common import Row, show, write_json
from cortexia.errors import RejectedInput
from cortexia.sources import IdentityCache, InputAdapter, identify
from cortexia.stores import open_store
from cortexia.stores.base import Claim, RunWindow, StorageBackend, Window
from cortexia.types import (
    AnnotationRecord,
    BBox,
    Detection,
    JobState,
    MediaInfo,
    RunSpec,
    RunStatus,
    TimeSpan,
    Timestamp,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    annotation_id,
)

TARGET_MS = 15.0
COUNTED = ("identity", "claim", "window", "end")
BASE = Fraction(1, 25)
MEDIA = MediaInfo("mov", 1, 1.0, Fraction(0), None, None, Verdict(VerdictStatus.OK))


class Spent:
    """CPU milliseconds by step, job by job."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def on(self, step: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.ms[step].append((time.process_time() - begun) * 1000)


def window(spec: RunSpec) -> Window:
    records = []
    for frame in range(25):
        span = TimeSpan(Timestamp(frame, BASE), Timestamp(frame + 1, BASE))
        box = Detection(span=span, label="person", confidence=0.5, frame_index=frame, bbox=BBox(1, 2, 30, 40))
        records.append(AnnotationRecord(annotation_id(spec.run_key, box.type, frame, 0), box, 0, frame))
    part = RunWindow(spec.run_id, 0, tuple(records), 25, None, None, {}, RunStatus.COMPLETED)
    return Window(spec.video_id, (part,))


def known(path: Path, cache: IdentityCache) -> VideoIdentity:
    (source,) = InputAdapter.adapt(path)
    assert not isinstance(source, RejectedInput)
    return identify(source, cache)


def work(store: StorageBackend, path: Path, cache: IdentityCache, spent: Spent) -> None:
    with spent.on("identity"):
        identity = known(path, cache)
    spec = RunSpec(identity.video_id, "bench", "1")
    with spent.on("submission"):
        job_id = submit(store, identity, spec)
    with spent.on("claim"):
        claim = store.claim("bench", 60.0, job_id)
    assert claim is not None
    made = window(spec)
    with spent.on("window"):
        commit(store, claim, made)
    with spent.on("end"):
        store.release(claim, JobState.COMPLETED, None, None)


def submit(store: StorageBackend, identity: VideoIdentity, spec: RunSpec) -> str:
    store.save_video(identity, MEDIA)
    store.register_runs([spec], {})
    return store.submit_job(identity, [spec.run_id], {})


def commit(store: StorageBackend, claim: Claim, made: Window) -> None:
    with store.transaction(claim) as transaction:
        transaction.save_window(made)


def measure(jobs: int) -> Spent:
    spent = Spent()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = IdentityCache(folder / "cache.db")
        paths = [folder / f"{number:06}.mp4" for number in range(jobs)]
        for path in paths:
            path.write_bytes(b"\0\0\0\x18ftypisom" + path.name.encode())
            known(path, cache)
        store = open_store(str(folder / "bench.db"))
        for path in paths:
            work(store, path, cache, spent)
        store.close()
    return spent


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=300)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    spent = measure(chosen.jobs)
    warm = {step: values[len(values) // 10 :] for step, values in spent.ms.items()}
    rows: list[Row] = [
        {
            "step": step,
            "median CPU ms": f"{statistics.median(values):.2f}",
            "95th percentile": f"{statistics.quantiles(values, n=20)[-1]:.2f}",
        }
        for step, values in warm.items()
    ]
    show(rows)
    total = sum(statistics.median(warm[step]) for step in COUNTED)
    verdict = "met" if total <= TARGET_MS else "MISSED"
    print(f"{' + '.join(COUNTED)}: {total:.1f} ms of CPU (target {TARGET_MS:.0f}): {verdict}")
    write_json(chosen.json, {"rows": rows, "total_ms": total, "target_ms": TARGET_MS})


if __name__ == "__main__":
    main()
