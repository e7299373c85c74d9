"""The report of a batch as Markdown, for pull requests and chats. Text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cortexia.batch.outcome import BatchJob, BatchReport
from cortexia.report.batch_facts import BatchFacts, FailureGroup, batch_facts, name_of, state_of
from cortexia.report.words import DASH, TIMES, length, number, plural, short, visible

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&!@:])")
_SHOWN = 20


def batch_markdown(report: BatchReport) -> bytes:
    """UTF-8. Every job is in the JSON report."""
    facts = batch_facts(report)
    return "\n".join(_lines(report, facts)).encode()


def text(value: str, most: int = 300) -> str:
    """``value`` on one line, with everything that Markdown or HTML would act on written out."""
    return _SIGNS.sub(r"\\\1", visible(short(" ".join(value.split()), most)))


def _lines(report: BatchReport, facts: BatchFacts) -> Iterator[str]:
    yield f"# Batch {text(report.batch_id)}: {state_of(report)}"
    yield ""
    yield from _table(("", ""), _summary(report, facts), "lr")
    yield ""
    if facts.failures:
        yield "## What did not end well"
        yield ""
        for group in facts.failures:
            yield from _failure(group)
        yield ""
    if facts.annotators:
        yield "## Time per annotator"
        yield ""
        rows = [
            (text(one.annotator), f"{one.seconds:.1f} s", str(one.rows), str(one.completed), str(one.failed))
            for one in facts.annotators
        ]
        yield from _table(("annotator", "time", "rows", "completed", "failed"), rows, "lrrrr")
        yield ""
    if facts.slowest:
        yield "## Slowest videos"
        yield ""
        slow = [_slow(job) for job in facts.slowest[:_SHOWN]]
        yield from _table(("video", "length", "took", "speed"), slow, "lrrr")
        yield ""


def _summary(report: BatchReport, facts: BatchFacts) -> Iterator[tuple[str, str]]:
    yield "videos", str(len(report.jobs))
    for state, amount in facts.counts:
        yield state.replace("_", " "), str(amount)
    if report.refused:
        yield "inputs refused", str(len(report.refused))
    if facts.stored_already:
        yield "of these stored already", str(facts.stored_already)
    yield "took", length(round(facts.wall_s * 1e6))
    yield "video", length(round(facts.video_s * 1e6))
    if facts.rate is not None and facts.videos_per_minute is not None:
        yield "speed", f"{number(facts.rate)}{TIMES} real time, {number(facts.videos_per_minute)} videos a minute"
    yield "rows", str(facts.rows)


def _failure(group: FailureGroup) -> Iterator[str]:
    what = "input" if group.state == "refused" else "video"
    yield f"- **{group.state.replace('_', ' ')}: {text(group.reason)}** ({plural(group.count, what)})"
    for message, names in group.messages:
        shown = ", ".join(text(name, 80) for name in names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        yield f"  - {text(message) or DASH}" + (f" ({shown})" if shown else "")


def _slow(job: BatchJob) -> tuple[str, ...]:
    factor, wall_s = job.realtime_factor or 0.0, job.wall_s or 0.0
    return text(name_of(job), 80), length(round((job.duration_s or 0) * 1e6)), f"{wall_s:.0f} s", number(factor) + TIMES


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("---:" if side == "r" else "---" for side in sides) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
