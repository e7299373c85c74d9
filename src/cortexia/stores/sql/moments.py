"""What a moment means for the rows of ``jobs``: conditions that follow ``stores.lifecycle``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from cortexia.stores.lifecycle import CLOCK_SET_S, LONGEST_PAUSE_S
from cortexia.stores.sql.schema import jobs
from cortexia.types import JobState


def has_waited(now: Any) -> ColumnElement[bool]:
    """Jobs whose pause is over."""
    begins = jobs.c.not_before
    return or_(begins.is_(None), begins <= now, begins > now + LONGEST_PAUSE_S)


def is_out_of_time(now: Any) -> ColumnElement[bool]:
    """Jobs whose lease has lapsed, or was given by a clock that has been set since."""
    is_over = or_(jobs.c.lease_expires_at < now, jobs.c.heartbeat_at > now + CLOCK_SET_S)
    return and_(jobs.c.status == JobState.RUNNING.value, is_over)
