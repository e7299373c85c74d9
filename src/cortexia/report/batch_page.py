"""The report of a batch as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cortexia.batch.outcome import BatchJob, BatchReport
from cortexia.report.axis import Axis, Tick
from cortexia.report.batch_facts import BatchFacts, batch_facts, name_of, state_of
from cortexia.report.curves import HEIGHT, ScaleTick
from cortexia.report.index_page import Bar
from cortexia.report.page import render
from cortexia.report.words import TIMES, count, length, number, value_ticks
from cortexia.types import JobState
from cortexia.wording import clock

JOBS_SHOWN = 1000
_BARS_SHOWN = 20
_BADLY = (JobState.FAILED, JobState.COMPLETED_WITH_ERRORS, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Plot:
    """``path`` and ``area`` on 0 .. 1000 across and 0 .. 100 down; ``ticks``: of the axis, ``scale``: of the values."""

    path: str
    area: str
    scale: list[ScaleTick]
    ticks: list[Tick]


@dataclass(frozen=True, slots=True)
class JobLine:
    name: str
    job_id: str
    state: str
    why: str
    length: str
    took: str
    speed: str
    rows: str
    tries: str


def batch_page(report: BatchReport) -> bytes:
    """UTF-8. Failures first; of very many jobs those that went well are left out at the end."""
    facts = batch_facts(report)
    lines = sorted(map(_line, report.jobs), key=lambda line: line.state not in _BADLY)
    return render(
        "batch.html",
        batch_id=report.batch_id,
        state=state_of(report),
        began=min((job.created_at for job in report.jobs if job.created_at), default=""),
        tiles=_tiles(report, facts),
        shares=[(state, amount, f"{100 * amount / len(report.jobs):.2f}") for state, amount in facts.counts],
        stored_already=facts.stored_already,
        throughput=_throughput(facts),
        annotators=_annotator_bars(facts),
        speeds=_speeds(facts),
        slowest=_slowest_bars(facts),
        slowest_left=max(0, len(facts.slowest) - _BARS_SHOWN),
        failures=facts.failures,
        lines=lines[:JOBS_SHOWN],
        lines_left=max(0, len(lines) - JOBS_SHOWN),
    )


def _tiles(report: BatchReport, facts: BatchFacts) -> list[tuple[str, str]]:
    failed = len(report.having(JobState.FAILED))
    tiles = [
        (count(len(report.jobs)), "video" if len(report.jobs) == 1 else "videos"),
        (count(failed), "failed"),
        *([(count(len(report.refused)), "inputs refused")] if report.refused else []),
        (clock(round(facts.wall_s * 1e6)), "took"),
        (clock(round(facts.video_s * 1e6)), "of video"),
    ]
    if facts.rate is not None and facts.videos_per_minute is not None:
        tiles += [(number(facts.rate) + TIMES, "real time"), (number(facts.videos_per_minute), "videos a minute")]
    return [*tiles, (count(facts.rows), "rows")]


def _throughput(facts: BatchFacts) -> Plot | None:
    if facts.throughput is None:
        return None
    axis = Axis(round(facts.throughput.end_s * 1e6))
    return _steps(facts.throughput.rates, axis.ticks())


def _speeds(facts: BatchFacts) -> Plot | None:
    """Every video by its speed, the slowest first: one that lags behind shows."""
    factors = [job.realtime_factor or 0.0 for job in facts.slowest]
    if len(factors) < 2:
        return None
    last = len(factors)
    step = max(1, round(last / 8))
    ticks = [Tick(round((place - 0.5) / last * 100, 3), str(place)) for place in range(1, last + 1, step)]
    return _steps(factors, ticks)


def _steps(values: Sequence[float], ticks: list[Tick]) -> Plot:
    """Values as steps of equal width, on a scale from 0 on."""
    most = max(values) or 1.0
    high = most * 1.06
    width = 1000.0 / len(values)
    parts: list[str] = []
    for place, value in enumerate(values):
        y = HEIGHT * (1 - value / high)
        parts.append(f"{'L' if parts else 'M'}{place * width:.1f} {y:.1f}H{(place + 1) * width:.1f}")
    path = "".join(parts)
    scale = [ScaleTick(round(HEIGHT * (1 - value / high), 2), number(value)) for value in value_ticks(0.0, most)]
    return Plot(path, f"{path}V{HEIGHT:g}H0z", scale, ticks)


def _annotator_bars(facts: BatchFacts) -> list[Bar]:
    whole = sum(one.seconds for one in facts.annotators)
    most = max((one.seconds for one in facts.annotators), default=0.0)
    return [
        Bar(one.annotator, f"{one.seconds:.1f} s, {_percent(one.seconds, whole, 0)} %", _percent(one.seconds, most))
        for one in facts.annotators
        if most
    ]


def _slowest_bars(facts: BatchFacts) -> list[Bar]:
    shown = facts.slowest[:_BARS_SHOWN]
    most = max((job.realtime_factor or 0.0 for job in shown), default=0.0)
    return [
        Bar(name_of(job), number(job.realtime_factor or 0.0) + TIMES, _percent(job.realtime_factor or 0.0, most))
        for job in shown
    ]


def _percent(part: float, whole: float, decimals: int = 2) -> str:
    return f"{100 * part / whole:.{decimals}f}" if whole else "0"


def _line(job: BatchJob) -> JobLine:
    why = ": ".join(part for part in (job.reason, job.error_message) if part)
    return JobLine(
        name=name_of(job),
        job_id=job.job_id,
        state=job.status.value,
        why=why,
        length=length(round(job.duration_s * 1e6)) if job.duration_s else "",
        took="" if job.wall_s is None else f"{job.wall_s:.0f} s",
        speed="" if job.realtime_factor is None else number(job.realtime_factor) + TIMES,
        rows=count(sum(result.annotation_count for result in job.annotator_results.values())),
        tries=str(job.retry_count) if job.retry_count else "",
    )
