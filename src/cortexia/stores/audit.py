"""The audit log as a hash chain: each entry holds the hash of the one before it, so that none can be changed or taken
out unseen (Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999: the part without keys)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cortexia.types import LOCAL_TENANT, digest_of

FIRST = "0" * 64
"""What the first entry holds in place of a hash before it."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to be remembered. ``action``: ``job.submitted``, ``store.migrated`` ...; ``subject``: id of what it was
    done to; ``details``: JSON values."""

    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event as it stands in the log. ``seq``: 1, 2, 3 ... without a gap; ``created_at``: by the store's clock."""

    seq: int
    created_at: str
    actor: str
    event: AuditEvent
    prev_hash: str
    hash: str
    tenant: str = LOCAL_TENANT

    def as_row(self) -> dict[str, Any]:
        """As it is kept: the columns of ``audit_log``, the keys of a line of its file."""
        return {
            "seq": self.seq,
            "created_at": self.created_at,
            "actor": self.actor,
            "action": self.event.action,
            "subject": self.event.subject,
            "details": dict(self.event.details),
            "prev_hash": self.prev_hash,
            "hash": self.hash,
            "tenant": self.tenant,
        }

    def expected_hash(self) -> str:
        """SHA-256 (hex) over the canonical JSON of all the rest."""
        event = self.event
        what = [event.action, event.subject, dict(event.details)]
        return digest_of([self.prev_hash, self.seq, self.created_at, self.actor, *what, self.tenant])


def chained(last: tuple[int, str] | None, created_at: str, actor: str, event: AuditEvent) -> AuditEntry:
    """The entry that follows ``last`` (its number and its hash; ``None``: the log is empty)."""
    seq, prev_hash = last or (0, FIRST)
    blank = AuditEntry(seq + 1, created_at, actor, event, prev_hash, "")
    return AuditEntry(seq + 1, created_at, actor, event, prev_hash, blank.expected_hash())


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """``broken_at``: number of the first entry that does not fit, ``None`` for a whole chain. ``head``: hash of the
    last entry that fits; noted elsewhere, it also tells when the end of the log was cut off."""

    entries: int
    head: str
    broken_at: int | None = None
    problem: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def verified(entries: Iterable[AuditEntry], expected_head: str | None = None) -> AuditVerdict:
    """Walk the chain from its beginning. ``expected_head``: a hash noted before, which has to be in it."""
    head, count, is_met = FIRST, 0, expected_head in (None, FIRST)
    for entry in entries:
        problem = _problem(entry, count + 1, head)
        if problem is not None:
            return AuditVerdict(count, head, count + 1, problem)
        head, count = entry.hash, count + 1
        is_met = is_met or head == expected_head
    if not is_met:
        return AuditVerdict(count, head, count + 1, f"no entry has the hash {expected_head}: later ones were taken out")
    return AuditVerdict(count, head)


def _problem(entry: AuditEntry, due: int, head: str) -> str | None:
    if entry.seq != due:
        return f"entry {entry.seq} stands where {due} is due: entries were taken out or put in"
    if entry.prev_hash != head:
        return f"entry {due} does not follow the one before it"
    if entry.hash != entry.expected_hash():
        return f"entry {due} was changed"
    return None
