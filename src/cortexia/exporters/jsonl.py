"""JSON Lines: one annotation a line, in the order (video, start, type, id). The canonical export: no clocks in it."""

from __future__ import annotations

from typing import IO, Any, ClassVar, Literal

from cortexia.exporters.base import ExportSource
from cortexia.types import MICROSECONDS, StoredRow, canonical_json


def row_to_dict(row: StoredRow) -> dict[str, Any]:
    """An annotation as JSON values: times in seconds from the video's origin, ``bbox`` as x, y, width, height."""
    annotation = row.annotation
    return {
        "video_id": row.video_id,
        "uri": row.uri,
        "type": annotation.type,
        "label": annotation.label,
        "start_s": row.start_us / MICROSECONDS,
        "end_s": row.end_us / MICROSECONDS,
        "start_pts": annotation.span.start.pts,
        "end_pts": annotation.span.end.pts,
        "time_base": str(annotation.span.start.time_base),
        "frame_index": annotation.frame_index,
        "track_id": annotation.track_id,
        "confidence": annotation.confidence,
        "bbox": list(annotation.bbox.xywh) if annotation.bbox else None,
        "data": annotation.data(),
        "annotator": row.annotator,
        "run_id": row.run_id,
        "annotation_id": row.annotation_id,
    }


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
