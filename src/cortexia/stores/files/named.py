"""The named JSON files, for people and scripts: written from the index when a job ends, and never read.

Writing them again gives the same bytes. ``job_metadata.json`` is written last: where it says what it should, the others
do so, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, func, select, update

from cortexia import documents
from cortexia.files import atomic_file, atomic_write, safe_join, translate_os_error
from cortexia.stores.base import JobRecord, RunRecord
from cortexia.stores.files.folder import StoreFolder
from cortexia.stores.files.index import indexed_videos
from cortexia.stores.sql import annotations as stored
from cortexia.stores.sql import jobs as job_rows
from cortexia.stores.sql import quarantine, runs, schema, videos
from cortexia.types import JobState, Query, canonical_json, digest_of

QUARANTINED = "quarantined_annotations.json"
_JOB = ("job_id", "status", "reason", "error_message", "batch_id", "priority", "attempt", "retry_count")
_TIMES = ("created_at", "started_at", "completed_at")
_WAITING_OR_RUNNING = tuple(state.value for state in JobState if not state.is_final)


def write(connection: Connection, folder: StoreFolder, video_id: str) -> str:
    """Write the named files of a video; returns what ``written`` is to say. Those of annotations stay as they are where
    they were written from the same rows before, and all of a video that was deleted."""
    video = next(videos.find(connection, video_id), None)
    if video is None:
        return ""
    own = (schema.runs.c.video_id == video_id, schema.runs.c.superseded_by.is_(None))
    here = list(runs.find(connection, *own))
    jobs = job_rows.find(connection, schema.jobs.c.video_id == video_id)
    metadata = documents.metadata_of(video, here) | {"jobs": [_job_to_dict(job) for job in jobs]}
    last = canonical_json(metadata).encode() + b"\n"
    base = folder.video(video_id).path
    state = _state(video.identity.uri, here)
    target = base / f"{documents.METADATA}.json"
    with translate_os_error(target):
        if target.is_file() and target.read_bytes() == last:
            return state
    known = select(indexed_videos.c.written).where(indexed_videos.c.video_id == video_id)
    if connection.execute(known).scalar_one_or_none() != state:
        query = Query(video_ids=(video_id,), run_ids=tuple(run.run_id for run in here))
        rows = stored.find(connection, query) if here else iter(())
        documents.write_annotations(video, here, rows, lambda name: atomic_file(safe_join(base, f"{name}.json")))
    _write_quarantined(connection, base / QUARANTINED, here)
    atomic_write(target, last)
    return state


def _write_quarantined(connection: Connection, path: Path, here: list[RunRecord]) -> None:
    """What failed the quality gates, one a line; no file where nothing did."""
    if not any(run.quarantined_count for run in here):
        with translate_os_error(path):
            path.unlink(missing_ok=True)
        return
    with atomic_file(path) as out:
        counts = {run.spec.annotator: run.quarantined_count for run in here if run.quarantined_count}
        out.write(canonical_json({"quarantined": counts}).removesuffix("}").encode() + b',"annotations":[')
        separator = b"\n"
        for run in here:
            for item in quarantine.find(connection, run.run_id):
                told = {"annotator": run.spec.annotator, "run_id": run.run_id, **quarantine.to_dict(item)}
                out.write(separator + canonical_json(told).encode())
                separator = b",\n"
        out.write(b"\n]}\n")


def done(connection: Connection, video_id: str, state: str) -> None:
    """Remember that the named files of a video were written."""
    own = indexed_videos.c.video_id == video_id
    connection.execute(update(indexed_videos).where(own).values(is_due=False, written=state))


def due(connection: Connection) -> list[str]:
    """Videos whose named files are older than the end of their jobs."""
    statement = select(indexed_videos.c.video_id).where(indexed_videos.c.is_due).order_by(indexed_videos.c.video_id)
    return list(connection.execute(statement).scalars())


def write_summary(connection: Connection, path: Path) -> None:
    """``batch_summary.json``: every job of the store, as soon as none of them waits or runs; else nothing."""
    counted = select(schema.jobs.c.status, func.count().label("jobs")).group_by(schema.jobs.c.status)
    statuses = {row.status: row.jobs for row in connection.execute(counted)}
    if not statuses or any(status in statuses for status in _WAITING_OR_RUNNING):
        return
    with atomic_file(path) as out:
        head = {"jobs_by_status": statuses, "job_count": sum(statuses.values())}
        out.write(canonical_json(head).removesuffix("}").encode() + b',"jobs":[')
        _write_jobs(connection, out)
        out.write(b"\n]}\n")


def _write_jobs(connection: Connection, out: IO[bytes]) -> None:
    separator = b"\n"
    for job, own in _jobs_with_runs(connection):
        told = _job_to_dict(job) | {"video_id": job.video_id, "uri": job.video_path, "runs": own}
        out.write(separator + canonical_json(told).encode())
        separator = b",\n"


def _jobs_with_runs(connection: Connection) -> Iterator[tuple[JobRecord, list[dict[str, Any]]]]:
    """Jobs in order of submission, each with its runs."""
    columns = (schema.runs.c.annotator, schema.runs.c.status, schema.runs.c.annotation_count, schema.job_runs.c.job_id)
    joined = schema.job_runs.join(schema.runs, schema.runs.c.run_id == schema.job_runs.c.run_id)
    joined = joined.join(schema.jobs, schema.jobs.c.job_id == schema.job_runs.c.job_id)
    ordered = select(*columns).select_from(joined).order_by(schema.jobs.c.seq, schema.job_runs.c.ordinal)
    stream = iter(connection.execution_options(yield_per=500).execute(ordered))
    row = next(stream, None)
    for job in job_rows.find(connection):
        own = []
        while row is not None and row.job_id == job.job_id:
            own.append({"annotator": row.annotator, "status": row.status, "annotations": row.annotation_count})
            row = next(stream, None)
        yield job, own


def _job_to_dict(job: JobRecord) -> dict[str, Any]:
    values = asdict(job)
    return {name: values[name] for name in (*_JOB, *_TIMES)}


def _state(uri: str, here: list[RunRecord]) -> str:
    """A digest over what decides about the rows of a video."""
    columns = [
        [run.run_id, run.status, run.reason, run.message, run.annotation_count, run.windows, run.quarantined_count]
        for run in here
    ]
    return digest_of([uri, columns])
