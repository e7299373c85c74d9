"""The audit log of a folder store: a file of JSON lines that only grows. See ``stores.audit`` for the chain."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from cortexia.errors import DataInconsistencyError
from cortexia.files import make_folder, sync_folder, translate_os_error
from cortexia.provenance import actor
from cortexia.stores.audit import AuditEntry, AuditEvent, chained
from cortexia.stores.files.folder import held
from cortexia.types import canonical_json

NAME = "log.jsonl"
_TAIL_BYTES = 64 * 1024
_MOMENT = "%Y-%m-%d %H:%M:%S"


class AuditLog:
    """In ``folder``, whose lock is held by whoever appends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME

    def append(self, events: Sequence[AuditEvent]) -> None:
        """Chain ``events`` to the log; durable when this returns. A line that a death left unfinished gives way.

        Raises ``DataInconsistencyError`` where the last line cannot be read, ``StoreBusyError``, ``DiskFullError``.
        """
        if not events:
            return
        make_folder(self.folder)
        with held(self.folder), translate_os_error(self.path), self.path.open("a+b") as file:
            end = _whole_end(file)
            file.truncate(end)
            last = self._last(file, end)
            try:
                _write(file, last, events)
            except BaseException:
                file.truncate(end)
                raise
            if end == 0:
                sync_folder(self.folder)

    def entries(self, after: int = 0) -> Iterator[AuditEntry]:
        """Entries after number ``after``. What cannot be read comes as an entry that fits nowhere in the chain."""
        with translate_os_error(self.path):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return
        with file:
            for number, line in enumerate(file, 1):
                # somebody is writing there, or died while doing so
                if number > after and line.endswith(b"\n"):
                    yield _entry(line) or _unreadable(number)

    def head(self) -> str | None:
        """Hash of the last entry."""
        last = None
        for entry in self.entries():
            last = entry.hash
        return last

    def _last(self, file: IO[bytes], end: int) -> tuple[int, str] | None:
        if end == 0:
            return None
        entry = _entry(_last_line(file, end))
        if entry is None:
            raise DataInconsistencyError(
                f"the last line of {self.path} is damaged; nothing was changed: restore this file from a backup"
            )
        return entry.seq, entry.hash


def _write(file: IO[bytes], last: tuple[int, str] | None, events: Sequence[AuditEvent]) -> None:
    now = time.strftime(_MOMENT, time.gmtime())
    for event in events:
        entry = chained(last, now, actor(), event)
        file.write(canonical_json(entry.as_row()).encode() + b"\n")
        last = (entry.seq, entry.hash)
    file.flush()
    os.fsync(file.fileno())


def _whole_end(file: IO[bytes]) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _TAIL_BYTES)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _last_line(file: IO[bytes], end: int) -> bytes:
    size = _TAIL_BYTES
    while True:
        start = max(0, end - size)
        file.seek(start)
        lines = file.read(end - start).splitlines(keepends=True)
        if len(lines) > 1 or start == 0:
            return lines[-1]
        size *= 2


def _entry(line: bytes) -> AuditEntry | None:
    try:
        said = json.loads(line)
        event = AuditEvent(said["action"], said["subject"], said["details"])
        names = ("seq", "created_at", "actor")
        values = {name: said[name] for name in (*names, "prev_hash", "hash", "tenant")}
    except (ValueError, KeyError, TypeError):
        return None
    return AuditEntry(event=event, **values)


def _unreadable(number: int) -> AuditEntry:
    return AuditEntry(number, "", "", AuditEvent("unreadable", ""), "", "")
