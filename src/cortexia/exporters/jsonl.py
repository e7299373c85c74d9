"""JSON Lines: one annotation a line, in the order (video, start, type, id). The canonical export: no clocks in it."""

from __future__ import annotations

from typing import IO, ClassVar, Literal

from cortexia.documents import row_to_dict as row_to_dict
from cortexia.exporters.base import ExportSource
from cortexia.types import canonical_json


class JsonlExporter:
    """UTF-8, keys sorted, floats in their shortest exact form: the same rows give the same bytes."""

    name: ClassVar[str] = "jsonl"
    suffix: ClassVar[str] = ".jsonl"
    media_type: ClassVar[str] = "application/x-ndjson"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = ("pictures (their digests are in data)",)

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        count = 0
        for row in source.rows():
            out.write(canonical_json(row_to_dict(row)).encode() + b"\n")
            count += 1
        return count
