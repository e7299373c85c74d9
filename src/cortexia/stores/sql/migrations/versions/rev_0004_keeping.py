"""Who changed what and when, videos that were deleted, the audit log, and current annotations as a view."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cortexia.stores.sql.columns import DOCUMENT, MOMENT, SEQUENCE, Text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BY = ("created_by", "updated_by")

# the columns by name: a view over * would hold on to columns that a later revision wants to change
CURRENT_ANNOTATIONS = """
CREATE VIEW current_annotations AS
SELECT a.annotation_id, a.job_id, a.pipeline_id, a.annotation_type, a.timestamp_seconds, a.data, a.created_at,
       a.video_id, a.person_id, a.face_id, a.speaker_id, a.scene_id, a.confidence, a.bbox_x, a.bbox_y, a.bbox_width,
       a.bbox_height, a.bbox_x2, a.bbox_y2, a.end_seconds, a.start_us, a.end_us, a.start_pts, a.end_pts, a.time_base,
       a.end_time_base, a.frame_index, a.track_id, a.label, a.run_id, a.type, a.ordinal, a.emitted_at,
       a.window_ordinal, r.annotator
  FROM annotations AS a JOIN runs AS r ON r.run_id = a.run_id
 WHERE r.status NOT IN ('failed', 'superseded')
   AND a.video_id NOT IN (SELECT video_id FROM videos WHERE deleted_at IS NOT NULL)
"""

_REFUSALS = {
    "sqlite": (
        """CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
        """CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
        """CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()""",
    ),
}


def upgrade() -> None:
    for table in ("videos", "jobs", "runs"):
        for name in _BY:
            op.add_column(table, sa.Column(name, Text))
    for table in ("jobs", "runs"):
        # SQLite adds no column whose default is a clock: it stays empty until the row is touched
        op.add_column(table, sa.Column("updated_at", MOMENT))
    op.add_column("videos", sa.Column("deleted_at", MOMENT))
    is_deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_videos_deleted_at", "videos", ["deleted_at"], sqlite_where=is_deleted, postgresql_where=is_deleted
    )
    op.execute(CURRENT_ANNOTATIONS)
    _create_audit_log()


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("actor", Text, nullable=False),
        sa.Column("action", Text, nullable=False),
        sa.Column("subject", Text, nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("prev_hash", Text, nullable=False),
        sa.Column("hash", Text, nullable=False),
        sa.Column("tenant", Text, server_default="local", nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_audit_log_seq")),
        sa.CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name=op.f("ck_audit_log_sha256")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_log_hash")),
    )
    for statement in _REFUSALS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_log")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_refuse()")
    op.execute("DROP VIEW current_annotations")
    op.drop_index("ix_videos_deleted_at", "videos")
    op.drop_column("videos", "deleted_at")
    for table in ("jobs", "runs"):
        op.drop_column(table, "updated_at")
    for table in ("videos", "jobs", "runs"):
        for name in reversed(_BY):
            op.drop_column(table, name)
