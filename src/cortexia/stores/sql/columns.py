"""Types of columns, and the few expressions that SQLite and PostgreSQL spell differently.

Revisions use them too: their DDL for SQLite must stay what it was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

MOMENT_FORMAT = "%Y-%m-%d %H:%M:%S"


class _PostgresText(TypeDecorator[str]):
    """Text in the order of its bytes, as SQLite has it, whatever the locale of the database."""

    impl = sa.Text
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(collation="C")

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        # a NUL in what a program said on its way down must not keep the message out
        return value.replace("\0", "\\x00") if value is not None and "\0" in value else value


class _PostgresMoment(TypeDecorator[str]):
    """``timestamptz`` in the database, ``YYYY-MM-DD HH:MM:SS`` in UTC here: whole seconds, as SQLite has them."""

    impl = sa.TIMESTAMP(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> datetime | None:
        return None if value is None else datetime.strptime(value, MOMENT_FORMAT).replace(tzinfo=UTC)

    def process_result_value(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime(MOMENT_FORMAT)


Text = sa.Text().with_variant(_PostgresText(), "postgresql")
MOMENT = sa.Text().with_variant(_PostgresMoment(), "postgresql")
DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
VERBATIM = sa.JSON(none_as_null=True)
"""JSON that comes back as it went: run keys and states depend on 1e16 and -0.0, which JSONB does not keep."""
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class epoch_seconds(FunctionElement[float]):  # noqa: N801 - a SQL function, named like one
    """Seconds since 1970 by the database clock, with a fraction."""

    type = sa.Float()
    inherit_cache = True


@compiles(epoch_seconds, "sqlite")
def _sqlite_epoch(element: Any, compiler: Any, **options: Any) -> str:
    # unixepoch('subsec') needs SQLite 3.42
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(epoch_seconds, "postgresql")
def _postgres_epoch(element: Any, compiler: Any, **options: Any) -> str:
    # not the time at which the transaction began: it may have waited for a lock since
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


class next_job(FunctionElement[int]):  # noqa: N801 - as above
    """The next ``jobs.seq``."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(next_job, "sqlite")
def _sqlite_next_job(element: Any, compiler: Any, **options: Any) -> str:
    # whoever writes holds the lock of the whole database
    return "(SELECT coalesce(max(seq), 0) + 1 FROM jobs)"


@compiles(next_job, "postgresql")
def _postgres_next_job(element: Any, compiler: Any, **options: Any) -> str:
    return "nextval(pg_get_serial_sequence('jobs', 'seq'))"


class unindexed(FunctionElement[Any]):  # noqa: N801 - as above
    """A column that SQLite must not look for by an index. It keeps no statistics of these tables, and takes a state or
    a type that half of all rows share for as telling as a video."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(unindexed, "sqlite")
def _sqlite_unindexed(element: Any, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(unindexed, "postgresql")
def _postgres_unindexed(element: Any, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text
