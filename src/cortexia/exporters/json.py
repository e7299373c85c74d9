"""JSON files in a folder for each video: what each group of annotators found, and what was done.

``{root}/{video_id}/job_metadata.json``, ``scene_detection.json``, ``audio_processing.json``, ``object_detection.json``
and so on, named and formed as ``cortexia.documents`` says.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from cortexia.documents import METADATA, VideoFacts, metadata_of, write_annotations
from cortexia.exporters.base import ExportFolder, ExportSource
from cortexia.types import canonical_json


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
    with out.file(f"{video_id}/{METADATA}.json") as metadata:
        metadata.write(canonical_json(metadata_of(video, runs)).encode() + b"\n")
        return write_annotations(video, runs, source.rows_of(runs), lambda name: out.file(f"{video_id}/{name}.json"))
