"""The view that users' SQL knows as job_pipeline_status."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# a run superseded since was completed by its job all the same
JOB_PIPELINE_STATUS = """
CREATE VIEW job_pipeline_status AS
SELECT job_runs.job_id AS job_id,
       runs.pipeline_id AS pipeline_id,
       CASE runs.status WHEN 'superseded' THEN 'completed' ELSE runs.status END AS status,
       runs.started_at AS started_at,
       runs.completed_at AS completed_at,
       runs.annotation_count AS annotation_count,
       runs.processing_s AS processing_time_seconds,
       runs.message AS error_message
  FROM job_runs JOIN runs ON runs.run_id = job_runs.run_id
"""


def upgrade() -> None:
    op.execute(JOB_PIPELINE_STATUS)


def downgrade() -> None:
    op.execute("DROP VIEW job_pipeline_status")
