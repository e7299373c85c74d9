"""What a report is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cortexia import registry
from cortexia.errors import ConfigurationError
from cortexia.preference import preferred
from cortexia.stores.base import JobRecord, RunRecord, StorageBackend, VideoRecord
from cortexia.types import JobState, Query, StoredRow


@dataclass(frozen=True)
class VideoData:
    """One video of a store. ``find`` streams rows in order of time, ``blob`` gives the bytes behind a digest (raises
    ``DataInconsistencyError``). ``defaults``: options of each annotator as they are when nobody sets them; an annotator
    that is not installed is absent. ``job``: the latest job that did not end well, where there is one.
    """

    record: VideoRecord
    runs: tuple[RunRecord, ...]
    find: Callable[[Query], Iterator[StoredRow]]
    blob: Callable[[str], bytes]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    job: JobRecord | None = None

    @property
    def video_id(self) -> str:
        return self.record.identity.video_id

    @property
    def shown_runs(self) -> tuple[RunRecord, ...]:
        """Those that tell nothing twice; by annotator."""
        return preferred(self.runs)

    def rows(self, *types: str) -> Iterator[StoredRow]:
        """Rows of the shown runs, in order of time; of these types, or of all."""
        run_ids = tuple(run.run_id for run in self.shown_runs)
        if not run_ids:
            return iter(())
        return self.find(Query(types=types, video_ids=(self.video_id,), run_ids=run_ids))


def video_data(store: StorageBackend, video_id: str) -> VideoData:
    """The stored video ``video_id``. Raises ``ConfigurationError`` where the store holds no such video."""
    record = store.video(video_id)
    if record is None:
        raise ConfigurationError(f"no video {video_id} in {store.location}; annotate it first, or see: cortexia status")
    runs = tuple(store.runs(video_id))
    jobs = sorted(store.jobs(video_id), key=lambda job: (job.created_at or "", job.job_id))
    ended_badly = bool(jobs) and jobs[-1].status in (JobState.FAILED, JobState.CANCELLED)
    return VideoData(
        record=record,
        runs=runs,
        find=store.find,
        blob=store.blobs.get,
        defaults={name: found for name in {run.spec.annotator for run in runs} if (found := _defaults(name))},
        job=jobs[-1] if ended_badly else None,
    )


def _defaults(annotator: str) -> Mapping[str, Any] | None:
    """Options as they are when nobody sets them; ``None`` for an annotator that is not installed."""
    if annotator not in registry.names("annotators"):
        return None
    try:
        options: Mapping[str, Any] = registry.load("annotators", annotator)().options()
    except (ConfigurationError, TypeError):
        return None
    return options
