"""The texts and numbers of annotations: what a database can hold, and how the rest is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cortexia.errors import AnnotatorError
from cortexia.types import Annotation, canonical_json

INT64 = 1 << 63
_TEXT_SHOWN, _ITEMS_SHOWN, _DEPTH_SHOWN, _CONTENT_SHOWN = 256, 32, 4, 4096
Fault = tuple[str, str]
"""Reason (a code) and message."""


_PLAIN_NUMBER, _PLAIN_INT, _PLAIN_TEXT = ({float, int, type(None)}, {int, type(None)}, {str, type(None)})


def has_plain_types(annotation: Annotation) -> bool:
    """Whether the fields that the types do not look at are of Python's own types: of most rows, and quickly told."""
    box, span = annotation.bbox, annotation.span
    return (
        type(annotation.confidence) in _PLAIN_NUMBER
        and type(annotation.frame_index) in _PLAIN_INT
        and type(annotation.label) in _PLAIN_TEXT
        and type(annotation.track_id) in _PLAIN_TEXT
        and type(span.start.pts) is type(span.end.pts) is int
        and (box is None or type(box.x1) is type(box.y1) is type(box.x2) is type(box.y2) is float)
    )


def require_types(annotation: Annotation, annotator: str) -> None:
    """Raises ``AnnotatorError`` for a field of a wrong type: numbers of NumPy are no Python numbers (R-12)."""
    box, span = annotation.bbox, annotation.span
    _require(annotation.confidence, int | float, "confidence", annotator)
    _require(annotation.frame_index, int, "frame_index", annotator)
    _require(annotation.label, str, "label", annotator)
    _require(annotation.track_id, str, "track_id", annotator)
    if type(span.start.pts) is not int or type(span.end.pts) is not int:
        raise AnnotatorError(annotator, "the pts of a span must be of type int")
    if box is not None:
        for side in box.corners:
            _require(side, int | float, "bbox", annotator)


def _require(value: object, wanted: Any, name: str, annotator: str) -> None:
    if value is not None and not isinstance(value, wanted):
        expected = "float" if wanted == int | float else wanted.__name__
        raise AnnotatorError(annotator, f"{name} is of type {type(value).__name__}, must be {expected}")


def text_fault(text: str) -> Fault | None:
    """Why no database holds ``text``."""
    if "\0" in text:
        return "text", "a text holds a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "text", "a text is no valid Unicode"
    return None


_WELL = frozenset({int, bool, type(None)})


def value_fault(value: Any) -> Fault | None:
    """The first value inside JSON values that has no place in a database."""
    kind = type(value)
    if kind in _WELL:
        return None
    if kind is float or isinstance(value, float):
        return None if math.isfinite(value) else ("not_finite", "a number is not finite")
    if kind is str or isinstance(value, str):
        return text_fault(value)
    if kind is dict or isinstance(value, Mapping):
        for key, item in value.items():
            if fault := text_fault(str(key)) or value_fault(item):
                return fault
    elif isinstance(value, list | tuple):
        for item in value:
            if fault := value_fault(item):
                return fault
    return None


def describe(annotation: Annotation) -> dict[str, Any]:
    """What a quarantined annotation said, as JSON values that any database takes: short, and written out."""
    span, box = annotation.span, annotation.bbox
    values = {
        "label": annotation.label,
        "confidence": annotation.confidence,
        "frame_index": annotation.frame_index,
        "track_id": annotation.track_id,
        "bbox": None if box is None else list(box.xywh),
        "start_pts": span.start.pts,
        "end_pts": span.end.pts,
        "time_base": str(span.start.time_base),
        "data": annotation.data(),
    }
    shown = {name: _shown(value) for name, value in values.items() if value is not None}
    text = canonical_json(shown["data"])
    return shown if len(text) <= _CONTENT_SHOWN else {**shown, "data": text[:_CONTENT_SHOWN]}


def _shown(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        text = value[:_TEXT_SHOWN].encode("utf-8", "backslashreplace").decode()
        return text.replace("\0", "\\x00")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, int):
        return value if isinstance(value, bool) or abs(value) < INT64 else str(value)[:_TEXT_SHOWN]
    if depth >= _DEPTH_SHOWN:
        return "..."
    if isinstance(value, dict):
        items = list(value.items())[:_ITEMS_SHOWN]
        return {_shown(key): _shown(item, depth + 1) for key, item in items}
    if isinstance(value, list):
        return [_shown(item, depth + 1) for item in value[:_ITEMS_SHOWN]]
    return value
