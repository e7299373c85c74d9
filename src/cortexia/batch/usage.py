"""What a worker takes of the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cortexia.batch.identity import local_pid
from cortexia.batch.watch import resident_bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_s``: processor time since the worker began; ``memory_bytes``: resident now."""

    cpu_s: float
    memory_bytes: int


def usage_of(worker: str) -> Usage | None:
    """Of a worker of this machine by its name; ``None`` where it is gone, elsewhere, or it is not known."""
    pid = local_pid(worker)
    memory = resident_bytes(pid) if pid is not None else None
    try:
        # after the name in brackets, which may hold anything: utime and stime are the 14th and 15th field
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    if memory is None:
        return None
    return Usage((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), memory)
