"""Pictures and sound back into a file: the way out through FFmpeg, beside the way in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream as OutputVideo

from cortexia.decoders.container import open_container
from cortexia.decoders.limits import DEFAULT_LIMITS
from cortexia.errors import ProcessingError, ResourceError
from cortexia.types import MediaInfo, Picture

CODECS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"preset": "veryfast", "crf": "20", "bf": "0"}),
    ("libopenh264", {"b": "4000k"}),
    ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"}),
    ("mpeg4", {"q": "4", "flags": "+qscale"}),
)
"""Encoders in the order in which they are tried: which there are depends on how the wheel of PyAV was made."""

_AAC_RATES = frozenset((96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350))
_AAC_RATE = 48000
_COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})


def video_encoder(codecs: tuple[tuple[str, dict[str, str]], ...] = CODECS) -> tuple[str, dict[str, str]]:
    """Name and options of the first encoder that this FFmpeg has. Raises ``ResourceError`` when it has none."""
    for name, options in codecs:
        try:
            Codec(name, "w")
        except ValueError:  # UnknownCodecError
            continue
        return name, options
    raise ResourceError(f"no encoder for video is there (looked for {', '.join(name for name, _ in codecs)})")


class VideoWriter:
    """An MP4 with pictures as they are handed in and, where ``source`` has any, its sound.

    ``size``: width and height of the pictures, both even. ``time_base``: of the pts that ``write`` takes. Sound goes in
    as it is where MP4 takes its codec, as AAC else (at 48 kHz where AAC has no such rate); its times move by
    ``-origin`` seconds, as those of the pictures should have been. Use as a context manager; a file that was not
    finished is of no use.
    """

    def __init__(
        self, output: Path, size: tuple[int, int], time_base: Fraction, source: tuple[Path, MediaInfo]
    ) -> None:
        self._output = output
        self._size = size
        self._base = time_base
        self._source = source
        self._pending: dict[int, int] = {}

    def __enter__(self) -> Self:
        options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled", "movflags": "+faststart"}
        encoder = video_encoder()
        try:
            self._container: OutputContainer = av.open(str(self._output), "w", format="mp4", options=options)
        except (av.FFmpegError, OSError) as error:
            raise ResourceError(f"cannot write {self._output}: {error}") from error
        self._video = self._add_video(*encoder)
        self._sound = _Sound(self._container, *self._source) if self._source[1].audio else None
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        if self._sound is not None:
            self._sound.close()
        try:
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            if kind is None:
                raise ResourceError(f"cannot write {self._output}: {error}") from error

    def _add_video(self, name: str, options: dict[str, str]) -> OutputVideo:
        video = self._source[1].video
        stream = self._container.add_stream(name, rate=video.average_rate if video else None, options=options)
        assert isinstance(stream, OutputVideo)  # noqa: S101 - video encoders make video streams  # nosec B101
        context = stream.codec_context
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.time_base = stream.time_base = self._base
        return stream

    def write(self, picture: Picture, pts: int, duration: int) -> None:
        """Encode ``picture`` (h, w, 3) uint8 RGB, shown from ``pts`` on for ``duration`` ticks. Raises
        ``ProcessingError`` when the encoder refuses it."""
        if self._sound is not None:
            self._mux(self._sound.until(pts * self._base))
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, self._base
        self._pending[pts] = duration
        self._encode(frame)

    def finish(self) -> None:
        """Flush the encoder and write the rest of the sound."""
        self._encode(None)
        if self._sound is not None:
            self._mux(self._sound.until(None))

    def _encode(self, frame: Any) -> None:
        try:
            packets = self._video.encode(frame)
        except (av.FFmpegError, ValueError) as error:
            raise ProcessingError(f"{self._output}: a picture could not be encoded: {error}") from error
        for packet in packets:
            # encoders do not know durations; the last one of a file would be lost
            packet.duration = self._pending.pop(packet.pts or 0, 0)
        self._mux(iter(packets))

    def _mux(self, packets: Iterator[Any]) -> None:
        try:
            for packet in packets:
                self._container.mux(packet)
        except (av.FFmpegError, OSError) as error:
            raise ResourceError(f"cannot write {self._output}: {error}") from error


class _Sound:
    """Packets of the source's sound for the output, in order, as far as asked for."""

    def __init__(self, output: OutputContainer, path: Path, media: MediaInfo) -> None:
        assert media.audio is not None  # noqa: S101 - made for files with sound only  # nosec B101
        self._input: InputContainer = open_container(path, DEFAULT_LIMITS)[0]
        self._stream: Any = self._input.streams[media.audio.stream_index]
        self._copies = media.audio.codec in _COPIED
        self._origin = media.origin
        if self._copies:
            self._target: Any = output.add_stream_from_template(self._stream)
        else:
            rate = media.audio.rate
            self._target = output.add_stream("aac", rate=rate if rate in _AAC_RATES else _AAC_RATE)
            self._target.codec_context.layout = "stereo" if media.audio.channels > 1 else "mono"
        self._packets = self._copied() if self._copies else self._transcoded()
        self._held: deque[Any] = deque()

    def close(self) -> None:
        self._input.close()

    def until(self, seconds: Fraction | None) -> Iterator[Any]:
        """Packets that begin before ``seconds``; all that are left with ``None``."""
        while True:
            if not self._held:
                packet = next(self._packets, None)
                if packet is None:
                    return
                self._held.append(packet)
            if seconds is not None and self._held[0].pts * self._held[0].time_base > seconds:
                return
            yield self._held.popleft()

    def _copied(self) -> Iterator[Any]:
        """Packets whose times rise; one that goes back in time no muxer would take."""
        last: int | None = None
        moved = round(self._origin / self._stream.time_base)
        for packet in self._demuxed():
            if packet.pts is None or packet.dts is None or (last is not None and packet.dts <= last):
                continue
            last = packet.dts
            packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
            packet.stream = self._target
            yield packet

    def _transcoded(self) -> Iterator[Any]:
        """Decoded, brought to the encoder's form, encoded. What cannot be decoded is left out."""
        context = self._target.codec_context
        resampler = av.AudioResampler(format="fltp", layout=context.layout, rate=context.sample_rate)
        origin = round(self._origin * context.sample_rate)
        for packet in self._demuxed():
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                for ready in resampler.resample(frame):
                    ready.pts = None if ready.pts is None else ready.pts - origin
                    yield from self._target.encode(ready)
        for ready in resampler.resample(None):
            ready.pts = None if ready.pts is None else ready.pts - origin
            yield from self._target.encode(ready)
        yield from self._target.encode(None)

    def _demuxed(self) -> Iterator[Any]:
        try:
            for packet in self._input.demux(self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError:
            return
