"""What a store alone knows of a batch: its standing, its report, and how to call it off. Whose process runs it does not
matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from cortexia.batch.outcome import BatchJob, BatchReport, BatchStatus, RefusedInput, batch_job, seconds_between
from cortexia.batch.stages import last_stages
from cortexia.stores.base import JobRecord, StorageBackend
from cortexia.types import JobState

_REFUSED = "refused"
UNFINISHED = tuple(state for state in JobState if not state.is_final)


def batch_status(store: StorageBackend, batch_id: str) -> BatchStatus:
    """``is_running``: a worker holds one of its jobs."""
    counts = Counter(job.status.value for job in store.jobs(batch_id=batch_id))
    return BatchStatus(batch_id, sum(counts.values()), dict(counts), counts[JobState.RUNNING.value] > 0)


def batch_report(store: StorageBackend, batch_id: str) -> BatchReport:
    """``wall_s``: from the start of its first job to the end of its last, in whole seconds. ``interrupted``: there are
    jobs that have not ended. Of a video that is worked on in stages, the job is the one of its last stage."""
    records = list(store.jobs(batch_id=batch_id))
    began = min((job.started_at for job in records if job.started_at), default=None)
    ended = max((job.completed_at for job in records if job.completed_at), default=None)
    wall_s = seconds_between(began, ended) or 0.0
    jobs = batch_jobs(store, last_stages(records))
    interrupted = any(not job.status.is_final for job in records)
    return BatchReport(batch_id, jobs, wall_s, interrupted, _refused(batch_id, records))


def note_refused(store: StorageBackend, batch_id: str, job_id: str, refused: Iterable[RefusedInput]) -> None:
    """Keep with a job of the batch what was asked for together with it and could not be had."""
    told = [asdict(item) for item in refused]
    if told:
        store.note_job(job_id, _REFUSED, {"batch_id": batch_id, "inputs": told})


def _refused(batch_id: str, jobs: Iterable[JobRecord]) -> tuple[RefusedInput, ...]:
    notes = [job.config[_REFUSED] for job in jobs if _REFUSED in job.config]
    # a job that had not ended goes over to the next batch that asks for it, with its note
    return tuple(RefusedInput(**item) for note in notes if note["batch_id"] == batch_id for item in note["inputs"])


def batch_jobs(store: StorageBackend, jobs: Iterable[JobRecord]) -> tuple[BatchJob, ...]:
    """Jobs with what came of them."""
    return tuple(_batch_job(store, job) for job in jobs)


def _batch_job(store: StorageBackend, job: JobRecord) -> BatchJob:
    video = store.video(job.video_id)
    duration_s = _asked_s(job, video.media.duration_s if video and video.media else None)
    found = {name: output_path(job, name) for name in job.config.get("pipelines", {})}
    written = {name: str(path) for name, path in found.items() if path is not None and path.is_file()}
    return batch_job(job, store.job_runs(job.job_id), written, duration_s)


def _asked_s(job: JobRecord, duration_s: float | None) -> float | None:
    """Seconds of the part that was asked for."""
    start_s, end_s = job.config.get("start_s") or 0.0, job.config.get("end_s")
    known = [end for end in (end_s, duration_s) if end is not None]
    return max(0.0, min(known) - start_s) if known else None


def output_path(job: JobRecord, pipeline: str) -> Path | None:
    """Where the annotations of a pipeline are written, if anywhere. The name carries the video's id, because files of
    several folders may share theirs."""
    folder = job.config.get("output_dir")
    if not folder:
        return None
    return Path(folder) / f"{Path(job.video_path).stem}-{job.video_id[:8]}.{pipeline}.jsonl"


def cancel_batch(store: StorageBackend, batch_id: str) -> tuple[JobRecord, ...]:
    """Jobs that wait end as cancelled, those at work are asked to and do so at their next heartbeat. Returns those
    that had not ended, as they are now; also jobs that are added while this goes on."""
    asked: dict[str, JobRecord] = {}
    while left := [job for job in store.jobs(batch_id=batch_id, statuses=UNFINISHED) if job.job_id not in asked]:
        asked |= {job.job_id: store.cancel_job(job.job_id) for job in left}
    return tuple(asked.values())


class Gathering:
    """The jobs of a batch while videos are still added to it, which may take an hour: somebody may call the batch off
    meanwhile, and no store knows of videos to come."""

    def __init__(self, store: StorageBackend) -> None:
        self._store = store
        self._waiting: list[str] = []

    def admit(self, job_id: str) -> bool:
        """Whether the batch takes this new job. Where all that came before were cancelled, this one is too."""
        job = self._store.job(job_id)
        if job is None or job.status.is_final:
            return True
        if self._waiting and all(map(self._is_cancelled, reversed(self._waiting))):
            self._store.cancel_job(job_id)
            return False
        self._waiting.append(job_id)
        return True

    def begin_anew(self) -> None:
        """What was added so far has been worked off."""
        self._waiting.clear()

    def _is_cancelled(self, job_id: str) -> bool:
        job = self._store.job(job_id)
        return job is not None and (job.cancel_requested or job.status is JobState.CANCELLED)
