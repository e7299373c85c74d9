"""What a batch tells: its jobs and what each pipeline made of them, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cortexia.stores.base import JobRecord, RunRecord
from cortexia.types import JobState, RunStatus

JobStatus = JobState
_DONE = (JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS)
_WORST_FIRST = (RunStatus.FAILED, RunStatus.RUNNING, RunStatus.PENDING, RunStatus.SKIPPED, RunStatus.COMPLETED)


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What a pipeline, or an annotator asked for by name, made of a video. ``status``: that of its worst run.

    ``start_time``, ``end_time``: when the first of its runs began and the last one ended, as the store wrote it.
    ``processing_time``: seconds in its annotators. ``output_file``: where its annotations were written, if anywhere.
    """

    pipeline_name: str
    status: str
    start_time: str | None = None
    end_time: str | None = None
    processing_time: float = 0.0
    annotation_count: int = 0
    output_file: str | None = None
    error_message: str | None = None
    quarantined_count: int = 0


@dataclass(frozen=True, slots=True)
class BatchJob:
    """One video of a batch. ``reason``: a code, where it did not end well. ``duration_s``: of the part of the video
    that was asked for, as far as it is known. ``windows``: commits of this job: none where all was stored already.
    ``annotator_results``: as ``pipeline_results``, by annotator."""

    job_id: str
    video_path: str
    output_dir: str | None
    config: Mapping[str, Any]
    status: JobStatus
    pipeline_results: dict[str, PipelineResult] = field(default_factory=dict)
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    retry_count: int = 0
    error_message: str | None = None
    reason: str | None = None
    video_id: str = ""
    duration_s: float | None = None
    windows: int = 0
    annotator_results: dict[str, PipelineResult] = field(default_factory=dict)

    @property
    def wall_s(self) -> float | None:
        """From its first start to its end, in the whole seconds of a store; ``None`` where it has not ended, or nothing
        was left to do."""
        return seconds_between(self.started_at, self.completed_at) if self.windows else None

    @property
    def realtime_factor(self) -> float | None:
        """Seconds of video for each second of work. A second is the least that a store tells apart, so that a job that
        took less counts as one second."""
        if self.wall_s is None or not self.duration_s or self.status not in _DONE:
            return None
        return self.duration_s / max(1.0, self.wall_s)


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """``counts``: jobs by state, those with any. ``is_running``: workers are at it."""

    batch_id: str
    total: int
    counts: Mapping[str, int]
    is_running: bool

    @property
    def ended(self) -> int:
        return sum(count for state, count in self.counts.items() if JobState(state).is_final)


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """Something asked for that could not be had, and has no job. ``reason``: a code; ``message`` names the input."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What came of a batch. ``interrupted``: it was stopped, and can be gone on with."""

    batch_id: str
    jobs: tuple[BatchJob, ...]
    wall_s: float
    interrupted: bool
    refused: tuple[RefusedInput, ...] = ()

    def having(self, *states: JobStatus) -> tuple[BatchJob, ...]:
        """Its jobs in one of these states."""
        return tuple(job for job in self.jobs if job.status in states)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        counts = Counter(job.status.value for job in self.jobs)
        return {**asdict(self), "counts": dict(counts)}


def pipeline_result(name: str, runs: Sequence[RunRecord], output_file: str | None) -> PipelineResult:
    """``runs``: those of the pipeline's annotators."""
    present = {run.status for run in runs}
    status = next((status for status in _WORST_FIRST if status in present), RunStatus.PENDING)
    troubles = [run for run in runs if run.status in (RunStatus.FAILED, RunStatus.SKIPPED)]
    return PipelineResult(
        pipeline_name=name,
        status=status.value,
        start_time=min((run.started_at for run in runs if run.started_at), default=None),
        end_time=max((run.completed_at for run in runs if run.completed_at), default=None),
        processing_time=sum(run.processing_s for run in runs),
        annotation_count=sum(run.annotation_count for run in runs),
        quarantined_count=sum(run.quarantined_count for run in runs),
        output_file=output_file,
        error_message="; ".join(f"{run.spec.annotator}: {run.message or run.reason}" for run in troubles) or None,
    )


def batch_job(
    job: JobRecord, runs: Sequence[RunRecord], output_files: Mapping[str, str], duration_s: float | None = None
) -> BatchJob:
    """``output_files``: by pipeline. ``duration_s``: of the video."""
    pipelines: Mapping[str, Sequence[str]] = job.config.get("pipelines", {})
    results = {
        name: pipeline_result(name, [run for run in runs if run.spec.annotator in members], output_files.get(name))
        for name, members in pipelines.items()
    }
    return BatchJob(
        job_id=job.job_id,
        video_path=job.video_path,
        output_dir=job.config.get("output_dir"),
        config=job.config,
        status=job.status,
        pipeline_results=results,
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
        retry_count=job.retry_count,
        error_message=job.error_message,
        reason=job.reason,
        video_id=job.video_id,
        duration_s=duration_s,
        windows=job.windows,
        annotator_results={run.spec.annotator: pipeline_result(run.spec.annotator, [run], None) for run in runs},
    )


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Of two times as stores write them: UTC, whole seconds."""
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
