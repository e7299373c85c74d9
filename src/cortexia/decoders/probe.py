"""A first look at a file: which streams, how they are shown, and whether anything comes out of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av import AudioFrame
from av.container import InputContainer

from cortexia.decoders.container import configure, open_container
from cortexia.decoders.damage import Damage, said
from cortexia.decoders.limits import Limits
from cortexia.decoders.views import display_size
from cortexia.errors import RejectedInput
from cortexia.types import AudioStream, MediaInfo, Verdict, VerdictStatus, VideoStream

_ATTACHED_PICTURE = "attached_pic"


def probe(path: Path, limits: Limits) -> MediaInfo:
    """What is in the file at the absolute ``path``. Never raises for its content: the verdict tells."""
    try:
        container, _ = open_container(path, limits)
    except RejectedInput as error:
        return rejected_info(path, error)
    with container:
        try:
            return _look(container, path, limits)
        except RejectedInput as error:
            return rejected_info(path, error, container.format.name)
        except Exception as error:  # noqa: BLE001 - FFmpeg's boundary: whatever it raises is a verdict on the input
            refused = RejectedInput("unreadable", f"cannot be read: {said(f'{type(error).__name__}: {error}')}")
            return rejected_info(path, refused, container.format.name)


def rejected_info(path: Path, error: RejectedInput, container: str = "") -> MediaInfo:
    verdict = Verdict(VerdictStatus.REJECTED, error.reason, str(error))
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        size = 0
    return MediaInfo(container, size, None, Fraction(0), None, None, verdict)


def choose_video(container: InputContainer) -> Any | None:
    """The default picture stream, else the largest. Attached pictures (cover art) are no video, as long as they have
    a size; one without is a stream that only claims to be one."""
    streams = [s for s in container.streams.video if _is_decodable(s) and not (_is_attached(s) and _has_size(s))]
    return max(streams, key=lambda s: (_is_default(s), s.codec_context.width * s.codec_context.height), default=None)


def choose_audio(container: InputContainer) -> Any | None:
    """The default sound stream, else the first."""
    streams = [s for s in container.streams.audio if _is_decodable(s)]
    return max(streams, key=lambda s: (_is_default(s), -s.index), default=None)


def _is_decodable(stream: Any) -> bool:
    return stream.codec_context is not None


def _is_attached(stream: Any) -> bool:
    return bool(stream.disposition & type(stream.disposition)[_ATTACHED_PICTURE])


def _has_size(stream: Any) -> bool:
    return bool(stream.codec_context.width and stream.codec_context.height)


def _is_default(stream: Any) -> bool:
    return bool(stream.disposition & type(stream.disposition)["default"])


@dataclass(slots=True)
class _First:
    """The first picture or sound of a stream, and where it is on the clock."""

    stream: Any
    frame: Any = None

    @property
    def time(self) -> Fraction | None:
        if self.frame is None or self.frame.pts is None:
            return None
        return Fraction(self.frame.pts * (self.frame.time_base or self.stream.time_base))


def _look(container: InputContainer, path: Path, limits: Limits) -> MediaInfo:
    video, audio = choose_video(container), choose_audio(container)
    if video is None and any(not _is_attached(s) for s in container.streams.video):
        raise RejectedInput("no_frames", "a picture stream is announced in a codec that is not known")
    if video is None and audio is None:
        raise RejectedInput("no_streams", "no picture or sound stream that can be decoded")
    if video is not None and not _size_is_allowed(video, limits):
        raise RejectedInput("too_large", f"pictures of {video.codec_context.width}x{video.codec_context.height} pixels")
    damage = Damage(strict=False)
    firsts = {s.index: _First(s) for s in (video, audio) if s is not None}
    _decode_firsts(container, firsts, damage, limits)
    picture = firsts[video.index] if video is not None else None
    sound = firsts[audio.index] if audio is not None else None
    said = f" ({damage.first_error})" if damage.first_error else ""
    if picture is not None and picture.frame is None:
        raise RejectedInput("no_frames", f"a picture stream is announced, and no picture can be decoded{said}")
    if not any(first.frame is not None for first in firsts.values()):
        raise RejectedInput("no_frames", f"no sound can be decoded{said}")
    times = [first.time for first in firsts.values() if first.time is not None]
    has_sound = sound is not None and sound.frame is not None
    return MediaInfo(
        container=container.format.name,
        size_bytes=path.stat().st_size,
        duration_s=_duration(container),
        origin=min([Fraction(0), *times]),
        video=_video(picture) if picture is not None else None,
        audio=_audio(sound) if sound is not None and has_sound else None,
        verdict=Verdict(VerdictStatus.OK) if picture else Verdict(VerdictStatus.OK, "audio_only", "sound only"),
        metadata=_metadata(container, limits),
    )


def _size_is_allowed(stream: Any, limits: Limits) -> bool:
    width, height = stream.codec_context.width, stream.codec_context.height
    return (width == 0 and height == 0) or limits.allow_picture(width, height)


def _decode_firsts(container: InputContainer, firsts: dict[int, _First], damage: Damage, limits: Limits) -> None:
    for first in firsts.values():
        configure(first.stream.codec_context, 1, limits)
    open_firsts = dict(firsts)
    packets = container.demux(*(first.stream for first in firsts.values()))
    spent = 0
    for _ in range(limits.probe_packets):
        try:
            packet = damage.call(next, packets)
        except StopIteration:
            return
        if packet is None or packet.stream_index not in open_firsts:
            continue
        spent += packet.size
        first = open_firsts[packet.stream_index]
        for frame in damage.call(first.stream.codec_context.decode, _or_drain(packet)) or ():
            if first.frame is None and _is_usable(frame, limits):
                first.frame = frame
                del open_firsts[packet.stream_index]
        if not open_firsts or spent > limits.probe_bytes:
            return


def _or_drain(packet: Any) -> Any:
    """PyAV marks the end of a stream by a packet without data; a codec context is drained by ``None``."""
    return None if packet.dts is None and packet.size == 0 else packet


def _is_usable(frame: Any, limits: Limits) -> bool:
    if isinstance(frame, AudioFrame):
        return frame.samples > 0 and limits.allow_sound(frame.sample_rate)
    return bool(frame.width > 0)


def _duration(container: InputContainer) -> float | None:
    if container.duration is None or container.duration <= 0:
        return None
    return container.duration / 1_000_000


def clockwise_rotation(degrees: float | None) -> int:
    """Clockwise turn in {0, 90, 180, 270} from a display matrix's counterclockwise angle; nonsense counts as 0."""
    if degrees is None or not math.isfinite(degrees) or abs(degrees) > 360:
        return 0
    turned = round(-degrees / 90) * 90
    return turned % 360 if abs(-degrees - turned) < 1 else 0


def _video(first: _First) -> VideoStream:
    stream, frame = first.stream, first.frame
    rotation = clockwise_rotation(frame.rotation)
    aspect = sample_aspect_of(stream)
    width, height = display_size(frame.width, frame.height, aspect, rotation)
    return VideoStream(
        stream_index=stream.index,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        coded_width=frame.width,
        coded_height=frame.height,
        rotation=rotation,
        sample_aspect=aspect,
        time_base=Fraction(stream.time_base),
        average_rate=Fraction(stream.average_rate) if stream.average_rate else None,
        declared_frames=stream.frames or None,
        pixel_format=frame.format.name,
        first_s=None if first.time is None else float(first.time),
    )


def sample_aspect_of(stream: Any) -> Fraction:
    """Width of a stored pixel over its height; 1 where it is not stated or absurd."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not Fraction(1, 16) <= aspect <= 16:
        return Fraction(1)
    return Fraction(aspect)


def _audio(first: _First) -> AudioStream:
    stream, frame = first.stream, first.frame
    return AudioStream(
        stream_index=stream.index,
        codec=stream.codec_context.name,
        rate=frame.sample_rate,
        channels=frame.layout.nb_channels,
        time_base=Fraction(stream.time_base),
        first_s=None if first.time is None else float(first.time),
    )


def _metadata(container: InputContainer, limits: Limits) -> dict[str, str]:
    kept: dict[str, str] = {}
    left = limits.metadata_bytes
    for key, value in container.metadata.items():
        left -= len(key.encode(errors="replace")) + len(value.encode(errors="replace"))
        if left < 0:
            break
        kept[said(key)] = value.replace("\0", "").encode("utf-8", "replace").decode()
    return kept
