"""What failed a quality gate is kept beside the annotations, and counted in its run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cortexia.stores.sql.columns import MOMENT, VERBATIM, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NOT_NEGATIVE = "ordinal >= 0 AND emitted_at >= 0 AND window_ordinal >= 0"


def upgrade() -> None:
    op.add_column("runs", sa.Column("quarantined_count", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "quarantined_annotations",
        sa.Column("run_id", Text, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("window_ordinal", sa.Integer(), nullable=False),
        sa.Column("video_id", Text, nullable=False),
        sa.Column("job_id", Text, nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("message", Text, nullable=False),
        sa.Column("content", VERBATIM, nullable=False),
        sa.Column("emitted_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.CheckConstraint(_NOT_NEGATIVE, name=op.f("ck_quarantined_annotations_not_negative")),
        sa.PrimaryKeyConstraint("run_id", "ordinal", name=op.f("pk_quarantined_annotations")),
        sa.ForeignKeyConstraint(
            ["run_id", "window_ordinal"],
            ["windows.run_id", "windows.ordinal"],
            name=op.f("fk_quarantined_annotations_run_id_window_ordinal"),
        ),
        sa.ForeignKeyConstraint(["video_id"], ["videos.video_id"], name=op.f("fk_quarantined_annotations_video_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_quarantined_annotations_job_id")),
    )
    op.create_index("ix_quarantined_annotations_video_id", "quarantined_annotations", ["video_id"])


def downgrade() -> None:
    op.drop_index("ix_quarantined_annotations_video_id", "quarantined_annotations")
    op.drop_table("quarantined_annotations")
    op.drop_column("runs", "quarantined_count")
