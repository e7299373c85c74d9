"""Jobs wait between tries, belong to batches, name the session at work, and can be cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cortexia.stores.sql.columns import DOCUMENT, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("not_before", sa.Float()),
        sa.Column("batch_id", Text),
        sa.Column("session", Text),
        sa.Column("suspects", DOCUMENT, nullable=False, server_default="{}"),
        sa.Column("failures", DOCUMENT, nullable=False, server_default="{}"),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("log_tail", Text),
    ):
        op.add_column("jobs", column)
    op.create_index("ix_jobs_batch_id", "jobs", ["batch_id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_batch_id", "jobs")
    for column in ("log_tail", "cancel_requested", "failures", "suspects", "session", "batch_id", "not_before"):
        op.drop_column("jobs", column)
