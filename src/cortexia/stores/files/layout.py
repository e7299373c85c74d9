"""Layouts of a folder store, as the format of its ``store.json`` says: what ``cortexia db migrate`` goes between.

Every layout adds to the one before it, and what one does not know it leaves alone: so that going down loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cortexia.errors import StoreError, UnknownNameError
from cortexia.stores.audit import AuditEvent
from cortexia.stores.files import sealed
from cortexia.stores.files.audit_log import AuditLog
from cortexia.stores.files.folder import StoreFolder, held
from cortexia.stores.sql.migrations import Revision

NEWEST = 2
_KNOWN = (
    Revision("1", None, "Videos, windows and jobs as JSON files that say their own SHA-256."),
    Revision("2", "1", "Who changed what and when, videos that were deleted, the audit log."),
)


class FileRevisions:
    """See ``stores.upkeep.Revisions``."""

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self.location = str(folder.path)

    def close(self) -> None:
        """Nothing is held open."""

    def current(self) -> str:
        """Raises ``SchemaError`` for a layout of a newer cortexia, ``StoreError`` where there is no store."""
        if not self._folder.marker.exists():
            raise StoreError(f"there is no store in {self.location}; name another with --store")
        return str(sealed.read(self._folder.marker, NEWEST)["format"])

    def known(self) -> Sequence[Revision]:
        return _KNOWN

    def written_out(self, target: str = "head") -> str:
        """A folder has no statements: what would be written, in words."""
        found, wanted = self.current(), _name_of(target)
        if found == wanted:
            return ""
        return f"{self._folder.marker}: layout {found} becomes {wanted}; nothing else changes"

    def go_to(self, target: str = "head") -> Path | None:
        wanted = _name_of(target)
        if self.current() == wanted:
            return None
        with held(self._folder.path):
            found = self.current()
            if found != wanted:
                write_marker(self._folder, int(wanted))
                remember_migration(self._folder, found, wanted)
        return None


def write_marker(folder: StoreFolder, layout: int = NEWEST) -> None:
    sealed.write(folder.marker, {"kind": "cortexia store", "format": layout})


def remember_migration(folder: StoreFolder, found: str | None, wanted: str) -> None:
    AuditLog(folder.audit).append([AuditEvent("store.migrated", folder.path.name, {"from": found, "to": wanted})])


def _name_of(target: str) -> str:
    if target == "head":
        return str(NEWEST)
    known = [revision.name for revision in _KNOWN]
    if target not in known:
        raise UnknownNameError("revision", target, known)
    return target
