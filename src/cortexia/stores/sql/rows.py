"""Annotation <-> row, without loss. The hot path of every commit."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cortexia.errors import ValidationError
from cortexia.types import (
    ANNOTATION_TYPES,
    MICROSECONDS,
    Annotation,
    AnnotationRecord,
    BBox,
    StoredRow,
    TimeSpan,
    Timestamp,
    annotation_from_fields,
)
from cortexia.types.annotation import own_fields

Row = tuple[Any, ...]

# what an annotation says: digests are taken over it, so that they are equal however often a run was interrupted
CONTENT = (
    "annotation_id",
    "type",
    "annotation_type",
    "label",
    "confidence",
    "timestamp_seconds",
    "end_seconds",
    "start_us",
    "end_us",
    "start_pts",
    "end_pts",
    "time_base",
    "end_time_base",
    "frame_index",
    "track_id",
    "bbox_x",
    "bbox_y",
    "bbox_width",
    "bbox_height",
    "bbox_x2",
    "bbox_y2",
    "person_id",
    "face_id",
    "speaker_id",
    "scene_id",
    "data",
    "ordinal",
    "emitted_at",
)
ORIGIN = ("run_id", "window_ordinal", "video_id", "job_id", "pipeline_id", "created_at")
COLUMNS = CONTENT + ORIGIN

_NO_BOX = (None,) * 6
_NO_IDS = (None,) * 4
ID_COLUMNS = ("person_id", "face_id", "speaker_id", "scene_id")
_IDS = frozenset(ID_COLUMNS)
_NEGATIVE_ZERO = re.compile(r'"(?:[^"\\]|\\.)*"|-0\.0(?![0-9])')
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the rows of one window of one run come from: the values of the ``ORIGIN`` columns."""

    run_id: str
    window_ordinal: int
    video_id: str
    job_id: str
    pipeline_id: str
    created_at: str


def records_to_rows(records: Sequence[AnnotationRecord], origin: Fraction, source: Provenance) -> list[Row]:
    """One tuple of ``COLUMNS`` for each record. ``origin``: of the video, in seconds.

    Raises ``ValidationError`` for what has no place in a database: NUL, lone surrogates, unknown types.
    """
    tail = dataclasses.astuple(source)
    clock = _Clock(origin)
    return [_row(record, clock) + tail for record in records]


def _row(record: AnnotationRecord, clock: _Clock) -> Row:
    """The values of ``CONTENT``."""
    annotation = record.annotation
    start, end, confidence = annotation.span.start, annotation.span.end, annotation.confidence
    base, start_us = clock.read(start)
    end_base, end_us = clock.read(end)
    return (
        record.annotation_id,
        annotation.type,
        annotation.stored_type,
        annotation.label,
        None if confidence is None else confidence + 0.0,
        start_us / MICROSECONDS,
        end_us / MICROSECONDS,
        start_us,
        end_us,
        start.pts,
        end.pts,
        base,
        None if end_base is base else end_base,
        annotation.frame_index,
        annotation.track_id,
        *(_NO_BOX if annotation.bbox is None else _box(annotation.bbox)),
        *_ids(annotation),
        _data(annotation),
        record.ordinal,
        record.emitted_at,
    )


def row_to_stored(row: Any) -> StoredRow:
    """The stored row from a result row that has ``COLUMNS`` (``data`` parsed) and ``file_path``, ``annotator``."""
    base = _fraction(row.time_base)
    end_base = base if row.end_time_base is None else _fraction(row.end_time_base)
    annotation = annotation_from_fields(
        row.type,
        row.data,
        span=TimeSpan(Timestamp(row.start_pts, base), Timestamp(row.end_pts, end_base)),
        label=row.label,
        confidence=row.confidence,
        frame_index=row.frame_index,
        track_id=row.track_id,
        bbox=None if row.bbox_x is None else _row_to_box(row),
    )
    return StoredRow(
        annotation_id=row.annotation_id,
        annotation=annotation,
        video_id=row.video_id,
        uri=row.file_path,
        run_id=row.run_id,
        annotator=row.annotator,
        start_us=row.start_us,
        end_us=row.end_us,
        ordinal=row.ordinal,
        emitted_at=row.emitted_at,
    )


class _Clock:
    """Microseconds from the origin in integer arithmetic: as ``Timestamp.micros``, at a tenth of the cost."""

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        self._seen: dict[tuple[int, int], tuple[str, int, int, int]] = {}
        self._last: Fraction | None = None
        self._terms: tuple[str, int, int, int] = ("", 0, 0, 1)

    def read(self, moment: Timestamp) -> tuple[str, int]:
        """Text of the time base (the same object each time), and microseconds, never below 0."""
        if moment.time_base is not self._last:
            self._last = moment.time_base
            self._terms = self._terms_of(moment.time_base)
        text, factor, offset, divisor = self._terms
        return text, max(0, (moment.pts * factor - offset) // divisor)

    def _terms_of(self, base: Fraction) -> tuple[str, int, int, int]:
        key = (base.numerator, base.denominator)
        if key not in self._seen:
            origin = self._origin
            divisor = 2 * base.denominator * origin.denominator
            factor = 2 * base.numerator * origin.denominator * MICROSECONDS
            # half a unit is added before the floor: rounds half up
            offset = 2 * origin.numerator * base.denominator * MICROSECONDS - divisor // 2
            self._seen[key] = (f"{base.numerator}/{base.denominator}", factor, offset, divisor)
        return self._seen[key]


def _box(box: BBox) -> Row:
    # adding 0.0 makes floats of integers, and 0.0 of -0.0, which SQLite does not keep
    x, y, x2, y2 = box.x1 + 0.0, box.y1 + 0.0, box.x2 + 0.0, box.y2 + 0.0
    width, height = x2 - x, y2 - y
    return (x, y, width, height, None if x + width == x2 else x2, None if y + height == y2 else y2)


def _row_to_box(row: Any) -> BBox:
    x2 = row.bbox_x + row.bbox_width if row.bbox_x2 is None else row.bbox_x2
    y2 = row.bbox_y + row.bbox_height if row.bbox_y2 is None else row.bbox_y2
    return BBox(row.bbox_x, row.bbox_y, x2, y2)


def _ids(annotation: Annotation) -> Row:
    """Values of ``ID_COLUMNS``, from fields of the type or from attributes."""
    own, attributes = _own_ids(type(annotation)), annotation.attributes
    if not own and (not attributes or _IDS.isdisjoint(attributes)):
        return _NO_IDS
    values = (getattr(annotation, name) if name in own else attributes.get(name) for name in ID_COLUMNS)
    return tuple(value if isinstance(value, str) else None for value in values)


_ids_of_kinds: dict[type[Annotation], frozenset[str]] = {}


def _own_ids(kind: type[Annotation]) -> frozenset[str]:
    """Those of ``ID_COLUMNS`` that are fields of ``kind``."""
    if kind not in _ids_of_kinds:
        _ids_of_kinds[kind] = _IDS.intersection(own_fields(kind))
    return _ids_of_kinds[kind]


def _data(annotation: Annotation) -> str:
    label, track_id = annotation.label, annotation.track_id
    if (label is not None and "\0" in label) or (track_id is not None and "\0" in track_id):
        raise ValidationError(f"{annotation.type}: label or track id holds a NUL character")
    if not (_has_data(type(annotation)) or annotation.attributes):
        return "{}"
    data = annotation.data()
    text = encode(data)
    if "-0.0" in text:
        # JSON in PostgreSQL knows no negative zero: as with boxes, it is zero everywhere
        text = _NEGATIVE_ZERO.sub(lambda found: "0.0" if found[0] == "-0.0" else found[0], text)
    # an escaped NUL may also be a backslash before u0000: only then is the costly look worth it
    if "\\u0000" in text and _has_nul(data):
        raise ValidationError(f"{annotation.type}: text holds a NUL character")
    return text


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


_kinds_with_data: dict[type[Annotation], bool] = {}


def _has_data(kind: type[Annotation]) -> bool:
    """Whether values of ``kind`` fill ``data`` beyond their attributes. Refuses types that could not be read again."""
    if kind not in _kinds_with_data:
        if ANNOTATION_TYPES.get(kind.type) is not kind:
            raise ValidationError(f"{kind.__name__} (type {kind.type!r}) is not in the vocabulary; nothing can read it")
        _kinds_with_data[kind] = len(dataclasses.fields(kind)) > len(dataclasses.fields(Annotation))
    return _kinds_with_data[kind]


@functools.lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction:
    return Fraction(text)
