"""The tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cortexia.stores.sql.columns import DOCUMENT, MOMENT, SEQUENCE, VERBATIM, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JOB_STATES = "'pending', 'queued', 'running', 'retrying', 'completed', 'completed_with_errors', 'failed', 'cancelled'"


def upgrade() -> None:
    _create_blobs()
    _create_pipelines()
    _create_videos()
    _create_jobs()
    _create_runs()
    _create_job_runs()
    _create_windows()
    _create_annotations()


def downgrade() -> None:
    for table in ("annotations", "windows", "job_runs", "runs", "jobs", "videos", "pipelines", "blobs"):
        op.drop_table(table)


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", Text, nullable=False),
        sa.Column("suffix", Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_blobs_sha256")),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_blobs_not_negative")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )


def _create_pipelines() -> None:
    op.create_table(
        "pipelines",
        sa.Column("pipeline_id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("version", Text, nullable=False),
        sa.Column("config_schema", DOCUMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.PrimaryKeyConstraint("pipeline_id", name=op.f("pk_pipelines")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_pipelines_name_version")),
    )


def _create_videos() -> None:
    op.create_table(
        "videos",
        sa.Column("video_id", Text, nullable=False),
        sa.Column("filename", Text, nullable=False),
        sa.Column("file_path", Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("processing_status", Text, server_default="pending", nullable=False),
        sa.Column("media", DOCUMENT, nullable=True),
        sa.Column("verdict", DOCUMENT, nullable=True),
        sa.Column("verdict_source", Text, nullable=True),
        sa.Column("anchors", DOCUMENT, server_default="[]", nullable=False),
        sa.Column("tenant", Text, server_default="local", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.CheckConstraint(
            f"processing_status IN ({_JOB_STATES})",
            name=op.f("ck_videos_processing_status"),
        ),
        sa.CheckConstraint("verdict_source IN ('probe', 'pass')", name=op.f("ck_videos_verdict_source")),
        sa.CheckConstraint("duration > 0", name=op.f("ck_videos_duration")),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_videos_not_negative")),
        sa.PrimaryKeyConstraint("video_id", name=op.f("pk_videos")),
    )
    op.create_index("ix_videos_created_at", "videos", ["created_at"], unique=False)
    op.create_index("ix_videos_processing_status", "videos", ["processing_status"], unique=False)


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", Text, nullable=False),
        sa.Column("seq", SEQUENCE, sa.Identity(), nullable=False),
        sa.Column("video_path", Text, nullable=False),
        sa.Column("video_id", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("config", VERBATIM, nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_message", Text, nullable=True),
        sa.Column("reason", Text, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", Text, nullable=True),
        sa.Column("lease_expires_at", sa.Float(), nullable=True),
        sa.Column("heartbeat_at", sa.Float(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tenant", Text, server_default="local", nullable=False),
        sa.Column("windows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("windows_at_claim", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(status = 'running') = (worker IS NOT NULL) AND (worker IS NULL) = (lease_expires_at IS NULL)",
            name=op.f("ck_jobs_lease"),
        ),
        sa.CheckConstraint(
            f"status IN ({_JOB_STATES})",
            name=op.f("ck_jobs_status"),
        ),
        sa.CheckConstraint(
            "retry_count >= 0 AND attempt >= 0 AND windows >= 0 AND windows_at_claim >= 0 AND deaths >= 0",
            name=op.f("ck_jobs_not_negative"),
        ),
        sa.ForeignKeyConstraint(["video_id"], ["videos.video_id"], name=op.f("fk_jobs_video_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("seq", name=op.f("uq_jobs_seq")),
    )
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"], unique=False)
    op.create_index("ix_jobs_status", "jobs", ["status", "priority", "seq"], unique=False)
    op.create_index("ix_jobs_video_id", "jobs", ["video_id"], unique=False)
    op.create_index(
        "uq_jobs_live_lease",
        "jobs",
        ["video_id"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", Text, nullable=False),
        sa.Column("run_key", Text, nullable=False),
        sa.Column("tenant", Text, server_default="local", nullable=False),
        sa.Column("video_id", Text, nullable=False),
        sa.Column("annotator", Text, nullable=False),
        sa.Column("version", Text, nullable=False),
        sa.Column("pipeline_id", Text, nullable=False),
        sa.Column("options", VERBATIM, nullable=False),
        sa.Column("options_digest", Text, nullable=False),
        sa.Column("weights_sha256", Text, nullable=True),
        sa.Column("range_key", Text, nullable=False),
        sa.Column("range_start_s", sa.Float(), nullable=True),
        sa.Column("range_end_s", sa.Float(), nullable=True),
        sa.Column("upstream", DOCUMENT, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("superseded_by", Text, nullable=True),
        sa.Column("reason", Text, nullable=True),
        sa.Column("message", Text, nullable=True),
        sa.Column("provenance", DOCUMENT, nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("final_until_us", sa.BigInteger(), nullable=True),
        sa.Column("replay_from", sa.BigInteger(), nullable=True),
        sa.Column("state", VERBATIM, nullable=True),
        sa.Column("annotation_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("windows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("processing_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.CheckConstraint("(status = 'superseded') = (superseded_by IS NOT NULL)", name=op.f("ck_runs_superseded")),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'skipped', 'superseded')",
            name=op.f("ck_runs_status"),
        ),
        sa.CheckConstraint("final_until_us >= 0 AND replay_from >= 0", name=op.f("ck_runs_progress")),
        sa.CheckConstraint(
            "position >= 0 AND annotation_count >= 0 AND windows >= 0 AND processing_s >= 0",
            name=op.f("ck_runs_not_negative"),
        ),
        sa.CheckConstraint("range_start_s >= 0 AND range_end_s >= 0", name=op.f("ck_runs_range")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.pipeline_id"], name=op.f("fk_runs_pipeline_id")),
        sa.ForeignKeyConstraint(["superseded_by"], ["runs.run_id"], name=op.f("fk_runs_superseded_by")),
        sa.ForeignKeyConstraint(["video_id"], ["videos.video_id"], name=op.f("fk_runs_video_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        sa.UniqueConstraint("run_key", name=op.f("uq_runs_run_key")),
    )
    op.create_index("ix_runs_status", "runs", ["status"], unique=False)
    op.create_index("ix_runs_superseded_by", "runs", ["superseded_by"], unique=False)
    op.create_index("ix_runs_video_id", "runs", ["video_id", "annotator"], unique=False)


def _create_job_runs() -> None:
    op.create_table(
        "job_runs",
        sa.Column("job_id", Text, nullable=False),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.CheckConstraint("ordinal >= 0", name=op.f("ck_job_runs_not_negative")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_runs_job_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_job_runs_run_id")),
        sa.PrimaryKeyConstraint("job_id", "run_id", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_run_id", "job_runs", ["run_id"], unique=False)


def _create_windows() -> None:
    op.create_table(
        "windows",
        sa.Column("run_id", Text, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("job_id", Text, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("final_until_us", sa.BigInteger(), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("rows_sha256", Text, nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.CheckConstraint("final_until_us >= 0", name=op.f("ck_windows_final_until_us")),
        sa.CheckConstraint("ordinal >= 0 AND position >= 0 AND row_count >= 0", name=op.f("ck_windows_not_negative")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_windows_job_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_windows_run_id")),
        sa.PrimaryKeyConstraint("run_id", "ordinal", name=op.f("pk_windows")),
    )


def _create_annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("seq", SEQUENCE, sa.Identity(), nullable=False),
        sa.Column("annotation_id", Text, nullable=False),
        sa.Column("job_id", Text, nullable=False),
        sa.Column("pipeline_id", Text, nullable=False),
        sa.Column("annotation_type", Text, nullable=False),
        sa.Column("timestamp_seconds", sa.Float(), nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("video_id", Text, nullable=False),
        sa.Column("person_id", Text, nullable=True),
        sa.Column("face_id", Text, nullable=True),
        sa.Column("speaker_id", Text, nullable=True),
        sa.Column("scene_id", Text, nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("bbox_x", sa.Float(), nullable=True),
        sa.Column("bbox_y", sa.Float(), nullable=True),
        sa.Column("bbox_width", sa.Float(), nullable=True),
        sa.Column("bbox_height", sa.Float(), nullable=True),
        sa.Column("bbox_x2", sa.Float(), nullable=True),
        sa.Column("bbox_y2", sa.Float(), nullable=True),
        sa.Column("end_seconds", sa.Float(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("start_pts", sa.BigInteger(), nullable=False),
        sa.Column("end_pts", sa.BigInteger(), nullable=False),
        sa.Column("time_base", Text, nullable=False),
        sa.Column("end_time_base", Text, nullable=True),
        sa.Column("frame_index", sa.BigInteger(), nullable=True),
        sa.Column("track_id", Text, nullable=True),
        sa.Column("label", Text, nullable=True),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("emitted_at", sa.BigInteger(), nullable=False),
        sa.Column("window_ordinal", sa.Integer(), nullable=False),
        sa.CheckConstraint("bbox_width >= 0 AND bbox_height >= 0", name=op.f("ck_annotations_bbox")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_annotations_confidence")),
        sa.CheckConstraint("frame_index >= 0", name=op.f("ck_annotations_frame_index")),
        sa.CheckConstraint(
            "ordinal >= 0 AND emitted_at >= 0 AND window_ordinal >= 0", name=op.f("ck_annotations_not_negative")
        ),
        sa.CheckConstraint("start_us >= 0 AND end_us >= start_us", name=op.f("ck_annotations_span")),
        sa.CheckConstraint(
            "timestamp_seconds >= 0 AND end_seconds >= timestamp_seconds", name=op.f("ck_annotations_seconds")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_annotations_job_id")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.pipeline_id"], name=op.f("fk_annotations_pipeline_id")),
        sa.ForeignKeyConstraint(
            ["run_id", "window_ordinal"],
            ["windows.run_id", "windows.ordinal"],
            name=op.f("fk_annotations_run_id_window_ordinal"),
        ),
        sa.ForeignKeyConstraint(["video_id"], ["videos.video_id"], name=op.f("fk_annotations_video_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_annotations")),
        sa.UniqueConstraint("annotation_id", name=op.f("uq_annotations_annotation_id")),
        sa.UniqueConstraint(
            "run_id", "type", "start_pts", "ordinal", name=op.f("uq_annotations_run_id_type_start_pts_ordinal")
        ),
    )
    op.create_index("ix_annotations_annotation_type", "annotations", ["annotation_type", "confidence"], unique=False)
    op.create_index("ix_annotations_run_id", "annotations", ["run_id", "emitted_at"], unique=False)
    op.create_index("ix_annotations_video_id", "annotations", ["video_id", "start_us", "type"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE INDEX ix_annotations_data ON annotations USING gin (data jsonb_path_ops)")
        op.execute(
            "CREATE INDEX ix_annotations_bbox ON annotations USING gist"
            " (box(point(bbox_x, bbox_y), point(bbox_x + bbox_width, bbox_y + bbox_height)))"
            " WHERE bbox_x IS NOT NULL"
        )
