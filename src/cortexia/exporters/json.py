"""JSON files in a folder for each video: what each group of annotators found, and what was done.

``{root}/{video_id}/job_metadata.json``, ``scene_detection.json``, ``audio_processing.json``, ``object_detection.json``
and so on; an annotator that belongs to no group has a file of its own name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import IO, Any, ClassVar, Literal

from cortexia.exporters.base import ExportFolder, ExportSource, RunFacts, VideoFacts
from cortexia.exporters.jsonl import row_to_dict
from cortexia.types import MediaInfo, StoredRow, canonical_json

METADATA = "job_metadata"
FILES: Mapping[str, str] = {
    "shots": "scene_detection",
    "frames": "scene_detection",
    "shot_summary": "scene_detection",
    "loudness": "audio_processing",
    "objects": "object_detection",
    "persons": "person_tracking",
    "faces": "face_analysis",
}
"""File of an annotator, without its suffix, where it is not its own name."""


def file_of(annotator: str) -> str:
    """The file, without suffix, that holds the rows of ``annotator``."""
    return FILES.get(annotator, f"annotator_{annotator}" if annotator == METADATA else annotator)


class JsonExporter:
    """A file is there for every run of a video, also where it found nothing: its ``runs`` tell what came of it."""

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ""
    media_type: ClassVar[str] = "application/json"
    target: ClassVar[Literal["folder"]] = "folder"
    cannot_carry: ClassVar[tuple[str, ...]] = ("pictures (their digests are in data)", "when and how fast runs worked")

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        left, count = source.query.limit, 0
        for video in source.videos():
            if left is not None:
                source = dataclasses.replace(source, query=dataclasses.replace(source.query, limit=left - count))
            count += _write_video(source, video, out)
        return count


def _write_video(source: ExportSource, video: VideoFacts, out: ExportFolder) -> int:
    """All files of one video, which are replaced together once all of them are complete."""
    video_id = video.identity.video_id
    runs = source.runs(video_id)
    count = 0
    with ExitStack() as stack:
        stack.enter_context(out.file(f"{video_id}/{METADATA}.json")).write(_metadata(video, runs))
        files: dict[str, _RowFile] = {}
        for name in sorted({file_of(run.spec.annotator) for run in runs}):
            here = [run for run in runs if file_of(run.spec.annotator) == name]
            file = stack.enter_context(out.file(f"{video_id}/{name}.json"))
            files[name] = _RowFile(file, video, here)
        for row in source.rows_of(runs):
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
            "runs": [_run_to_dict(run) for run in runs],
        }
        out.write(canonical_json(head).removesuffix("}").encode() + b',"annotations":[')

    def add(self, row: StoredRow) -> None:
        self._out.write(self._separator + canonical_json(row_to_dict(row)).encode())
        self._separator = b",\n"

    def end(self) -> None:
        self._out.write(b"\n]}\n")


def _metadata(video: VideoFacts, runs: Sequence[RunFacts]) -> bytes:
    identity = video.identity
    values = {
        "video_id": identity.video_id,
        "uri": identity.uri,
        "filename": identity.filename,
        "size_bytes": identity.size_bytes,
        "media": None if video.media is None else _media_to_dict(video.media),
        "verdict": None if video.verdict is None else video.verdict.as_dict(),
        "runs": [{**_run_to_dict(run), "file": f"{file_of(run.spec.annotator)}.json"} for run in runs],
    }
    return canonical_json(values).encode() + b"\n"


def _run_to_dict(run: RunFacts) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "annotator": run.spec.annotator,
        "version": run.spec.version,
        "options": dict(run.spec.options),
        "status": run.status.value,
        "reason": run.reason,
        "message": run.message,
        "annotations": run.annotation_count,
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
