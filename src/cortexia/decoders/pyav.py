"""The decoder on PyAV: FFmpeg's libraries in this process, local files only."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.codec import UnknownCodecError

from cortexia.decoders import probe
from cortexia.decoders.base import DecodeRequest
from cortexia.decoders.limits import DEFAULT_LIMITS, Limits
from cortexia.decoders.stream import PyAVStream
from cortexia.types import MediaInfo

_COMMON_CODECS = (
    *("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mjpeg", "prores", "gif"),
    *("aac", "mp3", "opus", "vorbis", "flac", "ac3", "pcm_s16le"),
)


def missing_codecs() -> tuple[str, ...]:
    """Common codecs that this build of FFmpeg has no decoder for."""
    missing = []
    for name in _COMMON_CODECS:
        try:
            av.Codec(name, "r")
        except UnknownCodecError:
            missing.append(name)
    return tuple(missing)


class PyAVDecoder:
    """Reads what FFmpeg reads, within ``limits``, from local files by absolute path."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def probe(self, path: Path) -> MediaInfo:
        """Never raises for the content of a file: ``verdict`` tells."""
        return probe.probe(path, self._limits)

    def open(self, path: Path, info: MediaInfo, request: DecodeRequest) -> PyAVStream:
        return PyAVStream(path, info, request, self._limits)
