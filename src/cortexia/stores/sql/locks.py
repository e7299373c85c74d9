"""Locks that no row stands for, held until the transaction ends. On SQLite whoever writes is alone anyway."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, func, select


class Lock(IntEnum):
    """Numbers that nobody else in the database should use: four letters each."""

    MIGRATION = 0x636F7274
    """Taken for a change of the schema."""
    AUDIT = 0x61756474
    """Taken to append to the audit log, whose entries follow each other without a gap."""
    BLOBS = 0x626C6F62
    """Shared by commits that name blobs, taken alone to sweep them: what a row is about to name must not go."""


def hold(connection: Connection, lock: Lock, shared: bool = False) -> None:
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        connection.execute(select(take(lock.value)))
