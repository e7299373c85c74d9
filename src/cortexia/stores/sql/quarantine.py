"""Rows of ``quarantined_annotations``: what failed a quality gate, with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, insert, select

from cortexia.stores.sql.rows import Provenance
from cortexia.stores.sql.schema import quarantined_annotations as rows
from cortexia.types import QuarantinedAnnotation

CONTENT = ("ordinal", "emitted_at", "type", "reason", "message", "content")


def save(connection: Connection, made: Sequence[QuarantinedAnnotation], source: Provenance) -> None:
    origin = {
        "run_id": source.run_id,
        "window_ordinal": source.window_ordinal,
        "video_id": source.video_id,
        "job_id": source.job_id,
        "created_at": source.created_at,
    }
    if made:
        connection.execute(insert(rows), [{**to_dict(item), **origin} for item in made])


def find(connection: Connection, run_id: str) -> Iterator[QuarantinedAnnotation]:
    statement = select(*(rows.c[name] for name in CONTENT)).where(rows.c.run_id == run_id).order_by(rows.c.ordinal)
    for row in connection.execution_options(yield_per=500).execute(statement):
        yield QuarantinedAnnotation(**row._asdict())


def to_dict(item: QuarantinedAnnotation) -> dict[str, object]:
    """The values of ``CONTENT``."""
    return {name: getattr(item, name) for name in CONTENT}
