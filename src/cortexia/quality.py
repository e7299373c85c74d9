"""Is the data about a video sound and complete? For programs; ``cortexia db check`` looks at a whole store."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from cortexia.config import load_settings
from cortexia.errors import DataInconsistencyError, UnknownNameError, ValidationError
from cortexia.exporters.jsonl import row_to_dict
from cortexia.maintenance.completeness import issues_of
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.stores.upkeep import upkeep_of
from cortexia.types import JobState, Query, RunStatus

FRAME_TOLERANCE_S = 0.5
"""A caption is about its frame: their times differ by no more than this."""

_IDS_A_STATEMENT = 500
_log = structlog.get_logger(__name__)

Store = StorageBackend | str | None
"""A store, where it lies, or ``None`` for that of the settings."""


@contextmanager
def _opened(store: Store) -> Iterator[StorageBackend]:
    """What is opened here is closed again; what was handed in stays open."""
    if store is not None and not isinstance(store, str):
        yield store
        return
    made = open_store(store or load_settings().settings.store, create=False)
    try:
        yield made
    finally:
        made.close()


class DataValidator:
    """Looks at values before they are stored."""

    @staticmethod
    def validate_caption(caption: Mapping[str, Any]) -> bool:
        """``True`` for a caption that is sound: ``text`` that says something, ``timestamp`` in seconds of at least 0,
        ``confidence`` in [0, 1] (may be left out or ``None``), and ``frame_timestamp``, where it is given, the same
        moment to within half a second.

        Raises ``ValidationError`` for a value that is wrong by itself, ``DataInconsistencyError`` for a caption that is
        not about its frame.
        """
        text = caption.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"caption: 'text' must say something, got {text!r:.60}")
        timestamp = _seconds(caption, "timestamp")
        confidence = caption.get("confidence")
        if confidence is not None and not (_is_number(confidence) and 0.0 <= confidence <= 1.0):
            raise ValidationError(f"caption: 'confidence' must lie in [0, 1], got {confidence!r:.60}")
        if caption.get("frame_timestamp") is not None:
            frame_timestamp = _seconds(caption, "frame_timestamp")
            if abs(timestamp - frame_timestamp) > FRAME_TOLERANCE_S:
                raise DataInconsistencyError(
                    f"caption at {timestamp} s is about a frame at {frame_timestamp} s: more than {FRAME_TOLERANCE_S} s"
                )
        return True


def _seconds(caption: Mapping[str, Any], name: str) -> float:
    value: Any = caption.get(name)
    if not _is_number(value) or value < 0:
        raise ValidationError(f"caption: {name!r} must be seconds of at least 0, got {value!r:.60}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class DataConsistencyChecker:
    """Compares what is stored of a video with what should be."""

    def __init__(self, store: Store = None) -> None:
        self._store = store

    def check_video_completeness(self, video_id: str) -> dict[str, Any]:
        """``{video_id, frames, captions, transcripts, objects, issues, complete}``: counts of current rows (``frames``:
        key pictures), what is amiss in words, and whether nothing is and every run has ended well.

        Raises ``UnknownNameError`` for a video that is not stored.
        """
        with _opened(self._store) as store:
            if store.video(video_id) is None:
                raise UnknownNameError("video", video_id, (record.identity.video_id for record in store.videos()))
            rows = upkeep_of(store).rows_by_type(video_id)
            issues = [*_unfinished(store, video_id), *(message for _, message in issues_of(store, video_id))]
        return {
            "video_id": video_id,
            "frames": rows.get("key_picture", 0),
            "captions": rows.get("caption", 0),
            "transcripts": rows.get("transcription", 0),
            "objects": rows.get("object_detection", 0),
            "issues": issues,
            "complete": not issues,
        }


def _unfinished(store: StorageBackend, video_id: str) -> Iterator[str]:
    runs = list(store.runs(video_id))
    if not runs:
        yield "no annotator has looked at it yet"
    for run in runs:
        if run.status is RunStatus.FAILED:
            yield f"{run.spec.annotator} failed: {run.message or run.reason}"
        elif not run.status.is_final:
            yield f"{run.spec.annotator} has not finished"
    for job in store.jobs(video_id):
        if job.status is JobState.FAILED and not runs:
            yield f"job {job.job_id} failed: {job.error_message}"


class DataPipelineMonitor:
    """Takes down how long stages take, and how complete videos are; each also goes to the log as ``processing.{stage}``
    (seconds) and ``data.completeness`` (0 to 1)."""

    def __init__(self, store: Store = None) -> None:
        self._checker = DataConsistencyChecker(store)
        self._stages: dict[str, dict[str, float]] = {}

    def track_processing(self, video_id: str, stage: str, duration: float) -> None:
        """``duration``: seconds; those of the same stage of a video add up. Raises ``ValidationError``."""
        if not stage or not _is_number(duration) or duration < 0:
            raise ValidationError(f"stage {stage!r:.60} cannot have taken {duration!r:.60} s")
        stages = self._stages.setdefault(video_id, {})
        stages[stage] = stages.get(stage, 0.0) + duration
        _log.info(f"processing.{stage}", video_id=video_id, duration_s=duration, tracked_at=time.time())

    def check_data_quality(self, video_id: str) -> dict[str, Any]:
        """What ``check_video_completeness`` gives, with ``stages`` (seconds by name, as they were tracked here) and
        ``completeness``: the part of frames that have a caption, where there are captions; else 1 or 0, as
        ``complete`` says."""
        found = self._checker.check_video_completeness(video_id)
        described = min(1.0, found["captions"] / found["frames"]) if found["frames"] and found["captions"] else None
        completeness = float(found["complete"]) if described is None else described
        _log.info("data.completeness", video_id=video_id, completeness=completeness, issues=len(found["issues"]))
        return {**found, "stages": dict(self._stages.get(video_id, {})), "completeness": completeness}


def get_frames_batch(ids: Sequence[str], store: Store = None) -> dict[str, list[dict[str, Any]]]:
    """Key pictures of many videos (``ids``: of videos) by video id, in order of time; a statement for 500 videos."""
    return _batch("key_picture", ids, store)


def get_captions_batch(ids: Sequence[str], store: Store = None) -> dict[str, list[dict[str, Any]]]:
    """Captions of many videos (``ids``: of videos) by video id, in order of time; a statement for 500 videos."""
    return _batch("caption", ids, store)


def _batch(kind: str, ids: Sequence[str], store: Store) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {video_id: [] for video_id in ids}
    wanted = list(found)
    with _opened(store) as opened:
        for start in range(0, len(wanted), _IDS_A_STATEMENT):
            some = tuple(wanted[start : start + _IDS_A_STATEMENT])
            for row in opened.find(Query(types=(kind,), video_ids=some)):
                found[row.video_id].append(row_to_dict(row))
    return found
