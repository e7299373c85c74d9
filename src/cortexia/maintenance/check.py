"""Is what a store holds sound and whole? What is found is told, and mended only where nothing can be lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cortexia.errors import CortexiaError, DataInconsistencyError, ResourceError
from cortexia.maintenance.checksum import VideoChecksum, video_checksum
from cortexia.maintenance.completeness import issues_of
from cortexia.stores.audit import AuditEvent, verified
from cortexia.stores.base import BlobStore, StorageBackend
from cortexia.stores.upkeep import BlobRecord, Report, RunTally, Upkeep, last_part, say_nothing, upkeep_of
from cortexia.types import RunStatus

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """``kind``: ``integrity``, ``orphan``, ``count``, ``window``, ``coverage``, ``captions``, ``blob_missing``,
    ``blob_damaged``, ``blob_record``, ``state`` or ``audit``. ``mend``: what sets it right without losing anything."""

    kind: str
    subject: str
    message: str
    mend: Callable[[], None] | None = None
    is_mended: bool = False

    @property
    def is_mendable(self) -> bool:
        return self.mend is not None


@dataclass(frozen=True, slots=True)
class CheckReport:
    location: str
    videos: int
    problems: tuple[Problem, ...]
    checksums: tuple[VideoChecksum, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Nothing was found, or all of it was mended."""
        return all(problem.is_mended for problem in self.problems)


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """``quick``: leaves out what reads every row and every blob. ``checksums``: one for each video, to compare."""

    repair: bool = False
    quick: bool = False
    checksums: bool = False


def check(store: StorageBackend, options: CheckOptions, report: Report = say_nothing) -> CheckReport:
    """Everything that can be said about the soundness of ``store``."""
    upkeep = upkeep_of(store)
    video_ids = [record.identity.video_id for record in store.videos()]
    video_ids += [record.identity.video_id for record in upkeep.deleted_videos()]
    problems = []
    for problem in _problems(store, upkeep, video_ids, options, report):
        if options.repair and problem.mend is not None:
            problem.mend()
            problem = replace(problem, is_mended=True)
        problems.append(problem)
    mended = [problem for problem in problems if problem.is_mended]
    if mended:
        kinds = sorted({problem.kind for problem in mended})
        upkeep.remember(AuditEvent("store.repaired", last_part(store.location), {"count": len(mended), "kinds": kinds}))
    checksums = tuple(video_checksum(store, video_id) for video_id in video_ids) if options.checksums else ()
    return CheckReport(store.location, len(video_ids), tuple(problems), checksums)


def _problems(
    store: StorageBackend, upkeep: Upkeep, video_ids: list[str], options: CheckOptions, report: Report
) -> Iterator[Problem]:
    report("database", 0, None)
    yield from (Problem("integrity", store.location, line) for line in upkeep.integrity())
    for orphan in upkeep.orphans():
        yield Problem(
            "orphan", f"{orphan.table}/{orphan.key}", f"names {orphan.names}/{orphan.missing}, which is missing"
        )
    verdict = verified(upkeep.audit())
    if not verdict.is_whole:
        yield Problem("audit", f"entry {verdict.broken_at}", str(verdict.problem))
    for video_id, state, job_state in upkeep.wrong_states():
        message = f"is {state} where its job is {job_state}"
        yield Problem("state", video_id, message, partial(upkeep.set_video_state, video_id, job_state))
    for number, video_id in enumerate(video_ids):
        report("videos", number, len(video_ids))
        yield from _of_video(store, upkeep, video_id, options.quick)
    yield from _of_blobs(store.blobs, upkeep, options.quick, report)


# -- videos


def _of_video(store: StorageBackend, upkeep: Upkeep, video_id: str, is_quick: bool) -> Iterator[Problem]:
    damaged = set()
    for window in () if is_quick else upkeep.damaged_windows(video_id):
        damaged.add(window.run_id)
        yield Problem("window", f"{window.run_id}/{window.ordinal}", f"{window.problem}: restore a backup")
    for tally in upkeep.tallies(video_id):
        yield from _of_run(upkeep, tally, is_sound=tally.run_id not in damaged and not is_quick)
    try:
        yield from (Problem(kind, video_id, message) for kind, message in issues_of(store, video_id))
    except CortexiaError as error:
        yield Problem("window", video_id, f"its rows cannot be read ({error}): restore a backup")


def _of_run(upkeep: Upkeep, tally: RunTally, is_sound: bool) -> Iterator[Problem]:
    """``is_sound``: the rows are those that were committed, so that the windows may be believed."""
    if tally.rows != tally.window_rows:
        yield Problem("count", tally.run_id, f"has {tally.rows} rows where its windows say {tally.window_rows}")
    elif tally.annotation_count != tally.rows:
        message = f"says {tally.annotation_count} rows and has {tally.rows}"
        mend = partial(upkeep.set_run_count, tally.run_id, tally.rows) if is_sound else None
        yield Problem("count", tally.run_id, message, mend)
    last_due = None if not tally.windows else tally.windows - 1
    if (tally.stored_windows, tally.last_ordinal) != (tally.windows, last_due):
        yield Problem(
            "coverage",
            tally.run_id,
            f"has {tally.stored_windows} windows up to {tally.last_ordinal} where {tally.windows} were committed",
        )
    is_done = tally.status in (RunStatus.COMPLETED, RunStatus.SUPERSEDED)
    if is_done and tally.windows and (tally.final_until_us or 0) < (tally.coverage_us or 0):
        yield Problem("coverage", tally.run_id, "ends before its last window does")


# -- blobs


def _of_blobs(blobs: BlobStore, upkeep: Upkeep, is_quick: bool, report: Report) -> Iterator[Problem]:
    records = {record.sha256: record for record in upkeep.blob_records()}
    for number, record in enumerate(records.values()):
        if number % 100 == 0:
            report("blobs", number, len(records))
        yield from _of_blob(blobs, upkeep, record, is_quick)
    told: set[str] = set()
    for digest, annotation_id in upkeep.named_blobs():
        if digest not in records and digest not in told:
            told.add(digest)
            yield _unrecorded(blobs, upkeep, digest, annotation_id)


def _of_blob(blobs: BlobStore, upkeep: Upkeep, record: BlobRecord, is_quick: bool) -> Iterator[Problem]:
    path = _path(blobs, record.sha256)
    if path is None:
        yield Problem("blob_missing", record.sha256, "is not among the blobs: restore it from a backup")
    elif not is_quick and _digest(path) != record.sha256:
        yield Problem("blob_damaged", record.sha256, f"{path} holds other bytes: restore it from a backup")
    elif (found := _record(path, record.sha256)) != record:
        message = f"is recorded with {record.size_bytes} bytes and has {found.size_bytes}"
        yield Problem(
            "blob_record", record.sha256, message, None if is_quick else partial(upkeep.set_blob_record, found)
        )


def _unrecorded(blobs: BlobStore, upkeep: Upkeep, digest: str, annotation_id: str) -> Problem:
    path = _path(blobs, digest)
    if path is None or _digest(path) != digest:
        return Problem("blob_missing", digest, f"is needed by {annotation_id}, and is not there: restore a backup")
    record = _record(path, digest)
    return Problem("blob_record", digest, "is there, and not recorded", partial(upkeep.set_blob_record, record))


def _path(blobs: BlobStore, digest: str) -> Path | None:
    try:
        return blobs.path(digest)
    except DataInconsistencyError:
        return None


def _record(path: Path, digest: str) -> BlobRecord:
    return BlobRecord(digest, path.suffix, path.stat().st_size)


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty for one that cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ResourceError(f"cannot read {path}: {error.strerror}; check the disk") from error
    return digest.hexdigest()
