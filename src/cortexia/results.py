"""What ``VideoProcessor.process`` returns: a plain dict that also turns into tables, detections and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cortexia.errors import MissingDependencyError
from cortexia.exporters.coco_categories import UNLABELLED, category_ids
from cortexia.exporters.flat import COLUMNS, flatten
from cortexia.exporters.parquet import rows_to_table

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    import supervision

THUMBNAILS = 24
"""Pictures that the page shows, at most."""


class Result(dict[str, Any]):
    """JSON values with the keys ``video_id``, ``uri``, ``verdict``, ``runs`` and ``annotations``.

    ``thumbnails``: JPEG files by digest, for the page; at most ``THUMBNAILS`` of those that the annotations name.
    """

    def __init__(self, values: Mapping[str, Any], thumbnails: Mapping[str, bytes] | None = None) -> None:
        super().__init__(values)
        self.thumbnails = dict(thumbnails or {})

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each annotation, with the columns of the CSV export: the box in four numbers, ``data`` as JSON
        text. Raises ``MissingDependencyError`` without pandas."""
        try:
            import pandas
        except ImportError as error:
            raise MissingDependencyError("pandas", "pandas") from error
        frame = pandas.DataFrame([flatten(row) for row in self["annotations"]], columns=list(COLUMNS))
        # whole numbers that may be missing would become floats
        return frame.astype({"frame_index": "Int64", "start_pts": "int64", "end_pts": "int64"})

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table`` with the schema of the Parquet export. Raises ``MissingDependencyError`` without it."""
        return rows_to_table(self["annotations"])

    def to_supervision(self) -> dict[int, supervision.Detections]:
        """Detections by frame index, for frames that have any.

        ``xyxy`` (n, 4) float64 pixels; ``confidence`` (n,) float64, ``None`` where any is missing; ``class_id`` (n,)
        as the categories of a COCO export; ``data``: ``class_name``, ``annotation_id``, ``track_id`` (text, empty where
        there is none); ``metadata``: ``frame_index``, ``time_s``. Raises ``MissingDependencyError`` without it.
        """
        try:
            import supervision
        except ImportError as error:
            raise MissingDependencyError("supervision", "supervision") from error
        boxes = [row for row in self["annotations"] if row["type"] == "detection"]
        ids = category_ids(_name(row) for row in boxes)
        boxes.sort(key=_frame_index)
        return {
            frame_index: supervision.Detections(**_detections(list(rows), ids))
            for frame_index, rows in groupby(boxes, key=_frame_index)
        }

    def _repr_html_(self) -> str:
        """A page for notebooks: facts, counts, a strip of key pictures. Text from videos and models is escaped."""
        from cortexia.result_page import page

        return str(page(self, self.thumbnails))


def _frame_index(row: Mapping[str, Any]) -> int:
    return int(row["frame_index"])


def _name(row: Mapping[str, Any]) -> str:
    return UNLABELLED if row["label"] is None else str(row["label"])


def _detections(rows: Sequence[Mapping[str, Any]], ids: Mapping[str, int]) -> dict[str, Any]:
    """Fields of ``supervision.Detections`` for the rows of one frame."""
    import numpy as np

    sides = np.array([row["bbox"] for row in rows], np.float64)
    scores = [row["confidence"] for row in rows]
    return {
        "xyxy": np.hstack([sides[:, :2], sides[:, :2] + sides[:, 2:]]),
        "confidence": None if None in scores else np.array(scores, np.float64),
        "class_id": np.array([ids[_name(row)] for row in rows]),
        "data": {
            "class_name": np.array([_name(row) for row in rows]),
            "annotation_id": np.array([row["annotation_id"] for row in rows]),
            "track_id": np.array([row["track_id"] or "" for row in rows]),
        },
        "metadata": {"frame_index": _frame_index(rows[0]), "time_s": rows[0]["start_s"]},
    }


def shown_pictures(rows: Sequence[Mapping[str, Any]], at_most: int = THUMBNAILS) -> list[Mapping[str, Any]]:
    """Key pictures that a page shows: all, or ``at_most`` spread evenly over the video."""
    pictures = [row for row in rows if row["type"] == "key_picture"]
    if len(pictures) <= at_most:
        return pictures
    return [pictures[place * len(pictures) // at_most] for place in range(at_most)]
