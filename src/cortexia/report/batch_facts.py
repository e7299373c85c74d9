"""What a batch comes to: totals, failures by cause, time per annotator, the slowest videos, throughput over time.

Everything is made from a ``BatchReport``; its times are those of the store, in whole seconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cortexia.batch.outcome import BatchJob, BatchReport
from cortexia.types import JobState

TROUBLED = (JobState.FAILED, JobState.COMPLETED_WITH_ERRORS, JobState.CANCELLED)
_COLUMNS = 200
_MESSAGES = 5


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Jobs that ended alike, or inputs that were refused alike. ``messages``: the most frequent ones, each with the
    videos that it is of."""

    state: str
    reason: str
    count: int
    messages: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class AnnotatorTime:
    """An annotator over all videos of the batch. ``seconds``: at work; ``completed``, ``failed``, ``skipped``: runs."""

    annotator: str
    seconds: float
    rows: int
    completed: int
    failed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """``rates``: seconds of video done in each second, by columns of ``step_s`` seconds from the start on."""

    step_s: float
    rates: tuple[float, ...]

    @property
    def end_s(self) -> float:
        return self.step_s * len(self.rates)


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """``counts``: jobs by state in the order of states; ``video_s``: of the videos that this batch worked on; ``rate``:
    seconds of video for each second of the batch, ``None`` where nothing was worked on."""

    counts: tuple[tuple[str, int], ...]
    video_s: float
    wall_s: float
    rate: float | None
    videos_per_minute: float | None
    rows: int
    stored_already: int
    failures: tuple[FailureGroup, ...]
    annotators: tuple[AnnotatorTime, ...]
    slowest: tuple[BatchJob, ...]
    throughput: Throughput | None


def batch_facts(report: BatchReport) -> BatchFacts:
    counts = Counter(job.status for job in report.jobs)
    worked = [job for job in report.jobs if job.realtime_factor is not None]
    video_s = sum(job.duration_s or 0.0 for job in worked)
    wall_s = max(1.0, report.wall_s)
    return BatchFacts(
        counts=tuple((state.value, counts[state]) for state in JobState if counts[state]),
        video_s=video_s,
        wall_s=report.wall_s,
        rate=video_s / wall_s if worked else None,
        videos_per_minute=60.0 * len(worked) / wall_s if worked else None,
        rows=sum(result.annotation_count for job in report.jobs for result in job.annotator_results.values()),
        stored_already=sum(job.status is JobState.COMPLETED and not job.windows for job in report.jobs),
        failures=(*_failures(report.having(*TROUBLED)), *_refusals(report)),
        annotators=tuple(_annotators(report.jobs)),
        slowest=tuple(sorted(worked, key=lambda job: (job.realtime_factor or 0.0, job.video_path))),
        throughput=_throughput(worked),
    )


def state_of(report: BatchReport) -> str:
    """The worst that became of it: what was cancelled or has not ended is never a success."""
    states = {job.status for job in report.jobs}
    if any(not state.is_final for state in states):
        return "unfinished"
    if JobState.CANCELLED in states:
        return "cancelled"
    if states <= {JobState.COMPLETED} and not report.refused:
        return "completed"
    return "failed" if states == {JobState.FAILED} else "completed with failures"


def name_of(job: BatchJob) -> str:
    return Path(job.video_path).name


def _failures(jobs: Iterable[BatchJob]) -> Iterable[FailureGroup]:
    groups: dict[tuple[str, str], list[BatchJob]] = defaultdict(list)
    for job in jobs:
        groups[job.status.value, job.reason or "unknown"].append(job)
    for (state, reason), members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        messages: dict[str, list[str]] = defaultdict(list)
        for job in members:
            messages[job.error_message or ""].append(name_of(job))
        most = sorted(messages.items(), key=lambda item: (-len(item[1]), item[0]))[:_MESSAGES]
        yield FailureGroup(state, reason, len(members), tuple((text, tuple(names)) for text, names in most))


def _refusals(report: BatchReport) -> Iterable[FailureGroup]:
    """Inputs by reason. Their messages name them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for item in report.refused:
        groups[item.reason].append(item.message)
    for reason, messages in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        yield FailureGroup("refused", reason, len(messages), tuple((text, ()) for text in messages[:_MESSAGES]))


def _annotators(jobs: Iterable[BatchJob]) -> Iterable[AnnotatorTime]:
    """The one that took longest first."""
    seconds: defaultdict[str, float] = defaultdict(float)
    rows: Counter[str] = Counter()
    states: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        for name, result in job.annotator_results.items():
            # what an earlier batch did was not this one's time
            seconds[name] += result.processing_time if job.windows else 0.0
            rows[name] += result.annotation_count
            states[name, result.status] += 1
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        done, failed, skipped = (states[name, state] for state in ("completed", "failed", "skipped"))
        yield AnnotatorTime(name, seconds[name], rows[name], done, failed, skipped)


def _throughput(worked: Sequence[BatchJob]) -> Throughput | None:
    """The video of each job spread evenly over the time that it took."""
    spans = [(_moment(job.started_at), _moment(job.completed_at), job.duration_s or 0.0) for job in worked]
    if not spans:
        return None
    began = min(start for start, _, _ in spans)
    length = max(max(end, start + 1.0) for start, end, _ in spans) - began
    columns = int(min(_COLUMNS, length))
    step = length / columns
    done = [0.0] * columns
    for start, end, video_s in spans:
        left, right = start - began, max(end, start + 1.0) - began
        for column in range(int(left / step), min(columns, int(right / step) + 1)):
            shared = min(right, (column + 1) * step) - max(left, column * step)
            done[column] += video_s * max(0.0, shared) / (right - left)
    return Throughput(step, tuple(amount / step for amount in done))


def _moment(text: str | None) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp() if text else 0.0
