"""Insert rate of the PostgreSQL store beside the raw driver: same schema, same rows, same windows, in turns.

    python benchmarks/store_postgresql.py [--rounds 5] [--windows 5] [--json FILE]

The raw side is one transaction and one ``COPY`` a window: no fence, no conversion, no digest, no read-back. The server
is the one that CORTEXIA_TEST_POSTGRES names, else one that is started for it. Target: ratio >= 0.6.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from cortexia.stores.base import Claim, RunWindow, Window
from cortexia.stores.sql.postgresql import PostgreSQLStorageBackend
from cortexia.stores.sql.rows import COLUMNS, Provenance, records_to_rows
from cortexia.types import AnnotationRecord, MediaInfo, Verdict, VerdictStatus
from store import SPEC, TARGET, VIDEO, WINDOW_ROWS, main, records

sys.path.append(str(Path(__file__).parents[1] / "tests" / "stores"))
import postgres

Windows = list[tuple[AnnotationRecord, ...]]


def claimed_store(folder: Path) -> tuple[str, PostgreSQLStorageBackend, Claim]:
    url = postgres.fresh_url(folder)
    store = PostgreSQLStorageBackend(url)
    store.save_video(VIDEO, MediaInfo("mov", 1, 3600.0, Fraction(0), None, None, Verdict(VerdictStatus.OK)))
    store.register_runs([SPEC], {})
    store.submit_job(VIDEO, [SPEC.run_id], {})
    claim = store.claim("bench", 3600.0)
    assert claim is not None
    return url, store, claim


def through_store(folder: Path, windows: Windows) -> float:
    _, store, claim = claimed_store(folder)
    started = time.perf_counter()
    for ordinal, rows in enumerate(windows):
        part = RunWindow(SPEC.run_id, ordinal, rows, ordinal + 1, None, None, {"at": ordinal})
        with store.transaction(claim) as transaction:
            transaction.save_window(Window(VIDEO.video_id, (part,)))
    elapsed = time.perf_counter() - started
    store.close()
    return elapsed


def through_driver(folder: Path, windows: Windows) -> float:
    url, store, claim = claimed_store(folder)
    store.close()
    prepared = []
    for ordinal, rows in enumerate(windows):
        source = Provenance(SPEC.run_id, ordinal, VIDEO.video_id, claim.job.job_id, "bench@1", "2026-01-01 00:00:00")
        prepared.append(records_to_rows(rows, Fraction(0), source))
    address = make_url(url).difference_update_query(["blobs"]).render_as_string(hide_password=False)
    window = (
        "INSERT INTO windows (run_id, ordinal, job_id, position, row_count, rows_sha256) VALUES (%s,%s,%s,%s,%s,%s)"
    )
    with psycopg.connect(address, autocommit=True) as database:
        started = time.perf_counter()
        for ordinal, rows in enumerate(prepared):
            with database.transaction(), database.cursor() as cursor:
                cursor.execute(window, (SPEC.run_id, ordinal, claim.job.job_id, ordinal + 1, len(rows), ""))
                with cursor.copy(f"COPY annotations ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
        return time.perf_counter() - started


def measure(rounds: int, windows: int) -> dict[str, object]:
    data = [records(window) for window in range(windows)]
    if isinstance(postgres.server(), postgres.OwnServer):
        # tests do without
        for statement in ("ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET full_page_writes = on"):
            postgres.execute(postgres.server().url("postgres"), statement)
        postgres.execute(postgres.server().url("postgres"), "SELECT pg_reload_conf()")
    sides = {"raw driver": through_driver, "store": through_store}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for at in range(rounds + 1):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                elapsed = side(Path(folder), data)
            # the first round warms caches up
            if at:
                rates[name].append(windows * WINDOW_ROWS / elapsed)
    ratios = [store / raw for store, raw in zip(rates["store"], rates["raw driver"], strict=True)]
    return {
        "benchmark": "store insert, PostgreSQL",
        "rows_per_window": WINDOW_ROWS,
        "windows": windows,
        "rounds": rounds,
        "rows_per_s": {name: round(statistics.median(values)) for name, values in rates.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(value, 3) for value in ratios],
        "target": TARGET,
    }


if __name__ == "__main__":
    main(measure, __doc__)
