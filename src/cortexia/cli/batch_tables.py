"""Tables of batches and jobs for people, JSON for machines. What is shown comes from files: control signs are written
out."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cortexia.batch.outcome import BatchReport
from cortexia.outcomes import JobStanding
from cortexia.stores.base import BatchRecord, JobRecord, RunRecord
from cortexia.types import JobState
from cortexia.wording import one_line, printable

SHORT_ID = 8
_FAILURES_SHOWN = 20
_LOG_LINES_SHOWN = 20


# -- batches

_BATCH = "{:<8}  {:<19}  {:>5}  {:>5}  {:>6}  {:>7}  {}"


def print_batches(batches: Collection[BatchRecord], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([batch_to_dict(batch) for batch in batches], indent=2))
        return
    if not batches:
        click.echo("no batches yet", err=True)
        return
    head = _BATCH.format("batch", "began (UTC)", "jobs", "ended", "failed", "running", "state")
    click.echo(click.style(head, bold=True))
    for batch in batches:
        failed, running = batch.counts.get(JobState.FAILED, 0), batch.counts.get(JobState.RUNNING, 0)
        ended = batch.total - batch.unfinished
        line = (batch.batch_id[:SHORT_ID], batch.created_at or "", batch.total, ended, failed, running)
        click.echo(_BATCH.format(*line, state_of(batch)))


def state_of(batch: BatchRecord) -> str:
    """One word or two for the whole of it: a batch with a cancelled job is never a success."""
    counts = batch.counts
    if counts.get(JobState.RUNNING):
        return "running"
    if batch.unfinished:
        return "waiting"
    for state in (JobState.CANCELLED, JobState.FAILED, JobState.COMPLETED_WITH_ERRORS):
        if counts.get(state) == batch.total:
            return state.value.replace("_", " ")
    if counts.get(JobState.CANCELLED):
        return "cancelled"
    return "completed" if counts.get(JobState.COMPLETED) == batch.total else "completed with failures"


def batch_to_dict(batch: BatchRecord) -> dict[str, Any]:
    return {**asdict(batch), "total": batch.total, "unfinished": batch.unfinished, "state": state_of(batch)}


def print_batch(batch: BatchRecord, report: BatchReport, as_json: bool) -> None:
    """How far a batch is, its jobs at work and those that failed."""
    if as_json:
        jobs = [
            {
                "job_id": job.job_id,
                "video_path": job.video_path,
                "status": job.status.value,
                "reason": job.reason,
                "message": job.error_message,
            }
            for job in report.jobs
        ]
        refused = [asdict(item) for item in report.refused]
        click.echo(json.dumps({**batch_to_dict(batch), "jobs": jobs, "refused": refused}, indent=2))
        return
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in _in_order(batch.counts))
    click.echo(f"batch {batch.batch_id}: {state_of(batch)}")
    click.echo(f"  {batch.total} {'job' if batch.total == 1 else 'jobs'}: {states}")
    took = f", last end {batch.completed_at}" if batch.completed_at else ""
    click.echo(f"  began {batch.created_at} UTC{took}")
    for job in report.having(JobState.RUNNING):
        done = sum(result.status == "completed" for result in job.annotator_results.values())
        click.echo(f"  running: {_name(job.video_path)}, {done} of {len(job.annotator_results)} annotators done")
    troubled = report.having(JobState.FAILED, JobState.COMPLETED_WITH_ERRORS, JobState.RETRYING)
    for job in troubled[:_FAILURES_SHOWN]:
        why = f" ({job.reason})" if job.reason else ""
        state = job.status.replace("_", " ")
        click.echo(f"  {state}: {_name(job.video_path)}{why}: {one_line(job.error_message)}")
    if len(troubled) > _FAILURES_SHOWN:
        click.echo(f"  and {len(troubled) - _FAILURES_SHOWN} more; see: cortexia jobs list --status failed")
    for item in report.refused[:_FAILURES_SHOWN]:
        click.echo(f"  refused ({item.reason}): {one_line(item.message)}")
    if len(report.refused) > _FAILURES_SHOWN:
        click.echo(f"  and {len(report.refused) - _FAILURES_SHOWN} more inputs; see: cortexia batch report")


def _in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(state.value, counts[state.value]) for state in JobState if counts.get(state.value)]


def _name(path: str) -> str:
    return printable(Path(path).name)


def print_cancelled(jobs: Collection[JobRecord]) -> None:
    running = sum(job.status is JobState.RUNNING for job in jobs)
    ended = len(jobs) - running
    click.echo(f"{ended} {'job' if ended == 1 else 'jobs'} cancelled")
    if running:
        click.echo(f"{running} at work: asked to stop, which takes a few seconds (cortexia batch status --watch)")


# -- jobs

_JOB = "{:<8}  {:<21}  {:>3}  {:<28}  {}"


def print_jobs(jobs: Collection[JobRecord], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([job_to_dict(job) for job in jobs], indent=2))
        return
    if not jobs:
        click.echo("no job matches", err=True)
        return
    click.echo(click.style(_JOB.format("job", "state", "try", "video", "why"), bold=True))
    for job in jobs:
        click.echo(job_line(job))


def job_line(job: JobRecord) -> str:
    why = ": ".join(word for word in (job.reason, one_line(job.error_message, 100)) if word)
    state = "cancelling" if job.status is JobState.RUNNING and job.cancel_requested else job.status.replace("_", " ")
    name = printable(Path(job.video_path).name, 28)
    return _JOB.format(job.job_id[:SHORT_ID], state, job.attempt, name, why).rstrip()


def job_to_dict(job: JobRecord) -> dict[str, Any]:
    return {**asdict(job), "status": job.status.value}


def print_job(standing: JobStanding, as_json: bool) -> None:
    job = standing.job
    if as_json:
        runs = [_run_to_dict(run) for run in standing.runs]
        click.echo(json.dumps({**job_to_dict(job), "runs": runs}, indent=2))
        return
    click.echo(f"job {job.job_id}: {job.status.replace('_', ' ')}" + (f" ({job.reason})" if job.reason else ""))
    facts = [fact for fact in _facts(job) if fact[1]]
    for name, text in facts:
        click.echo(f"  {name + ':':<11} {text}")
    _print_runs(standing)
    if job.log_tail:
        click.echo("  last lines of the worker that died:")
        for line in job.log_tail.splitlines()[-_LOG_LINES_SHOWN:]:
            click.echo(f"    {printable(line)}")


def _facts(job: JobRecord) -> Iterable[tuple[str, str]]:
    yield "video", printable(job.video_path)
    yield "message", one_line(job.error_message)
    yield "batch", job.batch_id or ""
    yield "attempts", str(job.attempt) + (f", given back {job.retry_count} times" if job.retry_count else "")
    yield "failures", ", ".join(f"{cause} {count}" for cause, count in job.failures.items())
    yield "deaths", str(job.deaths or "") + (" in a row that left nothing" if job.deaths else "")
    yield "suspects", ", ".join(f"{printable(name)} {count}" for name, count in job.suspects.items())
    yield "worker", printable(job.worker or "")
    yield "at work", printable(job.session or "")
    yield "cancel", "asked for" if job.cancel_requested and not job.status.is_final else ""
    yield "waits", _until(job.not_before)
    yield "created", job.created_at or ""
    yield "started", job.started_at or ""
    yield "completed", job.completed_at or ""


def _until(moment: float | None) -> str:
    left = moment - time.time() if moment is not None else 0.0
    return f"{left:.0f} s before its next try" if left > 0 else ""


def _print_runs(standing: JobStanding) -> None:
    media = standing.record.media if standing.record else None
    duration_s = media.duration_s if media else None
    width = max((len(run.spec.annotator) for run in standing.runs), default=0)
    for run in standing.runs:
        far = f", {_far(run, duration_s)}" if not run.status.is_final and run.windows else ""
        why = f" ({run.reason}{': ' + one_line(run.message) if run.message else ''})" if run.reason else ""
        rows = f"{run.annotation_count:>7} {'row' if run.annotation_count == 1 else 'rows'}"
        line = f"{run.spec.annotator:<{width}}  {run.status:<10} {rows}, {run.processing_s:.1f} s"
        click.echo(f"  {line}{far}{why}")


def _far(run: RunRecord, duration_s: float | None) -> str:
    until_s = (run.final_until_us or 0) / 1e6
    return f"final until {until_s:.1f}" + (f" of {duration_s:.1f} s" if duration_s else " s")


def _run_to_dict(run: RunRecord) -> dict[str, Any]:
    from cortexia.cli.render import run_to_dict

    return {**run_to_dict(run), "windows": run.windows, "position": run.position}
