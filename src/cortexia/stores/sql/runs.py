"""Rows of ``runs`` and ``pipelines``: registration, progress, and which run is current."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.base import RunRecord, RunWindow
from cortexia.stores.lifecycle import starts_afresh
from cortexia.stores.sql.schema import annotation_rows, job_runs, pipelines, runs, videos, windows
from cortexia.types import RunSpec, RunStatus, TimeRange

NOT_CURRENT = (RunStatus.FAILED.value, RunStatus.SUPERSEDED.value)
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def of_kept_videos() -> ColumnElement[bool]:
    """Runs of videos that were not deleted: these are few, and asked for once in a statement."""
    deleted = select(videos.c.video_id).where(videos.c.deleted_at.is_not(None))
    return runs.c.video_id.not_in(deleted)


def register(connection: Connection, spec: RunSpec, provenance: Mapping[str, Any]) -> None:
    """Make ``spec`` known. Known runs keep what they have, but failed ones, and those skipped because another failed,
    start afresh; a superseded one is wanted again, and becomes current."""
    known = select(runs.c.status, runs.c.reason).where(runs.c.run_id == spec.run_id)
    # locked: two that start it afresh at once must not delete what a worker has written since
    row = connection.execute(known.with_for_update(key_share=True)).one_or_none()
    if row is None:
        _insert(connection, spec, provenance)
    elif starts_afresh(RunStatus(row.status), row.reason):
        _start_afresh(connection, spec.run_id, provenance)
    elif row.status == RunStatus.SUPERSEDED:
        _update(connection, spec.run_id, status=RunStatus.COMPLETED.value, superseded_by=None)
        supersede_others(connection, spec.run_id)


def _insert(connection: Connection, spec: RunSpec, provenance: Mapping[str, Any]) -> None:
    values = {
        "run_id": spec.run_id,
        "run_key": spec.run_key,
        "tenant": spec.tenant,
        "video_id": spec.video_id,
        "annotator": spec.annotator,
        "version": spec.version,
        "pipeline_id": _pipeline(connection, spec),
        "options": dict(spec.options),
        "options_digest": spec.options_digest,
        "weights_sha256": spec.weights_sha256,
        "range_key": spec.time_range.key(),
        "range_start_s": spec.time_range.start_s,
        "range_end_s": spec.time_range.end_s,
        "upstream": list(spec.upstream),
        "status": RunStatus.PENDING.value,
        "provenance": dict(provenance),
    }
    connection.execute(insert(runs).values(**values))


def _pipeline(connection: Connection, spec: RunSpec) -> str:
    """Id of the row that stands for this version of the annotator, made where it is missing."""
    pipeline_id = f"{spec.annotator}@{spec.version}"
    known = connection.execute(select(pipelines.c.pipeline_id).where(pipelines.c.pipeline_id == pipeline_id))
    if known.one_or_none() is None:
        values = {"name": spec.annotator, "version": spec.version, "config_schema": _schema_of(spec.options)}
        connection.execute(insert(pipelines).values(pipeline_id=pipeline_id, **values))
    return pipeline_id


def _schema_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema of options as first seen: names and types."""
    properties = {
        name: {"type": _JSON_TYPES[type(value)]} if type(value) in _JSON_TYPES else {}
        for name, value in options.items()
    }
    return {"type": "object", "properties": properties}


def _start_afresh(connection: Connection, run_id: str, provenance: Mapping[str, Any]) -> None:
    connection.execute(delete(annotation_rows).where(annotation_rows.c.run_id == run_id))
    connection.execute(delete(windows).where(windows.c.run_id == run_id))
    cleared = dict.fromkeys(
        ("reason", "message", "final_until_us", "replay_from", "state", "started_at", "completed_at"), None
    )
    zeroed = dict.fromkeys(("position", "annotation_count", "windows", "processing_s"), 0)
    _update(connection, run_id, status=RunStatus.PENDING.value, provenance=dict(provenance), **cleared, **zeroed)


def _update(connection: Connection, run_id: str, **values: Any) -> None:
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(**values))


def open_run(connection: Connection, run_id: str, job_id: str) -> Any:
    """The row of a run of this job that is not at its end. Raises ``DataInconsistencyError`` where there is none."""
    columns = (runs.c.video_id, runs.c.pipeline_id, runs.c.status, runs.c.windows)
    joined = runs.join(job_runs, (job_runs.c.run_id == runs.c.run_id) & (job_runs.c.job_id == job_id))
    statement = select(*columns).select_from(joined).where(runs.c.run_id == run_id)
    row = connection.execute(statement.with_for_update(of=runs, key_share=True)).one_or_none()
    if row is None:
        raise DataInconsistencyError(f"run {run_id} does not belong to job {job_id}")
    if RunStatus(row.status).is_final:
        raise DataInconsistencyError(f"run {run_id} has ended ({row.status}); it takes no more windows")
    return row


def advance(connection: Connection, part: RunWindow, final_until_us: int | None) -> None:
    """Move the run to the end of ``part``; end it when ``part`` says so."""
    now = func.current_timestamp()
    values = {
        "status": part.status.value,
        "reason": part.reason,
        "message": part.message,
        "position": part.position,
        "final_until_us": final_until_us,
        "replay_from": part.replay_from,
        "state": dict(part.state),
        "annotation_count": runs.c.annotation_count + len(part.records),
        "windows": part.ordinal + 1,
        "processing_s": runs.c.processing_s + part.processing_s,
        "started_at": func.coalesce(runs.c.started_at, now),
    }
    if part.status.is_final:
        values["completed_at"] = now
    _update(connection, part.run_id, **values)
    if part.status is RunStatus.COMPLETED:
        supersede_others(connection, part.run_id)


def fail_annotator(connection: Connection, job_id: str, annotator: str, reason: str, message: str) -> None:
    """End the runs of ``annotator`` in this job that are not at their end."""
    of_the_job = select(job_runs.c.run_id).where(job_runs.c.job_id == job_id)
    is_open = runs.c.status.in_((RunStatus.PENDING.value, RunStatus.RUNNING.value))
    values = {"status": RunStatus.FAILED.value, "reason": reason, "message": message}
    connection.execute(
        update(runs)
        .where(runs.c.run_id.in_(of_the_job), runs.c.annotator == annotator, is_open)
        .values(completed_at=func.current_timestamp(), **values)
    )


def supersede_others(connection: Connection, run_id: str) -> None:
    """Completed runs of the same annotator over the same range of the same video give way to ``run_id``."""
    columns = (runs.c.tenant, runs.c.video_id, runs.c.annotator, runs.c.range_start_s, runs.c.range_end_s)
    newer = connection.execute(select(*columns).where(runs.c.run_id == run_id)).one()
    # locked: of two that become current at once, the second must see the first
    connection.execute(select(videos.c.video_id).where(videos.c.video_id == newer.video_id).with_for_update())
    same = [column.is_not_distinct_from(value) for column, value in zip(columns, newer, strict=True)]
    older = (runs.c.run_id != run_id, runs.c.status == RunStatus.COMPLETED.value, *same)
    connection.execute(update(runs).where(*older).values(status=RunStatus.SUPERSEDED.value, superseded_by=run_id))


def find(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[RunRecord]:
    statement = select(runs).where(*conditions).order_by(runs.c.video_id, runs.c.annotator, runs.c.run_id)
    for row in connection.execution_options(yield_per=100).execute(statement):
        yield _record(row)


def of_job(connection: Connection, job_id: str) -> tuple[RunRecord, ...]:
    """Runs of a job in the order in which they were submitted."""
    joined = runs.join(job_runs, job_runs.c.run_id == runs.c.run_id)
    statement = select(runs).select_from(joined).where(job_runs.c.job_id == job_id).order_by(job_runs.c.ordinal)
    return tuple(map(_record, connection.execute(statement)))


def require(connection: Connection, run_ids: Sequence[str], video_id: str) -> None:
    """Raise ``DataInconsistencyError`` unless every run is registered for ``video_id``."""
    for run_id in run_ids:
        owner = connection.execute(select(runs.c.video_id).where(runs.c.run_id == run_id)).scalar_one_or_none()
        if owner != video_id:
            raise DataInconsistencyError(f"run {run_id} is not registered for video {video_id}")


def _record(row: Any) -> RunRecord:
    spec = RunSpec(
        video_id=row.video_id,
        annotator=row.annotator,
        version=row.version,
        options=row.options,
        weights_sha256=row.weights_sha256,
        time_range=_range(row.range_key),
        upstream=tuple(row.upstream),
        tenant=row.tenant,
    )
    return RunRecord(
        spec=spec,
        run_id=row.run_id,
        status=RunStatus(row.status),
        reason=row.reason,
        message=row.message,
        annotation_count=row.annotation_count,
        windows=row.windows,
        position=row.position,
        final_until_us=row.final_until_us,
        replay_from=row.replay_from,
        state=row.state,
        provenance=row.provenance,
        started_at=row.started_at,
        completed_at=row.completed_at,
        processing_s=row.processing_s,
    )


def _range(key: str) -> TimeRange:
    """The inverse of ``TimeRange.key``; a number's ``repr`` is JSON, and keeps 5 and 5.0 apart."""
    start, end = (json.loads(text) if text else None for text in key.split(":"))
    return TimeRange(start, end)
