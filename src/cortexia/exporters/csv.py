"""CSV as RFC 4180 has it: one annotation a line, UTF-8, CRLF. Safe to open in a spreadsheet (S-09)."""

from __future__ import annotations

import csv
import io
from typing import IO, Any, ClassVar, Literal

from cortexia.exporters.base import ExportSource
from cortexia.exporters.flat import COLUMNS, flatten
from cortexia.exporters.jsonl import row_to_dict

QUOTE = "'"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guard_cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets a quote before it; so does text that begins with one, so
    that taking one quote away gives every text back. Numbers stay numbers."""
    if isinstance(value, str) and value.startswith((*_FORMULA_STARTS, QUOTE)):
        return QUOTE + value
    return value


class CsvExporter:
    """Columns as in ``exporters.flat``; floats in their shortest exact form, nothing where there is no value."""

    name: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".csv"
    media_type: ClassVar[str] = "text/csv"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "pictures (their digests are in data)",
        "the difference between empty text and none",
    )

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        count = 0
        line = io.StringIO(newline="")
        writer = csv.writer(line)
        writer.writerow(COLUMNS)
        for row in source.rows():
            writer.writerow([guard_cell(value) for value in flatten(row_to_dict(row)).values()])
            out.write(line.getvalue().encode())
            line.seek(0)
            line.truncate()
            count += 1
        out.write(line.getvalue().encode())
        return count
