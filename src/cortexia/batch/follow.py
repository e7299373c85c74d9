"""What happens in a batch, as seen from its store: the same events that its own process is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cortexia.batch.submission import submitted_event
from cortexia.stores.base import JobRecord, RunRecord, StorageBackend
from cortexia.types import JobState

Event = Mapping[str, Any]


class Follower:
    """Looks at the jobs of one batch, and tells what is new since the last look."""

    def __init__(self, store: StorageBackend, batch_id: str) -> None:
        self.batch_id = batch_id
        self._store = store
        self._seen: dict[str, tuple[JobState, int]] = {}
        self._durations: dict[str, float | None] = {}

    def look(self) -> Iterator[Event]:
        """Events in order of submission. The first look tells of everything."""
        for job in list(self._store.jobs(batch_id=self.batch_id)):
            before = self._seen.get(job.job_id)
            if before is None:
                yield from self._submitted(job)
            if job.status is JobState.RUNNING:
                if before != (job.status, job.attempt):
                    yield self._event("job_started", job, worker=job.worker)
                yield from self._progress(job)
            elif before is None or before[0] is not job.status:
                yield from self._turned(job, was_running=before is not None and before[0] is JobState.RUNNING)
            self._seen[job.job_id] = (job.status, job.attempt)

    @property
    def is_over(self) -> bool:
        """Whether all its jobs had ended at the last look."""
        return all(state.is_final for state, _ in self._seen.values())

    def _submitted(self, job: JobRecord) -> Iterator[Event]:
        video = self._store.video(job.video_id)
        if video is not None:
            yield submitted_event(job.job_id, video.identity)

    def _turned(self, job: JobRecord, was_running: bool) -> Iterator[Event]:
        """The job ended, or waits again."""
        if job.status.is_final and not job.windows and job.status is JobState.COMPLETED:
            yield self._event("job_settled", job)
        elif job.status.is_final or was_running:
            ending = {"status": job.status.value, "reason": job.reason, "message": job.error_message, "wall_s": None}
            yield self._event("job_finished", job, **ending)

    def _progress(self, job: JobRecord) -> Iterator[Event]:
        duration_s = self._duration_s(job)
        for run in self._store.job_runs(job.job_id):
            yield {
                "event": "progress",
                "video_id": job.video_id,
                "annotator": run.spec.annotator,
                "media_s": _media_s(run, duration_s),
                "duration_s": duration_s,
                "rows": run.annotation_count,
                "status": run.status.value,
                "reason": run.reason,
                "processing_s": run.processing_s,
            }

    def _duration_s(self, job: JobRecord) -> float | None:
        if self._durations.get(job.video_id) is None:
            video = self._store.video(job.video_id)
            self._durations[job.video_id] = video.media.duration_s if video and video.media else None
        return self._durations[job.video_id]

    @staticmethod
    def _event(kind: str, job: JobRecord, **more: Any) -> Event:
        return {"event": kind, "job_id": job.job_id, "video_id": job.video_id, **more}


def _media_s(run: RunRecord, duration_s: float | None) -> float:
    """How far the run is: to the end where it has ended, else to its last commit."""
    if run.status.is_final and duration_s is not None:
        return duration_s
    return (run.final_until_us or 0) / 1e6
