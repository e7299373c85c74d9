"""Names of videos as names of folders and files, and what formats want to know of their pictures."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from cortexia.errors import DataInconsistencyError, ValidationError
from cortexia.exporters.base import VideoFacts
from cortexia.files import check_name
from cortexia.types import VideoStream

_VIDEO_ID = re.compile("[0-9a-f]{64}")
_NAME_BYTES = 200
"""Formats put more behind a name, and file systems take 255."""


class SequenceNames:
    """The name of each video's part of an export: its file name without the suffix; where that is no safe name, hidden,
    too long, like the id of a video, or another video has it, the id of the video."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def of(self, video: VideoFacts) -> str:
        video_id = video.identity.video_id
        name = video.identity.filename
        stem = name if "/" in name else PurePosixPath(name).stem
        # some file systems take names for the same that differ in case
        is_own = _may_be_used(stem) and self._owners.setdefault(stem.casefold(), video_id) == video_id
        return stem if is_own else video_id


def _may_be_used(stem: str) -> bool:
    """A name that looks like an id is left to the video whose id it is: that one may have to fall back to it."""
    is_plain = is_safe(stem) and not stem.startswith(".") and len(stem.encode()) <= _NAME_BYTES
    return is_plain and not _VIDEO_ID.fullmatch(stem.casefold())


def is_safe(name: str) -> bool:
    """Whether ``name`` is one part of a path, on any system."""
    try:
        check_name(name)
    except ValidationError:
        return False
    return "/" not in name


def picture_stream(video: VideoFacts) -> VideoStream:
    """The picture track. Raises ``DataInconsistencyError`` where none is known."""
    if video.media is None or video.media.video is None:
        raise DataInconsistencyError(
            f"video {video.identity.video_id} has boxes but no size of pictures; annotate it again"
        )
    return video.media.video


def frame_count(video: VideoFacts, last_index: int) -> int:
    """Frames of a video: as decoded, at least as many as ``last_index`` tells."""
    decoded = video.verdict.frames_decoded if video.verdict else 0
    return max(decoded, last_index + 1)
