"""The tables, as of the newest revision. Names are part of the contract with users' own SQL (features, section 8).

Times of rows are text ``YYYY-MM-DD HH:MM:SS`` in UTC (``timestamptz`` on PostgreSQL), leases are seconds since 1970:
both from the database clock. JSON columns hold canonical JSON.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    func,
    text,
)

from cortexia.provenance import actor
from cortexia.stores.sql.columns import DOCUMENT, MOMENT, SEQUENCE, VERBATIM, Text
from cortexia.types import LOCAL_TENANT, JobState, RunStatus

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)
BOX = "box(point(bbox_x, bbox_y), point(bbox_x + bbox_width, bbox_y + bbox_height))"
HAS_BOX = "bbox_x IS NOT NULL"
LIVE_LEASE = text("status = 'running'")
IS_DELETED = text("deleted_at IS NOT NULL")


def _one_of(column: str, values: type[StrEnum] | tuple[str, ...]) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _not_negative(*columns: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{column} >= 0" for column in columns), name="not_negative")


def _created() -> Column[str]:
    return Column("created_at", MOMENT, nullable=False, server_default=func.current_timestamp())


def _updated() -> Column[str]:
    """Empty in rows that are older than the column and were not touched since."""
    now = func.current_timestamp()
    return Column("updated_at", MOMENT, default=now, onupdate=now)


def _by(name: str) -> Column[str]:
    """Who did it, as ``user@host``; filled by whatever goes through this table."""
    return Column(name, Text, default=actor, onupdate=actor if name == "updated_by" else None)


def _tenant() -> Column[str]:
    return Column("tenant", Text, nullable=False, server_default=LOCAL_TENANT)


videos = Table(
    "videos",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("file_path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("duration", Float),
    Column("processing_status", Text, nullable=False, server_default=JobState.PENDING.value),
    Column("media", DOCUMENT),
    Column("verdict", DOCUMENT),
    Column("verdict_source", Text),
    Column("anchors", DOCUMENT, nullable=False, server_default="[]"),
    _tenant(),
    _created(),
    Column("updated_at", MOMENT, nullable=False, server_default=func.current_timestamp()),
    _by("created_by"),
    _by("updated_by"),
    # left out of every answer from then on; the rows go with `db gc`
    Column("deleted_at", MOMENT),
    CheckConstraint("duration > 0", name="duration"),
    _not_negative("size_bytes"),
    _one_of("processing_status", JobState),
    _one_of("verdict_source", ("probe", "pass")),
    Index("ix_videos_processing_status", "processing_status"),
    Index("ix_videos_created_at", "created_at"),
    Index("ix_videos_deleted_at", "deleted_at", sqlite_where=IS_DELETED, postgresql_where=IS_DELETED),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("pipeline_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("config_schema", DOCUMENT),
    _created(),
    UniqueConstraint("name", "version"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    # order of submission: the clock is too coarse to tell the oldest
    Column("seq", SEQUENCE, Identity(), nullable=False, unique=True),
    Column("video_path", Text, nullable=False),
    Column("video_id", Text, ForeignKey("videos.video_id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("config", VERBATIM, nullable=False),
    _created(),
    _updated(),
    _by("created_by"),
    _by("updated_by"),
    Column("started_at", MOMENT),
    Column("completed_at", MOMENT),
    Column("retry_count", Integer, nullable=False, server_default="0"),
    Column("error_message", Text),
    Column("reason", Text),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("worker", Text),
    Column("lease_expires_at", Float),
    Column("heartbeat_at", Float),
    Column("not_before", Float),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("batch_id", Text),
    Column("session", Text),
    Column("suspects", DOCUMENT, nullable=False, server_default="{}"),
    Column("failures", DOCUMENT, nullable=False, server_default="{}"),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("log_tail", Text),
    _tenant(),
    Column("windows", Integer, nullable=False, server_default="0"),
    Column("windows_at_claim", Integer, nullable=False, server_default="0"),
    # deaths in a row without a window between them (G7)
    Column("deaths", Integer, nullable=False, server_default="0"),
    _one_of("status", JobState),
    _not_negative("retry_count", "attempt", "windows", "windows_at_claim", "deaths"),
    CheckConstraint(
        "(status = 'running') = (worker IS NOT NULL) AND (worker IS NULL) = (lease_expires_at IS NULL)", name="lease"
    ),
    Index("ix_jobs_status", "status", "priority", "seq"),
    Index("ix_jobs_created_at", "created_at"),
    Index("ix_jobs_video_id", "video_id"),
    Index("ix_jobs_batch_id", "batch_id"),
    Index("uq_jobs_live_lease", "video_id", unique=True, sqlite_where=LIVE_LEASE, postgresql_where=LIVE_LEASE),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("run_key", Text, nullable=False, unique=True),
    _tenant(),
    Column("video_id", Text, ForeignKey("videos.video_id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("pipeline_id", Text, ForeignKey("pipelines.pipeline_id"), nullable=False),
    Column("options", VERBATIM, nullable=False),
    Column("options_digest", Text, nullable=False),
    Column("weights_sha256", Text),
    # the key keeps 5 and 5.0 apart as the run key does; the numbers are for comparing
    Column("range_key", Text, nullable=False),
    Column("range_start_s", Float),
    Column("range_end_s", Float),
    Column("upstream", DOCUMENT, nullable=False),
    Column("status", Text, nullable=False),
    Column("superseded_by", Text, ForeignKey("runs.run_id")),
    Column("reason", Text),
    Column("message", Text),
    Column("provenance", DOCUMENT, nullable=False),
    Column("position", BigInteger, nullable=False, server_default="0"),
    Column("final_until_us", BigInteger),
    Column("replay_from", BigInteger),
    Column("state", VERBATIM),
    Column("annotation_count", BigInteger, nullable=False, server_default="0"),
    Column("quarantined_count", BigInteger, nullable=False, server_default="0"),
    Column("windows", Integer, nullable=False, server_default="0"),
    Column("processing_s", Float, nullable=False, server_default="0"),
    _created(),
    _updated(),
    _by("created_by"),
    _by("updated_by"),
    Column("started_at", MOMENT),
    Column("completed_at", MOMENT),
    _one_of("status", RunStatus),
    CheckConstraint("(status = 'superseded') = (superseded_by IS NOT NULL)", name="superseded"),
    _not_negative("position", "annotation_count", "windows", "processing_s"),
    CheckConstraint("range_start_s >= 0 AND range_end_s >= 0", name="range"),
    CheckConstraint("final_until_us >= 0 AND replay_from >= 0", name="progress"),
    Index("ix_runs_video_id", "video_id", "annotator"),
    Index("ix_runs_status", "status"),
    Index("ix_runs_superseded_by", "superseded_by"),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id"), primary_key=True),
    Column("run_id", Text, ForeignKey("runs.run_id"), primary_key=True),
    Column("ordinal", Integer, nullable=False),
    _not_negative("ordinal"),
    Index("ix_job_runs_run_id", "run_id"),
)

windows = Table(
    "windows",
    metadata,
    Column("run_id", Text, ForeignKey("runs.run_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("job_id", Text, ForeignKey("jobs.job_id"), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("final_until_us", BigInteger),
    Column("row_count", Integer, nullable=False),
    Column("rows_sha256", Text, nullable=False),
    _created(),
    _not_negative("ordinal", "position", "row_count"),
    CheckConstraint("final_until_us >= 0", name="final_until_us"),
)

annotation_rows = Table(
    "annotations",
    metadata,
    # order of insertion, which a later pass replays; explicit, because VACUUM may renumber a hidden rowid
    Column("seq", SEQUENCE, Identity(), primary_key=True),
    Column("annotation_id", Text, nullable=False, unique=True),
    Column("job_id", Text, ForeignKey("jobs.job_id"), nullable=False),
    Column("pipeline_id", Text, ForeignKey("pipelines.pipeline_id"), nullable=False),
    Column("annotation_type", Text, nullable=False),
    Column("timestamp_seconds", Float, nullable=False),
    Column("data", DOCUMENT, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("video_id", Text, ForeignKey("videos.video_id"), nullable=False),
    Column("person_id", Text),
    Column("face_id", Text),
    Column("speaker_id", Text),
    Column("scene_id", Text),
    Column("confidence", Float),
    Column("bbox_x", Float),
    Column("bbox_y", Float),
    Column("bbox_width", Float),
    Column("bbox_height", Float),
    # only where x + width (y + height) is not the exact corner again
    Column("bbox_x2", Float),
    Column("bbox_y2", Float),
    Column("end_seconds", Float, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("start_pts", BigInteger, nullable=False),
    Column("end_pts", BigInteger, nullable=False),
    Column("time_base", Text, nullable=False),
    # only where the end is counted in other units than the start
    Column("end_time_base", Text),
    Column("frame_index", BigInteger),
    Column("track_id", Text),
    Column("label", Text),
    Column("run_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("emitted_at", BigInteger, nullable=False),
    # `window` itself is a reserved word in PostgreSQL
    Column("window_ordinal", Integer, nullable=False),
    ForeignKeyConstraint(["run_id", "window_ordinal"], ["windows.run_id", "windows.ordinal"]),
    UniqueConstraint("run_id", "type", "start_pts", "ordinal"),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    CheckConstraint("start_us >= 0 AND end_us >= start_us", name="span"),
    CheckConstraint("timestamp_seconds >= 0 AND end_seconds >= timestamp_seconds", name="seconds"),
    CheckConstraint("bbox_width >= 0 AND bbox_height >= 0", name="bbox"),
    CheckConstraint("frame_index >= 0", name="frame_index"),
    _not_negative("ordinal", "emitted_at", "window_ordinal"),
    Index("ix_annotations_video_id", "video_id", "start_us", "type"),
    Index("ix_annotations_annotation_type", "annotation_type", "confidence"),
    Index("ix_annotations_run_id", "run_id", "emitted_at"),
    Index("ix_annotations_data", "data", postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"}).ddl_if(
        dialect="postgresql"
    ),
    Index("ix_annotations_bbox", text(BOX), postgresql_using="gist", postgresql_where=text(HAS_BOX)).ddl_if(
        dialect="postgresql"
    ),
)

# never among the annotations: what failed a quality gate, bounded per run
quarantined_annotations = Table(
    "quarantined_annotations",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("window_ordinal", Integer, nullable=False),
    Column("video_id", Text, ForeignKey("videos.video_id"), nullable=False),
    Column("job_id", Text, ForeignKey("jobs.job_id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("content", VERBATIM, nullable=False),
    Column("emitted_at", BigInteger, nullable=False),
    _created(),
    ForeignKeyConstraint(["run_id", "window_ordinal"], ["windows.run_id", "windows.ordinal"]),
    _not_negative("ordinal", "emitted_at", "window_ordinal"),
    Index("ix_quarantined_annotations_video_id", "video_id"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("suffix", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    _created(),
    CheckConstraint("length(sha256) = 64", name="sha256"),
    _not_negative("size_bytes"),
)

audit_log = Table(
    "audit_log",
    metadata,
    # without a gap from 1: an entry that was taken out shows
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("created_at", MOMENT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", DOCUMENT, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    _tenant(),
    CheckConstraint("seq >= 1", name="seq"),
    CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name="sha256"),
)
