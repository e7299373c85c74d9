"""Reports of batches as files: JSON, Markdown and HTML, in a folder or one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cortexia.batch.outcome import BatchJob, BatchReport
from cortexia.errors import ConfigurationError
from cortexia.files import atomic_write, make_folder
from cortexia.report.batch_facts import batch_facts, state_of
from cortexia.report.batch_markdown import batch_markdown
from cortexia.report.batch_page import batch_page

NAME = "batch"


def batch_json(report: BatchReport) -> bytes:
    """All of it, every job included."""
    facts = batch_facts(report)
    told = {
        "batch_id": report.batch_id,
        "state": state_of(report),
        "interrupted": report.interrupted,
        "counts": dict(facts.counts),
        "wall_s": report.wall_s,
        "video_s": facts.video_s,
        "rate": facts.rate,
        "videos_per_minute": facts.videos_per_minute,
        "rows": facts.rows,
        "stored_already": facts.stored_already,
        "failures": [asdict(group) for group in facts.failures],
        "annotators": [asdict(annotator) for annotator in facts.annotators],
        "throughput": facts.throughput and asdict(facts.throughput),
        "refused": [asdict(item) for item in report.refused],
        "jobs": [_job_to_dict(job) for job in report.jobs],
    }
    return json.dumps(told, indent=2).encode() + b"\n"


def _job_to_dict(job: BatchJob) -> dict[str, Any]:
    return {**asdict(job), "wall_s": job.wall_s, "realtime_factor": job.realtime_factor}


FORMATS: Mapping[str, Callable[[BatchReport], bytes]] = {
    ".json": batch_json,
    ".md": batch_markdown,
    ".html": batch_page,
}


def write_batch_report(report: BatchReport, output: Path) -> tuple[Path, ...]:
    """All formats into the folder ``output``, or the one that its ending names; files are replaced only when whole.

    Raises ``ConfigurationError`` for another ending.
    """
    ending = output.suffix.lower()
    if ending in FORMATS and not output.is_dir():
        atomic_write(output, FORMATS[ending](report))
        return (output,)
    if ending and not output.is_dir():
        raise ConfigurationError(f"{output}: a report is a folder, or a file that ends in {', '.join(FORMATS)}")
    make_folder(output)
    written = tuple(output / f"{NAME}{ending}" for ending in FORMATS)
    for path in written:
        atomic_write(path, FORMATS[path.suffix](report))
    return written
