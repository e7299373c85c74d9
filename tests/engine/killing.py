"""A command that is killed where it stands, and given once more."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def killed_and_gone_on(
    command: Sequence[str], store: Path, windows: Sequence[int], settings: Mapping[str, str] | None = None
) -> None:
    """Runs ``command``, which writes to ``store``, and kills it with SIGKILL once so many windows of a run are
    committed, one time for each of ``windows``; then lets it end. ``settings``: by name, without their prefix."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CORTEXIA_")}
    clean |= {f"CORTEXIA_{name}": value for name, value in (settings or {}).items()}
    deaths = 0
    for count in windows:
        process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if wait_for_windows(store, count, process):
            deaths += 1
            process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert deaths >= 2, "it must have been killed in the middle"
    done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def wait_for_windows(store: Path, count: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether ``count`` windows of a run were committed before the process was done."""
    deadline = time.monotonic() + 120
    while process.poll() is None:
        if committed(store) >= count:
            return True
        assert time.monotonic() < deadline, "no window for two minutes"
        time.sleep(0.002)
    return False


def committed(store: Path) -> int:
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT MAX(windows) FROM runs").fetchone()[0] or 0)
    except sqlite3.Error:
        return 0
