"""Insert rate of the SQLite store beside the raw driver: same schema, same rows, same settings, a window from each side
in turn, so that what the machine does meanwhile slows both.

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path

from _common import judged, show, write_json
from cortexia.stores.base import Claim, RunWindow, StorageBackend, Window
from cortexia.stores.sql.rows import COLUMNS, Provenance, Row, records_to_rows
from cortexia.stores.sql.sqlite import SQLiteStorageBackend, on_connect
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

Records = tuple[AnnotationRecord, ...]
Write = Callable[[int, Records], float]
"""Commits a window of that ordinal; the seconds it took."""
Side = AbstractContextManager[Write]


def records(window: int) -> Records:
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


def claimed(store: StorageBackend) -> Claim:
    media = MediaInfo("mov", 1, 3600.0, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    store.save_video(VIDEO, media)
    store.register_runs([SPEC], {})
    store.submit_job(VIDEO, [SPEC.run_id], {})
    claim = store.claim("bench", 3600.0)
    assert claim is not None
    return claim


def prepared(rows: Records, ordinal: int, claim: Claim) -> list[Row]:
    source = Provenance(SPEC.run_id, ordinal, VIDEO.video_id, claim.job.job_id, "bench@1", "2026-01-01 00:00:00")
    return records_to_rows(rows, Fraction(0), source)


def through_store(folder: Path) -> Side:
    return commits(SQLiteStorageBackend(folder / "store.db"))


@contextmanager
def commits(store: StorageBackend) -> Iterator[Write]:
    with closing(store):
        claim = claimed(store)

        def write(ordinal: int, rows: Records) -> float:
            part = RunWindow(SPEC.run_id, ordinal, rows, ordinal + 1, None, None, {"at": ordinal})
            started = time.perf_counter()
            with store.transaction(claim) as transaction:
                transaction.save_window(Window(VIDEO.video_id, (part,)))
            return time.perf_counter() - started

        yield write


@contextmanager
def through_driver(folder: Path) -> Iterator[Write]:
    with closing(SQLiteStorageBackend(folder / "raw.db")) as store:
        claim = claimed(store)
    insert = f"INSERT INTO annotations ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    window = "INSERT INTO windows (run_id, ordinal, job_id, position, row_count, rows_sha256) VALUES (?,?,?,?,?,?)"
    with closing(sqlite3.connect(store.location)) as database:
        on_connect(database, None)

        def write(ordinal: int, records: Records) -> float:
            rows = prepared(records, ordinal, claim)
            started = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute(window, (SPEC.run_id, ordinal, claim.job.job_id, ordinal + 1, len(rows), ""))
            database.executemany(insert, rows)
            database.execute("COMMIT")
            return time.perf_counter() - started

        yield write


def measure(sides: Mapping[str, Callable[[Path], Side]], rounds: int, windows: int) -> dict[str, object]:
    """Rates of every side, and the ratio of the second to the first: the median over all pairs of windows."""
    data = [records(window) for window in range(windows)]
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for at in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
            writers = {name: opened.enter_context(side(Path(folder))) for name, side in sides.items()}
            for ordinal, rows in enumerate(data):
                for name, write in writers.items():
                    elapsed = write(ordinal, rows)
                    # the first round warms caches up
                    if at:
                        spent[name].append(elapsed)
    raw, store = spent.values()
    ratios = [one / other for one, other in zip(raw, store, strict=True)]
    return {
        "rows_per_window": WINDOW_ROWS,
        "windows": windows,
        "rounds": rounds,
        "rows_per_s": {name: round(WINDOW_ROWS / statistics.median(values)) for name, values in spent.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(value, 3) for value in ratios],
        "target": TARGET,
    }


def main(sides: Mapping[str, Callable[[Path], Side]], description: str | None, **facts: str) -> None:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = {**facts, **measure(sides, arguments.rounds, arguments.windows)}
    rates = result["rows_per_s"]
    assert isinstance(rates, dict)
    show([{"side": name, "rows/s": rate} for name, rate in rates.items()])
    ratio = float(str(result["ratio"]))
    print(f"median of paired ratios {ratio} (target {TARGET}): {judged(ratio, TARGET)}")
    write_json(arguments.json, result)


if __name__ == "__main__":
    main(
        {"raw driver": through_driver, "store": through_store},
        __doc__,
        benchmark="store insert",
        sqlite=sqlite3.sqlite_version,
    )
