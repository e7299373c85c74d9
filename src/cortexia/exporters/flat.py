"""An annotation as one flat record: for tables, which have columns and no boxes inside of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortexia.types import canonical_json

TEXT, WHOLE, REAL = "text", "whole", "real"

COLUMNS: dict[str, str] = {
    "video_id": TEXT,
    "uri": TEXT,
    "type": TEXT,
    "label": TEXT,
    "start_s": REAL,
    "end_s": REAL,
    "start_pts": WHOLE,
    "end_pts": WHOLE,
    "time_base": TEXT,
    "frame_index": WHOLE,
    "track_id": TEXT,
    "confidence": REAL,
    "bbox_x": REAL,
    "bbox_y": REAL,
    "bbox_width": REAL,
    "bbox_height": REAL,
    "data": TEXT,
    "annotator": TEXT,
    "run_id": TEXT,
    "annotation_id": TEXT,
}
"""Columns in their order, with what they hold."""

_SIDES = ("bbox_x", "bbox_y", "bbox_width", "bbox_height")


def flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    """``COLUMNS`` from the JSON values of a row: the box in four numbers (pixels), ``data`` as canonical JSON text.

    A number column holds floats even where the store was given integers, so that a column has one type.
    """
    sides = dict(zip(_SIDES, row["bbox"] or (None,) * 4, strict=True))
    flat = {**row, **sides, "data": canonical_json(row["data"])}
    return {name: _real(flat[name]) if kind == REAL else flat[name] for name, kind in COLUMNS.items()}


def _real(value: float | None) -> float | None:
    return None if value is None else float(value)
