"""What a store offers to those who look after it: to check, to count, to put away.

A protocol beside ``StorageBackend``, so that a store can do without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cortexia.errors import ConfigurationError
from cortexia.stores.audit import AuditEntry, AuditEvent
from cortexia.stores.base import StorageBackend, VideoRecord
from cortexia.stores.blobs import FolderBlobStore

Report = Callable[[str, int, int | None], None]
"""Told what is done, how far it is, and out of how many (``None``: unknown)."""


def say_nothing(what: str, done: int, total: int | None) -> None:
    """A ``Report`` for those who do not look."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row that names another one which is not there."""

    table: str
    key: str
    names: str
    missing: str


@dataclass(frozen=True, slots=True)
class RunTally:
    """A run's own numbers beside what is stored. ``annotation_count`` and ``windows``: what the run says;
    ``window_rows``: what its windows say in sum; ``coverage_us``: where the last window ends."""

    run_id: str
    annotator: str
    status: str
    annotation_count: int
    windows: int
    stored_windows: int
    last_ordinal: int | None
    window_rows: int
    rows: int
    final_until_us: int | None
    coverage_us: int | None


@dataclass(frozen=True, slots=True)
class DamagedWindow:
    """A window whose rows are not those that were committed."""

    run_id: str
    ordinal: int
    problem: str


@dataclass(frozen=True, slots=True)
class BlobRecord:
    sha256: str
    suffix: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says of itself. ``kind``: of store; ``audit_head``: hash of the last entry of its audit log."""

    kind: str
    revision: str
    annotations: int
    made_at: str
    audit_head: str | None
    blobs: tuple[BlobRecord, ...]


@dataclass(frozen=True, slots=True)
class PipelineTime:
    """Completed runs of an annotator, and what they took on average."""

    name: str
    runs: int
    mean_s: float
    mean_annotations: float


@dataclass(frozen=True, slots=True)
class FailedJob:
    job_id: str
    video_path: str
    error_message: str | None


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """``rows``: current annotations by ``annotation_type``; ``runs``: by annotator and status; ``jobs``: by status."""

    videos: int
    deleted_videos: int
    rows: Mapping[str, int]
    runs: Mapping[str, Mapping[str, int]]
    jobs: Mapping[str, int]
    blobs: int
    blob_bytes: int
    store_bytes: int


@dataclass(frozen=True, slots=True)
class OldRun:
    """A superseded run that nothing current was made from."""

    run_id: str
    video_id: str
    annotator: str
    rows: int
    completed_at: str | None


@dataclass(frozen=True, slots=True)
class Removed:
    """What went, by table, and blobs with their bytes."""

    rows: Mapping[str, int] = field(default_factory=dict)
    blobs: int = 0
    blob_bytes: int = 0


class Upkeep(Protocol):
    """Ages are seconds, counted back from the store's own clock."""

    # -- the audit log
    def remember(self, *events: AuditEvent) -> None: ...

    def audit(self, after: int = 0) -> Iterator[AuditEntry]: ...

    # -- soundness
    def integrity(self) -> Iterator[str]:
        """What the database itself finds wrong with its files."""

    def orphans(self) -> Iterator[Orphan]: ...

    def tallies(self, video_id: str) -> Iterator[RunTally]: ...

    def damaged_windows(self, video_id: str) -> Iterator[DamagedWindow]: ...

    def blob_records(self) -> Iterator[BlobRecord]: ...

    def named_blobs(self) -> Iterator[tuple[str, str]]:
        """Digest of each picture that a row needs, and the id of that row."""

    def wrong_states(self) -> Iterator[tuple[str, str, str]]:
        """Videos whose ``processing_status`` is not that of their last job: id, state, the job's state."""

    # -- repairs that lose nothing
    def set_run_count(self, run_id: str, rows: int) -> None: ...

    def set_blob_record(self, record: BlobRecord) -> None: ...

    def set_video_state(self, video_id: str, state: str) -> None: ...

    # -- numbers
    def counts(self) -> StoreCounts: ...

    def rows_by_type(self, video_id: str) -> Mapping[str, int]:
        """Current annotations of a video by ``annotation_type``."""

    def failures(self, within_s: float) -> Sequence[FailedJob]: ...

    def pipeline_times(self) -> Sequence[PipelineTime]: ...

    def videos_with_many(self, annotation_type: str, more_than: int, confidence: float) -> Mapping[str, int]:
        """Videos with more than so many current rows of a type above a confidence: how many, by video id."""

    # -- putting away
    def delete_video(self, video_id: str) -> None:
        """Leave it out of every answer from now on, and cancel its jobs. ``save_video`` brings it back."""

    def restore_video(self, video_id: str) -> None: ...

    def deleted_videos(self, age_s: float | None = None) -> Iterator[VideoRecord]: ...

    def old_runs(self, age_s: float) -> Sequence[OldRun]: ...

    def old_jobs(self, age_s: float) -> Sequence[str]:
        """Ids of jobs that ended so long ago, and that no stored window or annotation names."""

    def remove_runs(self, run_ids: Collection[str]) -> Removed: ...

    def remove_jobs(self, job_ids: Collection[str]) -> Removed: ...

    def remove_video(self, video_id: str) -> Removed: ...

    def unused_blobs(self, grace_s: float) -> Iterator[tuple[str, int]]:
        """Digest and size of files that no row needs and that were last put longer ago than ``grace_s``: a picture is
        written before the row that names it."""

    def remove_unused_blobs(self, grace_s: float, report: Report) -> Removed: ...

    # -- copies
    def snapshot(self, target: Path, report: Report) -> Snapshot:
        """Everything that is committed now, as one sound file at ``target``; others may read and write meanwhile."""


class Kept(Protocol):
    """A store that can be looked after."""

    @property
    def upkeep(self) -> Upkeep: ...


class Place(Protocol):
    """Where a store is made from a snapshot of another of its ``kind``. Nothing may be there yet: making one raises
    ``ConfigurationError`` otherwise."""

    kind: str
    location: str

    @property
    def blobs(self) -> FolderBlobStore: ...

    def part(self) -> Path:
        """A new, empty file to put the snapshot into."""

    def settle(self, part: Path) -> None:
        """Make the store of it."""

    def clear(self) -> None:
        """Take away again what was made."""

    def close(self) -> None: ...


def last_part(location: str) -> str:
    """Name of the file, the folder or the database that ``location`` ends with."""
    return location.partition("?")[0].rstrip("/").rpartition("/")[2]


def upkeep_of(store: StorageBackend) -> Upkeep:
    """Raises ``ConfigurationError`` for a store that has none."""
    upkeep: Upkeep | None = getattr(store, "upkeep", None)
    if upkeep is None:
        raise ConfigurationError(f"{store.location} is a kind of store that 'cortexia db' cannot look after yet")
    return upkeep


class Revisions(Protocol):
    """The revisions of a store's schema, without bringing it to the newest."""

    location: str

    def current(self) -> str | None: ...

    def known(self) -> Sequence[Any]:
        """``Revision(name, down, what)``, the oldest first."""

    def written_out(self, target: str) -> str:
        """The statements that would take it to ``target``."""

    def go_to(self, target: str) -> Path | None:
        """Take it there, up or down; the copy that was made of it before, where there was something to do."""

    def close(self) -> None: ...
