"""Rows of ``runs`` and ``pipelines``: registration, progress, and which run is current."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.base import RunRecord, RunWindow
from cortexia.stores.lifecycle import starts_afresh
from cortexia.stores.sql.columns import unindexed
from cortexia.stores.sql.schema import (
    annotation_rows,
    job_runs,
    jobs,
    pipelines,
    quarantined_annotations,
    runs,
    videos,
    windows,
)
from cortexia.types import JobState, RunSpec, RunStatus, TimeRange

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
    connection.execute(delete(quarantined_annotations).where(quarantined_annotations.c.run_id == run_id))
    connection.execute(delete(windows).where(windows.c.run_id == run_id))
    cleared = dict.fromkeys(
        ("reason", "message", "final_until_us", "replay_from", "state", "started_at", "completed_at"), None
    )
    zeroed = dict.fromkeys(("position", "annotation_count", "quarantined_count", "windows", "processing_s"), 0)
    _update(connection, run_id, status=RunStatus.PENDING.value, provenance=dict(provenance), **cleared, **zeroed)


def _update(connection: Connection, run_id: str, **values: Any) -> None:
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(**values))


def open_run(connection: Connection, run_id: str, job_id: str) -> Any:
    """The row of a run of this job that is not at its end. Raises ``DataInconsistencyError`` where there is none."""
    row = connection.execute(_RUN_OF_JOB, {"of_job": job_id, "of_run": run_id}).one_or_none()
    if row is None:
        raise DataInconsistencyError(f"run {run_id} does not belong to job {job_id}")
    if RunStatus(row.status).is_final:
        raise DataInconsistencyError(f"run {run_id} has ended ({row.status}); it takes no more windows")
    return row


_OF_RUN = runs.c.run_id == bindparam("of_run")
_RUN_OF_JOB = (
    select(runs.c.video_id, runs.c.pipeline_id, runs.c.status, runs.c.windows)
    .select_from(runs.join(job_runs, job_runs.c.run_id == runs.c.run_id))
    .where(job_runs.c.job_id == bindparam("of_job"), _OF_RUN)
    .with_for_update(of=runs, key_share=True)
)


def advance(connection: Connection, part: RunWindow, final_until_us: int | None) -> None:
    """Move the run to the end of ``part``; end it when ``part`` says so."""
    values = {
        "new_status": part.status.value,
        "new_reason": part.reason,
        "new_message": part.message,
        "new_position": part.position,
        "new_final_until_us": final_until_us,
        "new_replay_from": part.replay_from,
        "new_state": dict(part.state),
        "new_windows": part.ordinal + 1,
        "more_annotations": len(part.records),
        "more_quarantined": part.quarantined_count,
        "more_processing_s": part.processing_s,
    }
    connection.execute(_END if part.status.is_final else _ADVANCE, {"of_run": part.run_id, **values})
    if part.status is RunStatus.COMPLETED:
        supersede_others(connection, part.run_id)


# built once: building a statement costs more than running it
_MOVED = ("status", "reason", "message", "position", "final_until_us", "replay_from", "state", "windows")
_ADVANCE = (
    update(runs)
    .where(_OF_RUN)
    .values({name: bindparam(f"new_{name}", type_=runs.c[name].type) for name in _MOVED})
    .values(
        annotation_count=runs.c.annotation_count + bindparam("more_annotations"),
        quarantined_count=runs.c.quarantined_count + bindparam("more_quarantined"),
        processing_s=runs.c.processing_s + bindparam("more_processing_s"),
        started_at=func.coalesce(runs.c.started_at, func.current_timestamp()),
    )
)
_END = _ADVANCE.values(completed_at=func.current_timestamp())


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
    newer = connection.execute(_SUBJECT_OF_RUN, {"of_run": run_id}).one()
    # locked: of two that become current at once, the second must see the first
    connection.execute(_LOCKED_VIDEO, {"of_video": newer.video_id})
    connection.execute(
        _SUPERSEDE, {"of_run": run_id, **{f"same_{name}": value for name, value in newer._asdict().items()}}
    )


_SUBJECT = (runs.c.tenant, runs.c.video_id, runs.c.annotator, runs.c.range_start_s, runs.c.range_end_s)
_SUBJECT_OF_RUN = select(*_SUBJECT).where(_OF_RUN)
_LOCKED_VIDEO = select(videos.c.video_id).where(videos.c.video_id == bindparam("of_video")).with_for_update()
_SUPERSEDE = (
    update(runs)
    .where(
        runs.c.run_id != bindparam("of_run"),
        runs.c.status == RunStatus.COMPLETED.value,
        *(item.is_not_distinct_from(bindparam(f"same_{item.name}", type_=item.type)) for item in _SUBJECT),
    )
    .values(status=RunStatus.SUPERSEDED.value, superseded_by=bindparam("of_run"))
)


def find(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[RunRecord]:
    statement = select(runs).where(*conditions).order_by(runs.c.video_id, runs.c.annotator, runs.c.run_id)
    for row in connection.execution_options(yield_per=100).execute(statement):
        yield _record(row)


def completed(connection: Connection, video_ids: Collection[str]) -> frozenset[str]:
    """See ``stores.base.StorageBackend.completed``."""
    wanted = list(video_ids)
    found: set[str] = set()
    for first in range(0, len(wanted), _ASKED_AT_ONCE):
        found.update(connection.execute(_COMPLETED, {"asked": wanted[first : first + _ASKED_AT_ONCE]}).scalars())
    return frozenset(found)


# SQLite takes 32,766 values in a statement at most
_ASKED_AT_ONCE = 1000
_UNFINISHED = tuple(state.value for state in JobState if not state.is_final)
_COMPLETED = select(runs.c.run_id).where(
    runs.c.video_id.in_(bindparam("asked", expanding=True)),
    unindexed(runs.c.status) == RunStatus.COMPLETED.value,
    runs.c.video_id.not_in(select(jobs.c.video_id).where(jobs.c.status.in_(_UNFINISHED))),
)


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
        quarantined_count=row.quarantined_count,
    )


def _range(key: str) -> TimeRange:
    """The inverse of ``TimeRange.key``; a number's ``repr`` is JSON, and keeps 5 and 5.0 apart."""
    start, end = (json.loads(text) if text else None for text in key.split(":"))
    return TimeRange(start, end)
