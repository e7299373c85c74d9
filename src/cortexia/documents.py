"""The JSON files of a video: their names and their form, alike in an export and in a store that is a folder.

``job_metadata.json``, ``scene_detection.json``, ``audio_processing.json``, ``object_detection.json`` and so on; an
annotator that belongs to no group has a file of its own name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from typing import IO, Any, Protocol

from cortexia.types import (
    MICROSECONDS,
    MediaInfo,
    RunSpec,
    RunStatus,
    StoredRow,
    Verdict,
    VideoIdentity,
    canonical_json,
)

METADATA = "job_metadata"
FILES: Mapping[str, str] = {
    "shots": "scene_detection",
    "frames": "scene_detection",
    "shot_summary": "scene_detection",
    "loudness": "audio_processing",
    "speech": "audio_processing",
    "transcription": "audio_processing",
    "voices": "audio_processing",
    "speakers": "audio_processing",
    "speaker_words": "audio_processing",
    "sounds": "audio_processing",
    "objects": "object_detection",
    "tracks": "object_tracking",
    "people": "person_tracking",
    "keypoints": "person_tracking",
    "faces": "face_analysis",
    "face_groups": "face_analysis",
}
"""File of an annotator, without its suffix, where it is not its own name."""


class VideoFacts(Protocol):
    """A stored video. ``media`` is ``None`` until it was probed, ``verdict`` until it was read."""

    @property
    def identity(self) -> VideoIdentity: ...

    @property
    def media(self) -> MediaInfo | None: ...

    @property
    def verdict(self) -> Verdict | None: ...


class RunFacts(Protocol):
    """A stored run and what came of it."""

    @property
    def spec(self) -> RunSpec: ...

    @property
    def run_id(self) -> str: ...

    @property
    def status(self) -> RunStatus: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def message(self) -> str | None: ...

    @property
    def started_at(self) -> str | None: ...

    @property
    def annotation_count(self) -> int: ...

    @property
    def quarantined_count(self) -> int: ...


def file_of(annotator: str) -> str:
    """The file, without suffix, that holds the rows of ``annotator``."""
    return FILES.get(annotator, f"annotator_{annotator}" if annotator == METADATA else annotator)


def write_annotations(
    video: VideoFacts,
    runs: Sequence[RunFacts],
    rows: Iterable[StoredRow],
    open_file: Callable[[str], AbstractContextManager[IO[bytes]]],
) -> int:
    """Every file of one video but ``METADATA``; returns how many annotations. ``open_file``: a file by its name without
    suffix, in its place only when the block ended well. A file is there for every run, also where it found nothing."""
    count = 0
    with ExitStack() as stack:
        files: dict[str, _RowFile] = {}
        for name in sorted({file_of(run.spec.annotator) for run in runs}):
            here = [run for run in runs if file_of(run.spec.annotator) == name]
            files[name] = _RowFile(stack.enter_context(open_file(name)), video, here)
        for row in rows:
            files[file_of(row.annotator)].add(row)
            count += 1
        for opened in files.values():
            opened.end()
    return count


class _RowFile:
    """A JSON object that ends with the array of its annotations, one a line."""

    def __init__(self, out: IO[bytes], video: VideoFacts, runs: Sequence[RunFacts]) -> None:
        self._out = out
        self._separator = b"\n"
        head = {
            "video_id": video.identity.video_id,
            "uri": video.identity.uri,
            "runs": [run_to_dict(run) for run in runs],
        }
        out.write(canonical_json(head).removesuffix("}").encode() + b',"annotations":[')

    def add(self, row: StoredRow) -> None:
        self._out.write(self._separator + canonical_json(row_to_dict(row)).encode())
        self._separator = b",\n"

    def end(self) -> None:
        self._out.write(b"\n]}\n")


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


def metadata_of(video: VideoFacts, runs: Sequence[RunFacts]) -> dict[str, Any]:
    """What ``METADATA`` holds: the video, and its runs with the file of each."""
    identity = video.identity
    return {
        "video_id": identity.video_id,
        "uri": identity.uri,
        "filename": identity.filename,
        "size_bytes": identity.size_bytes,
        "media": None if video.media is None else _media_to_dict(video.media),
        "verdict": None if video.verdict is None else video.verdict.as_dict(),
        "runs": [{**run_to_dict(run), "file": f"{file_of(run.spec.annotator)}.json"} for run in runs],
    }


def run_to_dict(run: RunFacts) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "annotator": run.spec.annotator,
        "version": run.spec.version,
        "options": dict(run.spec.options),
        "status": run.status.value,
        "reason": run.reason,
        "message": run.message,
        "annotations": run.annotation_count,
        "quarantined": run.quarantined_count,
    }


def _media_to_dict(media: MediaInfo) -> dict[str, Any]:
    """What a probe learned, without its verdict; fractions as text."""
    values = {item.name: getattr(media, item.name) for item in dataclasses.fields(media) if item.name != "verdict"}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return dict(value) if isinstance(value, Mapping) else value
