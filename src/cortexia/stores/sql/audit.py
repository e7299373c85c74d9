"""Rows of ``audit_log``: appended at the end of a transaction, never inside that of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, insert, literal_column, select

from cortexia.provenance import actor
from cortexia.stores.audit import AuditEntry, AuditEvent, chained
from cortexia.stores.sql.columns import MOMENT
from cortexia.stores.sql.locks import Lock, hold
from cortexia.stores.sql.schema import audit_log

# spelled as a row spells it: the hash is over that
_NOW = select(literal_column("CURRENT_TIMESTAMP", MOMENT))


def append(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Chain ``events`` to the log, as the last thing that a transaction does: others wait for it from here on."""
    if not events:
        return
    hold(connection, Lock.AUDIT)
    last_row = connection.execute(
        select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    ).one_or_none()
    last = None if last_row is None else (last_row.seq, last_row.hash)
    now = str(connection.execute(_NOW).scalar_one())
    for event in events:
        entry = chained(last, now, actor(), event)
        connection.execute(insert(audit_log).values(**entry.as_row()))
        last = (entry.seq, entry.hash)


def entries(connection: Connection, after: int = 0) -> Iterator[AuditEntry]:
    """Entries in order, those after number ``after``."""
    statement = select(audit_log).where(audit_log.c.seq > after).order_by(audit_log.c.seq)
    for row in connection.execute(statement.execution_options(yield_per=500)):
        event = AuditEvent(row.action, row.subject, row.details)
        yield AuditEntry(row.seq, row.created_at, row.actor, event, row.prev_hash, row.hash, row.tenant)


def head(connection: Connection) -> int:
    """Number of the last entry; 0 for an empty log."""
    return int(connection.execute(select(func.coalesce(func.max(audit_log.c.seq), 0))).scalar_one())
