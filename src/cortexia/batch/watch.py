"""The watch over one worker: memory, and whether it moves (G14). There is no limit to how long a job may take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cortexia.batch.recorder import Flight

_LOOK_EVERY_S = 0.25
_START_S = 60.0
"""Until it moves for the first time a worker imports and opens its store: it may take so long, at least."""
_GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Limits:
    """``memory_bytes``: resident memory of a worker beside the weights of its models; ``stall_timeout_s``: so long may
    nothing move."""

    memory_bytes: int = 4_000_000_000
    stall_timeout_s: float = 120.0


class Watch:
    """Looks at a worker a few times a second, and says why it has to go. ``pid`` is ``None``: it has no process."""

    def __init__(self, limits: Limits, pid: int | None) -> None:
        self._limits = limits
        self._pid = pid
        self._looked_at: float | None = None
        self._moves = 0
        self._moved_at: float | None = None

    def objection(self, flight: Flight, now: float) -> str | None:
        """``now``: seconds of a steady clock."""
        if self._looked_at is not None and now - self._looked_at < _LOOK_EVERY_S:
            return None
        self._looked_at = now
        return self._too_large(flight) or self._too_slow(flight, now)

    def _too_large(self, flight: Flight) -> str | None:
        most = self._limits.memory_bytes + flight.weights_bytes
        used = resident_bytes(self._pid) if self._pid is not None else None
        if used is None or used <= most:
            return None
        return f"it used {used / _GIGABYTE:.1f} GB of memory, at most {most / _GIGABYTE:.1f} GB are allowed"

    def _too_slow(self, flight: Flight, now: float) -> str | None:
        if flight.moves != self._moves or self._moved_at is None:
            self._moves, self._moved_at = flight.moves, now
        limit = self._limits.stall_timeout_s
        if now - self._moved_at <= (limit if self._moves else max(limit, _START_S)):
            return None
        at_work = flight.culprit or ("the decoder" if flight.is_decoding else "the worker")
        return f"nothing moved for {limit:g} s; {at_work} was at work"


def resident_bytes(pid: int) -> int | None:
    """Resident memory of a process, ``None`` where it is not known."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
