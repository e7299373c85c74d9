"""Insert rate of the PostgreSQL store beside the raw driver: same schema, same rows, a window from each side in
turn, so that what the machine does meanwhile slows both.

    python benchmarks/store_postgresql.py [--rounds 5] [--windows 5] [--json FILE]

The raw side is one transaction and one ``COPY`` a window: no fence, no conversion, no digest, no read-back. The server
is the one that CORTEXIA_TEST_POSTGRES names, else one that is started for it. Target: ratio >= 0.6.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from cortexia.stores.sql.postgresql import PostgreSQLStorageBackend
from cortexia.stores.sql.rows import COLUMNS
from store import SPEC, Records, Side, Write, claimed, commits, main, prepared

sys.path.append(str(Path(__file__).parents[1] / "tests" / "stores"))
import postgres

_COPY = f"COPY annotations ({', '.join(COLUMNS)}) FROM STDIN"
_WINDOW = "INSERT INTO windows (run_id, ordinal, job_id, position, row_count, rows_sha256) VALUES (%s,%s,%s,%s,%s,%s)"


def through_store(folder: Path) -> Side:
    return commits(PostgreSQLStorageBackend(postgres.fresh_url(folder / "store")))


@contextmanager
def through_driver(folder: Path) -> Iterator[Write]:
    url = postgres.fresh_url(folder / "raw")
    with closing(PostgreSQLStorageBackend(url)) as store:
        claim = claimed(store)
    address = make_url(url).difference_update_query(["blobs"]).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as database:

        def write(ordinal: int, records: Records) -> float:
            rows = prepared(records, ordinal, claim)
            started = time.perf_counter()
            with database.transaction(), database.cursor() as cursor:
                cursor.execute(_WINDOW, (SPEC.run_id, ordinal, claim.job.job_id, ordinal + 1, len(rows), ""))
                with cursor.copy(_COPY) as copy:
                    for row in rows:
                        copy.write_row(row)
            return time.perf_counter() - started

        yield write


def be_durable() -> None:
    """A server of our own is one of the tests, which do without."""
    if isinstance(postgres.server(), postgres.OwnServer):
        for statement in ("ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET full_page_writes = on"):
            postgres.execute(postgres.server().url("postgres"), statement)
        postgres.execute(postgres.server().url("postgres"), "SELECT pg_reload_conf()")


if __name__ == "__main__":
    be_durable()
    main({"raw driver": through_driver, "store": through_store}, __doc__, benchmark="store insert, PostgreSQL")
