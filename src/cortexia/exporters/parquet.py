"""Parquet: one annotation a row, columns with fixed types. The one door to pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any, ClassVar, Literal

from cortexia.errors import MissingDependencyError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.flat import COLUMNS, REAL, TEXT, WHOLE, flatten
from cortexia.exporters.jsonl import row_to_dict
from cortexia.types import StoredRow

GROUP_ROWS = 10_000
BATCH_ROWS = 1_000
_NEVER_NULL = frozenset(
    ("video_id", "uri", "type", "start_s", "end_s", "start_pts", "end_pts", "time_base", "data")
    + ("annotator", "run_id", "annotation_id")
)


class ParquetExporter:
    """Row groups of 10,000 rows, zstd. Text is ``string``, whole numbers ``int64``, the others ``float64``."""

    name: ClassVar[str] = "parquet"
    suffix: ClassVar[str] = ".parquet"
    media_type: ClassVar[str] = "application/vnd.apache.parquet"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = ("pictures (their digests are in data)", "data other than as JSON text")

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        """Raises ``MissingDependencyError`` without pyarrow."""
        arrow, kinds, rows = _arrow(), schema(), source.rows()
        count = 0
        with arrow.parquet.ParquetWriter(_Sink(out), kinds, compression="zstd") as writer:
            while group := list(islice(_batches(rows), GROUP_ROWS // BATCH_ROWS)):
                writer.write_table(arrow.Table.from_batches(group, kinds))
                count += sum(batch.num_rows for batch in group)
        return count


def schema() -> Any:
    """The ``pyarrow.Schema`` of the columns."""
    arrow = _arrow()
    types = {TEXT: arrow.string(), WHOLE: arrow.int64(), REAL: arrow.float64()}
    return arrow.schema(
        [arrow.field(name, types[kind], nullable=name not in _NEVER_NULL) for name, kind in COLUMNS.items()]
    )


def rows_to_table(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A ``pyarrow.Table`` from rows as ``row_to_dict`` gives them."""
    return _arrow().Table.from_pylist([flatten(row) for row in rows], schema=schema())


def _batches(rows: Iterator[StoredRow]) -> Iterator[Any]:
    """Rows in columns, a few at a time: as Python values they take ten times the memory."""
    arrow, kinds = _arrow(), schema()
    while batch := list(islice(rows, BATCH_ROWS)):
        yield arrow.RecordBatch.from_pylist([flatten(row_to_dict(row)) for row in batch], schema=kinds)


class _Sink:
    """What pyarrow may do with a stream: it asks a pipe where it stands, and fails."""

    closed = False

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        return self._out.write(data)

    def flush(self) -> None:
        self._out.flush()


def _arrow() -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "parquet") from error
    return pyarrow
