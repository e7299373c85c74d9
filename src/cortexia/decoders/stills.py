"""The decoder of pictures: one still is a video of one frame, a sequence a video at the rate stated for it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cortexia.decoders.base import DecodeRequest
from cortexia.decoders.limits import DEFAULT_LIMITS, Limits
from cortexia.decoders.pixels import StillPicture, read_picture
from cortexia.decoders.probe import rejected_info
from cortexia.decoders.sequence import Sequence
from cortexia.decoders.still_stream import StillStream
from cortexia.errors import RejectedInput
from cortexia.types import MediaInfo, Verdict, VerdictStatus, VideoStream

_STILL_RATE = Fraction(1)
"""A still has no time of its own: it is shown for one second."""


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Picture files in order, and how many of them are shown per second."""

    paths: tuple[Path, ...]
    rate: Fraction
    container: str

    @classmethod
    def at(cls, path: Path) -> PictureFiles:
        """Raises ``RejectedInput`` for a folder that is no sequence."""
        if not path.is_dir():
            return cls((path,), _STILL_RATE, "image")
        sequence = Sequence.read(path)
        return cls(tuple(path / name for name in sequence.images), sequence.rate, "image_sequence")


class StillsDecoder:
    """Reads picture files with Pillow, within ``limits``: a file, or a folder with a ``sequence.json``."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def probe(self, path: Path) -> MediaInfo:
        """Never raises for the content of a file: ``verdict`` tells. The first picture that can be is decoded."""
        try:
            files = PictureFiles.at(path)
            return _info(files, self._first_of(files))
        except RejectedInput as error:
            return rejected_info(path, error, "image_sequence" if path.is_dir() else "image")

    def open(self, path: Path, info: MediaInfo, request: DecodeRequest) -> StillStream:
        files = PictureFiles.at(path)
        return StillStream(files.paths, files.rate, info, request, self._limits)

    def _first_of(self, files: PictureFiles) -> StillPicture:
        """The first picture that can be decoded; raises what the first one said where none can."""
        first: RejectedInput | None = None
        for path in files.paths[: self._limits.probe_packets]:
            try:
                return read_picture(path, self._limits)
            except RejectedInput as error:
                first = first or error
        assert first is not None  # noqa: S101 - a sequence has pictures  # nosec B101
        raise first


def _info(files: PictureFiles, picture: StillPicture) -> MediaInfo:
    height, width = picture.rgb.shape[:2]
    count = len(files.paths)
    return MediaInfo(
        container=files.container,
        size_bytes=sum(path.stat().st_size for path in files.paths if path.is_file()),
        duration_s=float(count / files.rate),
        origin=Fraction(0),
        video=VideoStream(
            stream_index=0,
            codec=picture.codec,
            width=width,
            height=height,
            coded_width=picture.stored_size[0],
            coded_height=picture.stored_size[1],
            rotation=picture.rotation,
            sample_aspect=Fraction(1),
            time_base=1 / files.rate,
            average_rate=files.rate,
            declared_frames=count,
            pixel_format="rgb24",
            first_s=0.0,
        ),
        audio=None,
        verdict=Verdict(VerdictStatus.OK),
    )
