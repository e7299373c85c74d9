"""How long it takes to find out that nothing is left to do: 100,000 finished runs in a store, asked for again.

    python benchmarks/scan.py [--videos 20000] [--rounds 5] [--json FILE]

The store is SQLite, filled with rows as finished jobs leave them. Timed is what ``annotate`` does once the files are
identified: the keys of every run that is wanted, and one question to the store for every few hundred videos. Target:
2 s. The same rows read in one statement by the bare driver are shown beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from _common import Row, show, write_json
from cortexia.batch.scan import chunks, settled
from cortexia.batch.submission import Order
from cortexia.plan import make_recipes, resolve
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.types import RunSpec, VideoIdentity

TARGET_S = 2.0
ANNOTATORS = ("shots", "frames", "loudness", "quality", "motion")


def identity(number: int) -> VideoIdentity:
    video_id = hashlib.sha256(str(number).encode()).hexdigest()
    return VideoIdentity(video_id, f"/videos/{number}.mp4", f"{number}.mp4", 1000)


def order(names: tuple[str, ...]) -> Order:
    return Order(*resolve(make_recipes(names, {}), {}))


def fill(path: Path, videos: int, wanted: Order) -> int:
    """Runs as finished jobs leave them; the number of them. Written by the driver: filling is not what is timed."""
    store = open_store(str(path))
    first = identity(0)
    store.save_video(first)
    store.register_runs(list(wanted.specs(first.video_id).values()), {})
    store.submit_job(first, wanted.run_ids(first.video_id), {})
    store.close()
    with sqlite3.connect(path) as connection:
        _multiply(connection, videos, wanted)
        (count,) = connection.execute("SELECT count(*) FROM runs WHERE status = 'completed'").fetchone()
    connection.close()
    return int(count)


def _multiply(connection: sqlite3.Connection, videos: int, wanted: Order) -> None:
    """Every other video as a copy of the rows of the first, with its job."""
    connection.execute("UPDATE jobs SET status = 'completed'")
    (job_id,) = connection.execute("SELECT job_id FROM jobs").fetchone()
    connection.execute("UPDATE runs SET status = 'completed'")
    model = wanted.specs(identity(0).video_id)
    for number in range(1, videos):
        video = identity(number)
        _copy(connection, "videos", "video_id", identity(0).video_id, video_id=video.video_id, file_path=video.uri)
        for name, spec in wanted.specs(video.video_id).items():
            _copy_run(connection, model[name], spec)
        changed = {"job_id": f"{number:036}", "video_id": video.video_id, "video_path": video.uri, "seq": number + 1}
        _copy(connection, "jobs", "job_id", job_id, **changed)


def _copy_run(connection: sqlite3.Connection, model: RunSpec, spec: RunSpec) -> None:
    changed = {"run_id": spec.run_id, "run_key": spec.run_key, "video_id": spec.video_id}
    _copy(connection, "runs", "run_id", model.run_id, **changed)


def _copy(connection: sqlite3.Connection, table: str, key: str, of: str, **changed: str | int) -> None:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join(f":{name}" if name in changed else name for name in names)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {table} WHERE {key} = :of",
        {**changed, "of": of},
    )


def scan(store: StorageBackend, videos: int, wanted: Order) -> float:
    begun = time.perf_counter()
    done = 0
    for chunk in chunks(map(identity, range(videos))):
        done += len(settled(store, {video.video_id: wanted.run_ids(video.video_id) for video in chunk}))
    spent = time.perf_counter() - begun
    assert done == videos, f"{done} of {videos} videos were found to be done"
    return spent


def bare(path: Path) -> float:
    begun = time.perf_counter()
    with sqlite3.connect(path) as connection:
        frozenset(row[0] for row in connection.execute("SELECT run_id FROM runs WHERE status = 'completed'"))
    connection.close()
    return time.perf_counter() - begun


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--videos", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    wanted = order(ANNOTATORS)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "scan.db"
        runs = fill(path, chosen.videos, wanted)
        store = open_store(str(path))
        spent = [scan(store, chosen.videos, wanted) for _ in range(chosen.rounds)]
        read = [bare(path) for _ in range(chosen.rounds)]
        store.close()
    median = statistics.median(spent)
    rows: list[Row] = [
        {"what": f"scan of {runs} finished runs", "median s": f"{median:.2f}", "worst s": f"{max(spent):.2f}"},
        {"what": "bare driver, ids only", "median s": f"{statistics.median(read):.2f}", "worst s": f"{max(read):.2f}"},
    ]
    show(rows)
    verdict = "met" if median <= TARGET_S else "MISSED"
    print(f"{median:.2f} s (target {TARGET_S:.0f} s): {verdict}")
    write_json(chosen.json, {"runs": runs, "seconds": spent, "bare_s": read, "target_s": TARGET_S})


if __name__ == "__main__":
    main()
