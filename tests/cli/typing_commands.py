"""The command line in processes of its own, for tests that interrupt it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from click.testing import CliRunner, Result

from cortexia.cli.main import cli

SLOW = """
import time
from dataclasses import dataclass
from typing import ClassVar
from cortexia.annotators.base import StreamAnnotator, StreamSession

@dataclass(frozen=True)
class Slow(StreamAnnotator):
    name: ClassVar[str] = "slow"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    batch_size: ClassVar[int] = 1
    seconds: float = 0.2

    def session(self, context):
        return SlowSession(self.seconds)

class SlowSession(StreamSession):
    def __init__(self, seconds):
        self._seconds = seconds

    def process(self, inputs, upstream):
        time.sleep(self._seconds * len(inputs))
        return [[] for _ in inputs]
"""
"""An annotator that takes its time, and finds nothing."""


class Typist:
    """Runs commands in one folder, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "CORTEXIA_LEASE_S": "1"}
        self._env.pop("CORTEXIA_MODELS", None)

    def install_slow(self) -> None:
        """Make the annotator ``slow`` known, as an installation would."""
        plugin = self._folder / "plugin"
        metadata = plugin / "slow-1.dist-info"
        metadata.mkdir(parents=True)
        (plugin / "slow_annotator.py").write_text(SLOW)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text("[cortexia.annotators]\nslow = slow_annotator:Slow\n")
        self._env["PYTHONPATH"] = str(plugin)

    def start(self, *arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "cortexia.cli.main", *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self._folder, stdout=pipe, stderr=pipe, text=True, env=self._env)

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ask(self, *arguments: object) -> Result:
        """As calling it, in this process: quick, and for commands that nobody interrupts."""
        with contextlib.chdir(self._folder):
            return CliRunner(env=self._env).invoke(cli, list(map(str, arguments)))


def wait_for(store: Path, condition: str, most_s: float = 60.0) -> None:
    """Until a job of the SQLite store fulfils ``condition``."""
    until, address = time.monotonic() + most_s, f"file:{store}?mode=ro"
    while time.monotonic() < until:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            if database.execute(f"SELECT COUNT(*) FROM jobs WHERE {condition}").fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError(f"no job came to be {condition}")
