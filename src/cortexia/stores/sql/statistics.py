"""Numbers about a store, each by one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, select

from cortexia.stores.sql.retention import before
from cortexia.stores.sql.runs import NOT_CURRENT, of_kept_videos
from cortexia.stores.sql.schema import annotation_rows, blobs, jobs, pipelines, runs, videos
from cortexia.stores.upkeep import FailedJob, PipelineTime, StoreCounts
from cortexia.types import JobState, RunStatus


def counts(connection: Connection, store_bytes: int) -> StoreCounts:
    by_annotator: dict[str, dict[str, int]] = {}
    grouped = select(runs.c.annotator, runs.c.status, func.count()).where(of_kept_videos())
    for annotator, status, count in connection.execute(grouped.group_by(runs.c.annotator, runs.c.status)):
        by_annotator.setdefault(annotator, {})[status] = count
    blob_count, blob_bytes = connection.execute(
        select(func.count(), func.coalesce(func.sum(blobs.c.size_bytes), 0)).select_from(blobs)
    ).one()
    return StoreCounts(
        videos=_count(connection, select(func.count()).where(videos.c.deleted_at.is_(None))),
        deleted_videos=_count(connection, select(func.count()).where(videos.c.deleted_at.is_not(None))),
        rows=rows_by_type(connection),
        runs={name: by_annotator[name] for name in sorted(by_annotator)},
        jobs=_table(connection, select(jobs.c.status, func.count()).group_by(jobs.c.status).order_by(jobs.c.status)),
        blobs=blob_count,
        blob_bytes=int(blob_bytes),
        store_bytes=store_bytes,
    )


def rows_by_type(connection: Connection, video_id: str | None = None) -> Mapping[str, int]:
    """Current annotations by ``annotation_type``, of a video or of all."""
    kind = annotation_rows.c.annotation_type
    statement = select(kind, func.count()).select_from(_joined()).where(runs.c.status.not_in(NOT_CURRENT))
    statement = statement.where(of_kept_videos() if video_id is None else annotation_rows.c.video_id == video_id)
    return _table(connection, statement.group_by(kind).order_by(kind))


def failures(connection: Connection, within_s: float) -> Sequence[FailedJob]:
    """Jobs that failed and were submitted within the last ``within_s`` seconds, the oldest first."""
    statement = select(jobs.c.job_id, jobs.c.video_path, jobs.c.error_message).where(
        jobs.c.status == JobState.FAILED.value, jobs.c.created_at > before(connection, within_s)
    )
    return [FailedJob(*row) for row in connection.execute(statement.order_by(jobs.c.seq))]


def pipeline_times(connection: Connection) -> Sequence[PipelineTime]:
    done = (RunStatus.COMPLETED.value, RunStatus.SUPERSEDED.value)
    statement = (
        select(pipelines.c.name, func.count(), func.avg(runs.c.processing_s), func.avg(runs.c.annotation_count))
        .select_from(runs.join(pipelines, pipelines.c.pipeline_id == runs.c.pipeline_id))
        .where(runs.c.status.in_(done), of_kept_videos())
        .group_by(pipelines.c.name)
        .order_by(pipelines.c.name)
    )
    return [PipelineTime(name, n, float(mean), float(rows)) for name, n, mean, rows in connection.execute(statement)]


def videos_with_many(
    connection: Connection, annotation_type: str, more_than: int, confidence: float
) -> Mapping[str, int]:
    count = func.count()
    statement = (
        select(annotation_rows.c.video_id, count)
        .select_from(_joined())
        .where(
            annotation_rows.c.annotation_type == annotation_type,
            annotation_rows.c.confidence > confidence,
            runs.c.status.not_in(NOT_CURRENT),
            of_kept_videos(),
        )
        .group_by(annotation_rows.c.video_id)
        .having(count > more_than)
        .order_by(count.desc(), annotation_rows.c.video_id)
    )
    return _table(connection, statement)


def _joined() -> FromClause:
    return annotation_rows.join(runs, runs.c.run_id == annotation_rows.c.run_id)


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.execute(statement).scalar_one())


def _table(connection: Connection, statement: Select[Any]) -> dict[str, int]:
    return {str(key): int(count) for key, count in connection.execute(statement)}
