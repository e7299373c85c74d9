"""What is old, and taking it out: ``archive`` keeps it in a file, ``gc`` removes what nothing needs."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cortexia.errors import ConfigurationError, DataInconsistencyError
from cortexia.exporters.jsonl import row_to_dict
from cortexia.files import atomic_file
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import StorageBackend
from cortexia.stores.upkeep import OldRun, Removed, Report, Upkeep, last_part, say_nothing, upkeep_of
from cortexia.types import canonical_json

DAY_S = 86_400.0
_JOBS_A_STEP = 20


# -- archive


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """``runs``: superseded ones, and nothing that is current was made from them. ``path``: where they are kept."""

    runs: tuple[OldRun, ...]
    path: Path | None
    is_applied: bool

    @property
    def rows(self) -> int:
        return sum(run.rows for run in self.runs)


def archive(
    store: StorageBackend, target: Path | None, age_s: float, apply: bool = False, report: Report = say_nothing
) -> ArchiveReport:
    """Superseded runs that gave way more than ``age_s`` seconds ago. With ``apply`` they and their rows are written to
    ``target`` (JSON Lines, gzip: a line for each run, its annotations after it), and then taken out of the store.

    Raises ``ConfigurationError`` for a target that exists or is not named.
    """
    upkeep = upkeep_of(store)
    old = tuple(upkeep.old_runs(age_s))
    if not apply or not old:
        return ArchiveReport(old, target, is_applied=False)
    if target is None:
        raise ConfigurationError("name the file that the runs are to be kept in, e.g. old-runs.jsonl.gz")
    if target.exists():
        raise ConfigurationError(f"{target} exists already; name another file, an archive replaces nothing")
    with atomic_file(target) as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        for number, run in enumerate(old):
            report("runs", number, len(old))
            _write_run(store, run, packed)
    # the file is on the disk by now: taking them out twice is no harm, losing them would be
    for run in old:
        upkeep.remove_runs([run.run_id])
    upkeep.remember(AuditEvent("store.archived", target.name, {"runs": [run.run_id for run in old]}))
    return ArchiveReport(old, target, is_applied=True)


def _write_run(store: StorageBackend, old: OldRun, out: IO[bytes] | gzip.GzipFile) -> None:
    record = store.run(old.run_id)
    if record is None:
        raise DataInconsistencyError(f"run {old.run_id} is gone; run the same command again")
    spec = record.spec
    head = {
        **dataclasses.asdict(old),
        "version": spec.version,
        "options": dict(spec.options),
        "weights_sha256": spec.weights_sha256,
        "range": spec.time_range.key(),
        "run_key": spec.run_key,
        "upstream": list(spec.upstream),
        "provenance": dict(record.provenance),
    }
    out.write(_line({"run": head}))
    for row in store.emitted(old.run_id, 0, None):
        out.write(_line({"annotation": row_to_dict(row)}))


def _line(value: object) -> bytes:
    return canonical_json(value).encode() + b"\n"


# -- gc


@dataclass(frozen=True, slots=True)
class SweepRules:
    """Ages in seconds. ``grace_s``: blobs put later than this ago stay, because a blob is written before the row that
    names it. ``jobs_s``: of ended jobs that left nothing; ``deleted_s``: of videos that were deleted."""

    grace_s: float = DAY_S
    jobs_s: float = 90 * DAY_S
    deleted_s: float = 30 * DAY_S

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            if not getattr(self, item.name) >= 0:
                raise ConfigurationError(f"an age must not be negative, got {getattr(self, item.name)}")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What goes, or went. ``rows``: how many of which table were removed."""

    jobs: int
    videos: tuple[str, ...]
    blobs: int
    blob_bytes: int
    is_applied: bool
    rows: dict[str, int] = dataclasses.field(default_factory=dict)


def sweep(store: StorageBackend, rules: SweepRules, apply: bool = False, report: Report = say_nothing) -> SweepReport:
    """Ended jobs that left nothing, videos deleted long ago, and blobs that no row needs: counted, or with ``apply``
    removed. Superseded runs are not: ``archive`` keeps those."""
    upkeep = upkeep_of(store)
    jobs = upkeep.old_jobs(rules.jobs_s)
    videos = tuple(record.identity.video_id for record in upkeep.deleted_videos(rules.deleted_s))
    if not apply:
        unused = [size for _, size in upkeep.unused_blobs(rules.grace_s)]
        return SweepReport(len(jobs), videos, len(unused), sum(unused), is_applied=False)
    rows: dict[str, int] = {}
    _remove_jobs(upkeep, jobs, rows, report)
    for number, video_id in enumerate(videos):
        report("videos", number, len(videos))
        _add(rows, upkeep.remove_video(video_id))
    swept = upkeep.remove_unused_blobs(rules.grace_s, report)
    _add(rows, swept)
    gone = {name: count for name, count in sorted(rows.items()) if count}
    if gone:
        upkeep.remember(AuditEvent("store.swept", last_part(store.location), {"rows": gone, "videos": list(videos)}))
    return SweepReport(len(jobs), videos, swept.blobs, swept.blob_bytes, is_applied=True, rows=gone)


def _remove_jobs(upkeep: Upkeep, jobs: Sequence[str], rows: dict[str, int], report: Report) -> None:
    for start in range(0, len(jobs), _JOBS_A_STEP):
        report("jobs", start, len(jobs))
        _add(rows, upkeep.remove_jobs(jobs[start : start + _JOBS_A_STEP]))


def _add(rows: dict[str, int], removed: Removed) -> None:
    for name, count in removed.rows.items():
        rows[name] = rows.get(name, 0) + count
