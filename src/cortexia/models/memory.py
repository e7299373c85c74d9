"""How much memory is free, for the budget of models."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def free_memory_bytes(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int | None:
    """What the machine has available, or less where a control group (v2) allows less; ``None`` where unknown."""
    known = [size for size in (_available(meminfo), _allowed(cgroup)) if size is not None]
    return min(known, default=None)


def _available(meminfo: Path) -> int | None:
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _allowed(cgroup: Path) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text()) - _droppable(cgroup)
        return None if limit == "max" else max(0, int(limit) - used)
    except (OSError, ValueError):
        return None


def _droppable(cgroup: Path) -> int:
    """Pages of files that nobody has touched lately count as used, and go when memory is asked for."""
    stat = cgroup / "memory.stat"
    lines = stat.read_text().splitlines() if stat.is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
