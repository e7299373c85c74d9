"""The decoder that everybody gets: by what a file holds, pictures go to Pillow and everything else to FFmpeg."""

from __future__ import annotations

from pathlib import Path

from cortexia.decoders.base import Decoder, DecodeRequest, MediaStream
from cortexia.decoders.formats import still_format
from cortexia.decoders.limits import DEFAULT_LIMITS, Limits
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.types import MediaInfo


class ContentDecoder:
    """Chooses for each path by content, never by name. A folder is an image sequence."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def probe(self, path: Path) -> MediaInfo:
        """Never raises for the content of a file: ``verdict`` tells."""
        return self._chosen(path).probe(path)

    def open(self, path: Path, info: MediaInfo, request: DecodeRequest) -> MediaStream:
        return self._chosen(path).open(path, info, request)

    def _chosen(self, path: Path) -> Decoder:
        if path.is_absolute() and (path.is_dir() or still_format(path) is not None):
            from cortexia.decoders.stills import StillsDecoder  # Pillow, for those who have pictures

            return StillsDecoder(self._limits)
        return PyAVDecoder(self._limits)
