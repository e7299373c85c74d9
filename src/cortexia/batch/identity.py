"""Names of workers, made so that another process on this machine can tell whether one is still alive."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def worker_name() -> str:
    """``host/boot/pid/start``: the start time tells a process from a later one with the same number."""
    return "/".join((socket.gethostname(), _boot(), str(os.getpid()), _started(os.getpid()) or "0"))


def is_surely_dead(worker: str) -> bool:
    """True only for a worker of this machine and this boot whose process is gone. Never guesses about others."""
    host, boot, pid, started = ([*worker.split("/"), "", "", "", ""])[:4]
    if host != socket.gethostname() or not pid.isdigit() or started in ("", "0"):
        return False
    if boot != _boot():
        return True
    return _started(int(pid)) != started


def local_pid(worker: str) -> int | None:
    """Number of the process of a worker that lives on this machine; ``None`` for any other."""
    host, boot, pid, started = ([*worker.split("/"), "", "", "", ""])[:4]
    if host != socket.gethostname() or boot != _boot() or not pid.isdigit() or _started(int(pid)) != started:
        return None
    return int(pid)


def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "-"


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot; ``None`` when there is none (zombies count as gone)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
