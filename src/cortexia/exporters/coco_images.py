"""The images of COCO's files: a frame each."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportSource, VideoFacts
from cortexia.exporters.sequences import is_safe, picture_stream
from cortexia.sightings import Moment
from cortexia.types import MICROSECONDS

_STILL_SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)
_NUMBER = re.compile(r"[0-9]{1,18}")


def frame_file_name(frame_index: int, start_us: int) -> str:
    """``frame_000012_480.jpg``: index of the frame, and its time from the video's origin in whole milliseconds."""
    return f"frame_{frame_index:06d}_{start_us // 1000}.jpg"


class Images:
    """Images as frames come; ids count from 1, or are the numbers in the names of stills."""

    def __init__(self, source: ExportSource, by_stem: bool = False) -> None:
        self._source = source
        self._by_stem = by_stem
        self._video: VideoFacts | None = None
        self._stems: dict[int, str] = {}
        self._names: dict[str, str] = {}
        self._count = 0

    def of(self, moment: Moment) -> dict[str, Any]:
        """The image of a frame; each frame is asked for once."""
        video = self.video(moment.video_id)
        stream = picture_stream(video)
        self._count += 1
        number = self._stem_id(video) if self._by_stem else self._count
        name = _file_name(video, moment)
        if "/" not in name and self._names.setdefault(name, moment.video_id) != moment.video_id:
            name = f"{moment.video_id}/{name}"
        return {
            "id": number,
            "file_name": name,
            "width": stream.width,
            "height": stream.height,
            "video_id": moment.video_id,
            "uri": video.identity.uri,
            "frame_index": moment.frame_index,
            "time_s": moment.start_us / MICROSECONDS,
        }

    def video(self, video_id: str) -> VideoFacts:
        if self._video is None or self._video.identity.video_id != video_id:
            self._video = self._source.video(video_id)
        return self._video

    def _stem_id(self, video: VideoFacts) -> int:
        name, video_id = video.identity.filename, video.identity.video_id
        stem = name.rpartition(".")[0]
        if not (is_still(video) and _NUMBER.fullmatch(stem)):
            raise ConfigurationError(f"image_ids=stem needs stills whose names are numbers, but {name!r} is none")
        number = int(stem)
        if self._stems.setdefault(number, video_id) != video_id:
            raise ConfigurationError(f"image_ids=stem: two images have the number {number}, the second is {name!r}")
        return number


def is_still(video: VideoFacts) -> bool:
    """Whether a stored video is one picture in a file of a picture format."""
    suffix = PurePosixPath(video.identity.filename.lower()).suffix
    return suffix in _STILL_SUFFIXES and (video.verdict is None or video.verdict.frames_decoded <= 1)


def _file_name(video: VideoFacts, moment: Moment) -> str:
    """Below a folder for each video; a still keeps its own name, without a folder, where that is safe as a path."""
    name = video.identity.filename
    if is_still(video) and is_safe(name):
        return name
    return f"{moment.video_id}/{frame_file_name(moment.frame_index, moment.start_us)}"
