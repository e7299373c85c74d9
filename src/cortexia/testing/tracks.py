"""Encoders of generated clips: one picture track, one sound track, packets out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeVar

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from cortexia.testing.footage import frame_durations, place_shots, render
from cortexia.testing.sound import Samples, sound_blocks
from cortexia.testing.spec import SoundSpec, VideoSpec
from cortexia.types import Picture

TrackStream = TypeVar("TrackStream", VideoStream, AudioStream)

VARIABLE_BASE = Fraction(1, 90_000)
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
_SAMPLE_FORMATS = {"aac": "fltp", "libmp3lame": "fltp", "libopus": "flt", "libvorbis": "fltp", "flac": "s16"}


class PictureTrack:
    """Encodes the pictures of a spec."""

    def __init__(self, container: OutputContainer, spec: VideoSpec, ordinal: int, is_default: bool) -> None:
        self.spec = spec
        self.ordinal = ordinal
        self.shots = place_shots(spec)
        self.frame_count = self.shots[-1].last + 1
        self._base = VARIABLE_BASE if spec.frame_durations else 1 / spec.rate
        self._durations: dict[int, int] = {}
        self._key_ticks: set[int] = set()
        self.stream = _added(container, spec.codec, spec.rate, _options(spec), VideoStream)
        context = self.stream.codec_context
        context.width, context.height = spec.coded_size
        context.pix_fmt = spec.pix_fmt
        context.time_base = self.stream.time_base = self._base
        # a fixed number: what x264 writes depends on it
        context.thread_count = 1 if spec.codec == "libx265" else 2
        context.sample_aspect_ratio = self.stream.sample_aspect_ratio = spec.sample_aspect
        self.stream.disposition = Disposition.default if is_default else Disposition(0)
        if spec.rotation:
            self.stream.set_display_rotation(-spec.rotation)  # PyAV counts anticlockwise

    @property
    def length(self) -> Fraction:
        """Seconds from the container's zero to the end of the last frame."""
        start, duration = list(self._schedule())[-1]
        return (start + duration) * self._base

    def times(self) -> Iterator[tuple[int, int]]:
        """Presentation time and duration of each frame in units of the container's time base (once writing began)."""
        base = self.stream.time_base or self._base
        for start, duration in self._schedule():
            yield _rescale(start * self._base / base), max(1, _rescale(duration * self._base / base))

    def keyframes(self) -> tuple[int, ...]:
        """Indexes of the frames that were written as key pictures."""
        return tuple(index for index, (start, _) in enumerate(self._schedule()) if start in self._key_ticks)

    @property
    def frames_before_zero(self) -> int:
        """Frames that start before the container's zero. Raises ``ValueError`` when one straddles it."""
        starts = [start for start, _ in self._schedule()]
        if starts[0] < 0 <= starts[-1] and 0 not in starts:
            raise ValueError("a start before zero must be a whole number of frames before it")
        return sum(start < 0 for start in starts)

    @property
    def time_base(self) -> Fraction:
        return self.stream.time_base or self._base

    def mux_into(self, container: OutputContainer) -> Iterator[Fraction]:
        """Encode and write frame by frame; yields how far it has come, in seconds."""
        for picture, (start, duration) in zip(render(self.spec), self._schedule(), strict=True):
            frame = self._frame(picture)
            frame.pts, frame.time_base = start, self._base
            self._durations[start] = duration
            self._mux(container, self.stream.encode(frame))
            yield (start + duration) * self._base
        self._mux(container, self.stream.encode(None))

    def _schedule(self) -> Iterator[tuple[int, int]]:
        """Start and duration of each frame in the encoder's time base."""
        exact = Fraction(self.spec.start_s).limit_denominator(90_000)
        start = _rescale(exact / self._base)
        for duration in frame_durations(self.spec, self.frame_count):
            exact += duration
            stop = _rescale(exact / self._base)
            if stop <= start:
                raise ValueError(f"a frame of {float(duration)} s is too short for a time base of {self._base}")
            yield start, stop - start
            start = stop

    def _frame(self, picture: Picture) -> av.VideoFrame:
        if self.spec.rotation:
            picture = cv2.rotate(picture, _TURNS[self.spec.rotation]).astype(np.uint8)
        if picture.shape[1::-1] != self.spec.coded_size:
            picture = cv2.resize(picture, self.spec.coded_size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
        return whole.reformat(format=self.spec.pix_fmt)

    def _mux(self, container: OutputContainer, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts)
                if packet.is_keyframe:
                    self._key_ticks.add(packet.pts)
        container.mux(packets)


class SoundTrack:
    """Encodes the sound of a spec, for ``until_s`` seconds of the container's clock unless it names its own length."""

    def __init__(self, container: OutputContainer, spec: SoundSpec, until_s: float) -> None:
        self._spec = spec
        length = spec.duration_s if spec.duration_s is not None else until_s - spec.start_s
        self._samples = max(0, round(length * spec.rate))
        self._layout = {1: "mono", 2: "stereo", 6: "5.1"}[spec.channels]
        self._format = _SAMPLE_FORMATS.get(spec.codec, "s16")
        self.stream = _added(container, spec.codec, spec.rate, {}, AudioStream)
        self.stream.codec_context.layout = self._layout
        self.stream.codec_context.format = self._format
        self.stream.codec_context.time_base = self.stream.time_base = Fraction(1, spec.rate)

    def mux_into(self, container: OutputContainer) -> Iterator[Fraction]:
        """Encode and write block by block; yields how far it has come, in seconds."""
        done = round(self._spec.start_s * self._spec.rate)
        for block in sound_blocks(self._spec, self._samples):
            frame = av.AudioFrame.from_ndarray(self._shaped(block), format=self._format, layout=self._layout)
            frame.sample_rate, frame.pts, frame.time_base = self._spec.rate, done, Fraction(1, self._spec.rate)
            done += len(block)
            container.mux(self.stream.encode(frame))
            yield Fraction(done, self._spec.rate)
        container.mux(self.stream.encode(None))

    def _shaped(self, block: Samples) -> NDArray[Any]:
        channels = np.repeat(block[None, :], self._spec.channels, axis=0)
        if self._format.endswith("p"):
            return np.ascontiguousarray(channels)
        packed = np.ascontiguousarray(channels.T).reshape(1, -1)
        return packed if self._format == "flt" else np.round(packed * 32767).astype(np.int16)


def _added(
    container: OutputContainer, codec: str, rate: Fraction | int, options: dict[str, str], kind: type[TrackStream]
) -> TrackStream:
    stream = container.add_stream(codec, rate=rate, options=options)
    if not isinstance(stream, kind):
        raise ValueError(f"codec {codec!r} makes no {kind.__name__}")
    return stream


def _rescale(value: Fraction) -> int:
    """To the nearest whole number, halves away from zero: as FFmpeg's muxers do it."""
    doubled = 2 * abs(value) + 1
    return int(doubled // 2) * (1 if value >= 0 else -1)


def _options(spec: VideoSpec) -> dict[str, str]:
    options = {"g": str(spec.gop), "bf": str(spec.bframes)}
    if spec.codec == "libx264":
        options |= {"preset": "veryfast", "crf": "20", "keyint_min": str(spec.gop), "sc_threshold": "0"}
        options["x264-params"] = f"open-gop={int(spec.open_gop)}:bframes={spec.bframes}:b-adapt=0"
    elif spec.codec == "libx265":
        own = f"open-gop={int(spec.open_gop)}:keyint={spec.gop}:min-keyint={spec.gop}:scenecut=0:bframes={spec.bframes}"
        options |= {
            "preset": "ultrafast",
            "crf": "22",
            "x265-params": own + ":b-adapt=0:log-level=none:pools=1:frame-threads=1",
        }
    elif spec.codec in ("mpeg4", "mpeg2video", "mjpeg"):
        options |= {"b": "2500k", "sc_threshold": "1000000000"}
    elif spec.codec == "libvpx-vp9":
        options |= {"deadline": "realtime", "cpu-used": "8", "b": "1500k"}
    return options | spec.encoder
