"""Everything that is done to a store as a whole, in one place for the faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortexia import registry
from cortexia.errors import ConfigurationError
from cortexia.maintenance.backup import BackupReport, backup
from cortexia.maintenance.check import CheckOptions, CheckReport, check
from cortexia.maintenance.move import MoveReport, move
from cortexia.maintenance.restore import RestoreReport, restore
from cortexia.maintenance.retention import ArchiveReport, SweepReport, SweepRules, archive, sweep
from cortexia.maintenance.statistics import Many, StoreStatistics, statistics
from cortexia.stores import store_kind
from cortexia.stores.audit import AuditEntry, AuditVerdict, verified
from cortexia.stores.base import StorageBackend
from cortexia.stores.upkeep import Report, Revisions, Upkeep, say_nothing, upkeep_of


@dataclass(frozen=True, slots=True)
class Migration:
    """``statements``: what would be run, or was. ``copy``: the copy made before."""

    found: str | None
    target: str
    statements: str = ""
    copy: Path | None = None
    is_applied: bool = False


class StoreKeeper:
    """``opened`` gives the store, which it brings to the newest revision; what must not do that does not call it."""

    def __init__(self, location: str, opened: Callable[[], StorageBackend]) -> None:
        self.location = location
        self._opened = opened

    # -- revisions

    def revisions(self) -> Revisions:
        """Raises ``ConfigurationError`` for a kind of store that has none."""
        kind = store_kind(self.location)
        backend = registry.load("stores", kind) if kind in registry.names("stores") else None
        made = getattr(backend, "revisions", None)
        if made is None:
            raise ConfigurationError(f"{self.location} is a store of kind {kind!r}, which has no revisions")
        revisions: Revisions = made(self.location)
        return revisions

    def history(self) -> tuple[str | None, Sequence[Any]]:
        """The revision that the store has, and all that are known, the oldest first."""
        with closing(self.revisions()) as revisions:
            return revisions.current(), revisions.known()

    def migrate(self, target: str = "head", dry_run: bool = False) -> Migration:
        """Bring the store to ``target``, up or down. Raises ``UnknownNameError`` for a revision that is not known."""
        with closing(self.revisions()) as revisions:
            found = revisions.current()
            statements = revisions.written_out(target)
            copy = None if dry_run else revisions.go_to(target)
            now = target if dry_run else revisions.current()
            return Migration(found, str(now), statements, copy, is_applied=not dry_run and now != found)

    # -- the store as it is

    @property
    def _upkeep(self) -> Upkeep:
        return upkeep_of(self._opened())

    def check(self, options: CheckOptions, report: Report = say_nothing) -> CheckReport:
        return check(self._opened(), options, report)

    def statistics(self, many: Many) -> StoreStatistics:
        return statistics(self._opened(), many)

    def audit(self, after: int = 0) -> Iterator[AuditEntry]:
        return self._upkeep.audit(after)

    def verify_audit(self, expected_head: str | None = None) -> AuditVerdict:
        return verified(self._upkeep.audit(), expected_head)

    # -- copies

    def backup(self, target: Path, with_blobs: bool = True, report: Report = say_nothing) -> BackupReport:
        return backup(self._opened(), target, with_blobs, report)

    def restore(self, source: Path, verify: bool = False, report: Report = say_nothing) -> RestoreReport:
        """Into this location, which has to be empty."""
        return restore(source, self.location, verify, report)

    def move(
        self, target: Callable[[], StorageBackend], delete_source: bool = False, report: Report = say_nothing
    ) -> MoveReport:
        return move(self._opened(), target(), delete_source, report)

    # -- putting away

    def archive(
        self, target: Path | None, age_s: float, apply: bool = False, report: Report = say_nothing
    ) -> ArchiveReport:
        return archive(self._opened(), target, age_s, apply, report)

    def sweep(self, rules: SweepRules, apply: bool = False, report: Report = say_nothing) -> SweepReport:
        return sweep(self._opened(), rules, apply, report)

    def delete(self, video_ids: Sequence[str]) -> None:
        """Leave videos out of every answer from now on; ``sweep`` removes them for good later."""
        for video_id in video_ids:
            self._upkeep.delete_video(video_id)

    def restore_videos(self, words: Sequence[str]) -> tuple[str, ...]:
        """Bring deleted videos back, named by id, the beginning of one, or file name; their ids."""
        deleted = [record.identity for record in self._upkeep.deleted_videos()]
        found = []
        for word in words:
            fitting = [
                one for one in deleted if one.filename == word or (len(word) >= 4 and one.video_id.startswith(word))
            ]
            if not fitting:
                known = ", ".join(one.filename for one in deleted) or "none"
                raise ConfigurationError(f"no deleted video is named {word!r} (deleted: {known})")
            found += [one.video_id for one in fitting]
        for video_id in found:
            self._upkeep.restore_video(video_id)
        return tuple(found)
