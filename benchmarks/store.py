"""Insert rate of the SQLite store beside the raw driver: same schema, same rows, same windows, in turns.

    python benchmarks/store.py [--rounds 5] [--windows 5] [--json FILE]

The raw side is what the driver can do: prepared tuples, one ``BEGIN IMMEDIATE`` and one ``executemany`` a window, no
fence, no conversion, no digest, no read-back. Target: ratio >= 0.6.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from _common import judged, show, write_json
from cortexia.stores.base import Claim, RunWindow, Window
from cortexia.stores.sql.rows import COLUMNS, Provenance, records_to_rows
from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import (
    AnnotationRecord,
    BBox,
    Detection,
    MediaInfo,
    RunSpec,
    TimeSpan,
    Timestamp,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    annotation_id,
)

TARGET = 0.6
WINDOW_ROWS = 10_000
TIME_BASE = Fraction(1, 90_000)
VIDEO = VideoIdentity("ab" * 32, "file:///bench.mp4", "bench.mp4", 1)
SPEC = RunSpec(VIDEO.video_id, "bench", "1")
LABELS = ("person", "car", "bottle", "dog")


def records(window: int) -> tuple[AnnotationRecord, ...]:
    """Ten detections a frame at 25 frames a second, with attributes on every second one."""
    rng = random.Random(window)
    made = []
    for row in range(WINDOW_ROWS):
        frame, ordinal = divmod(window * WINDOW_ROWS + row, 10)
        start = Timestamp(frame * 3600, TIME_BASE)
        x, y = rng.uniform(0, 1800), rng.uniform(0, 1000)
        box = Detection(
            span=TimeSpan(start, Timestamp(start.pts + 3600, TIME_BASE)),
            label=LABELS[row % 4],
            confidence=rng.random(),
            frame_index=frame,
            bbox=BBox(x, y, x + rng.uniform(5, 100), y + rng.uniform(5, 80)),
            attributes={"area": row, "occluded": False} if row % 2 else {},
        )
        made.append(AnnotationRecord(annotation_id(SPEC.run_key, "detection", start.pts, ordinal), box, ordinal, frame))
    return tuple(made)


@contextmanager
def claimed_store(folder: Path) -> Iterator[tuple[SQLiteStorageBackend, Claim]]:
    store = SQLiteStorageBackend(folder / "bench.db")
    media = MediaInfo("mov", 1, 3600.0, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    store.save_video(VIDEO, media)
    store.register_runs([SPEC], {})
    store.submit_job(VIDEO, [SPEC.run_id], {})
    claim = store.claim("bench", 3600.0)
    assert claim is not None
    yield store, claim
    store.close()


def through_store(folder: Path, windows: list[tuple[AnnotationRecord, ...]]) -> float:
    with claimed_store(folder) as (store, claim):
        started = time.perf_counter()
        for ordinal, rows in enumerate(windows):
            part = RunWindow(SPEC.run_id, ordinal, rows, ordinal + 1, None, None, {"at": ordinal})
            with store.transaction(claim) as transaction:
                transaction.save_window(Window(VIDEO.video_id, (part,)))
        return time.perf_counter() - started


def through_driver(folder: Path, windows: list[tuple[AnnotationRecord, ...]]) -> float:
    with claimed_store(folder) as (store, claim):
        prepared = []
        for ordinal, rows in enumerate(windows):
            source = Provenance(
                SPEC.run_id, ordinal, VIDEO.video_id, claim.job.job_id, "bench@1", "2026-01-01 00:00:00"
            )
            prepared.append(records_to_rows(rows, Fraction(0), source))
        database = sqlite3.connect(store.location, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            database.execute(f"PRAGMA {pragma}")
        insert = f"INSERT INTO annotations ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
        window = "INSERT INTO windows (run_id, ordinal, job_id, position, row_count, rows_sha256) VALUES (?,?,?,?,?,?)"
        started = time.perf_counter()
        for ordinal, rows in enumerate(prepared):
            database.execute("BEGIN IMMEDIATE")
            database.execute(window, (SPEC.run_id, ordinal, claim.job.job_id, ordinal + 1, len(rows), ""))
            database.executemany(insert, rows)
            database.execute("COMMIT")
        elapsed = time.perf_counter() - started
        database.close()
        return elapsed


def measure(rounds: int, windows: int) -> dict[str, object]:
    data = [records(window) for window in range(windows)]
    sides: dict[str, Callable[[Path, list[tuple[AnnotationRecord, ...]]], float]] = {
        "raw driver": through_driver,
        "store": through_store,
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for at in range(rounds + 1):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                elapsed = side(Path(folder), data)
            # the first round warms caches up
            if at:
                rates[name].append(windows * WINDOW_ROWS / elapsed)
    ratios = [store / raw for store, raw in zip(rates["store"], rates["raw driver"], strict=True)]
    ratio = statistics.median(ratios)
    return {
        "benchmark": "store insert",
        "rows_per_window": WINDOW_ROWS,
        "windows": windows,
        "rounds": rounds,
        "rows_per_s": {name: round(statistics.median(values)) for name, values in rates.items()},
        "ratio": round(ratio, 3),
        "ratios": [round(value, 3) for value in ratios],
        "target": TARGET,
        "sqlite": sqlite3.sqlite_version,
    }


def main(measure: Callable[[int, int], dict[str, object]], description: str | None) -> None:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = measure(arguments.rounds, arguments.windows)
    rates = result["rows_per_s"]
    assert isinstance(rates, dict)
    show([{"side": name, "rows/s": rate} for name, rate in rates.items()])
    ratio = float(str(result["ratio"]))
    print(f"median of paired ratios {ratio} (target {TARGET}): {judged(ratio, TARGET)}")
    write_json(arguments.json, result)


if __name__ == "__main__":
    main(measure, __doc__)
