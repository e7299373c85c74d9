"""One pass over a file: one demux, its packets fed in order of time, frames and sound out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from cortexia.decoders.audio import SoundTrack
from cortexia.decoders.base import DamageFound, DecodeRequest
from cortexia.decoders.container import configure, open_container
from cortexia.decoders.damage import ERROR_LOG, Damage
from cortexia.decoders.limits import Limits
from cortexia.decoders.memory import keep_freed_buffers
from cortexia.decoders.pictures import AnchorMismatch, DecodedFrame, PictureTrack
from cortexia.decoders.schedule import make_schedule, scan
from cortexia.types import (
    Anchor,
    AudioBlock,
    MediaInfo,
    SamplingKind,
    Timestamp,
    Verdict,
    VerdictStatus,
)

Item = DecodedFrame | AudioBlock
_SETTLE_TRIES = 64


class PyAVStream:
    """The ``MediaStream`` of ``decoders/base.py``."""

    def __init__(self, path: Path, info: MediaInfo, request: DecodeRequest, limits: Limits) -> None:
        self._path = path
        self._info = info
        self._request = request
        self._limits = limits
        self._pictures: PictureTrack | None = None
        self._sound: SoundTrack | None = None
        self._video_damage = Damage(strict=False)
        self._audio_damage = Damage(strict=False)
        self._is_over = False
        self.interrupted = False
        self.contexts_opened = 0
        keep_freed_buffers()

    def __enter__(self) -> Self:
        ERROR_LOG.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        ERROR_LOG.release()

    def anchors(self) -> tuple[Anchor, ...]:
        return self._pictures.anchors() if self._pictures else ()

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._pass(self._request, sound_from=0)
        except AnchorMismatch:
            # Nothing of the pictures has come out yet; the sound has, up to here.
            heard = self._sound.samples if self._sound else 0
            yield from self._pass(replace(self._request, anchor=None), sound_from=heard)

    # -- one attempt

    def _pass(self, request: DecodeRequest, sound_from: int) -> Iterator[Item]:
        container, demux_errors = open_container(self._path, self._limits)
        try:
            for text in demux_errors:
                self._video_damage.error(text)
            streams = self._open_tracks(container, request)
            if not streams:
                return
            yield from self._interleaved(container, streams, sound_from)
        finally:
            for stream in container.streams:
                settle(stream.codec_context)
            if self._pictures is not None:
                self._pictures.release()
            container.close()

    def _open_tracks(self, container: Any, request: DecodeRequest) -> list[Any]:
        strict = request.threads != 1
        streams: list[Any] = []
        self._pictures = self._sound = None
        video, audio = self._info.video, self._info.audio
        if request.video and video is not None:
            stream = container.streams[video.stream_index]
            streams.append(stream)
            configure(stream.codec_context, request.threads, self._limits)
            self._video_damage = Damage(strict, stream.codec_context.name)
            self._pictures = PictureTrack(
                stream.codec_context, video, self._info.origin, request, self._video_damage, self._limits
            )
            self._pictures.schedule = self._schedule(request)
            self.contexts_opened += 1
        if request.audio_rate and audio is not None:
            stream = container.streams[audio.stream_index]
            streams.append(stream)
            configure(stream.codec_context, 1, self._limits)
            self._audio_damage = Damage(strict=False)
            self._sound = SoundTrack(Fraction(stream.time_base), request.audio_rate, self._audio_damage, self._limits)
            self.contexts_opened += 1
        return streams

    def _schedule(self, request: DecodeRequest) -> Any:
        """Where pictures are skipped. Never with one thread: that is how damaged files are read, and all of them."""
        span = request.time_range
        is_whole = any(part.sampling.kind is SamplingKind.EVERY for part in request.video) and span.start == 0
        if is_whole or request.threads == 1 or request.anchor is not None:
            return None
        video = self._info.video
        assert video is not None  # noqa: S101 - asked only then  # nosec B101
        container, errors = open_container(self._path, self._limits)
        with container:
            listed = None if errors else scan(container.demux(container.streams[video.stream_index]))
        if listed is None:
            return None
        origin, base = self._info.origin, video.time_base
        return make_schedule(
            listed,
            [part.sampling for part in request.video],
            lambda start: start >= span.start and (span.end is None or start < span.end),
            lambda pts: pts * base - origin,
            listed.last_ticks or 1,
        )

    def _interleaved(self, container: Any, streams: list[Any], sound_from: int) -> Iterator[Item]:
        for packet in _Interleaver(container, streams, self._request, self._video_damage):
            if self._request.cancelled():
                self.interrupted = True
                return
            if self._pictures is not None and packet.stream_index == self._pictures_index:
                yield from self._pictures.feed(packet)
            elif self._sound is not None:
                context = container.streams[packet.stream_index].codec_context
                for frame in self._audio_damage.call(context.decode, packet) or ():
                    yield from self._cut(self._sound.take(frame), sound_from)
            if self._is_past_end():
                break
        yield from self._ends(container, sound_from)
        self._is_over = True

    @property
    def _pictures_index(self) -> int:
        return self._info.video.stream_index if self._info.video else -1

    def _ends(self, container: Any, sound_from: int) -> Iterator[Item]:
        if self._pictures is not None and not self._pictures.is_past_end:
            yield from self._pictures.drain()
        if self._sound is not None and self._info.audio is not None:
            context = container.streams[self._info.audio.stream_index].codec_context
            for frame in self._audio_damage.call(context.decode, None) or ():
                yield from self._cut(self._sound.take(frame), sound_from)
            yield from self._cut(self._sound.finish(), sound_from)

    def _cut(self, blocks: Iterator[AudioBlock], sound_from: int) -> Iterator[AudioBlock]:
        """Blocks within the range asked for, without what was handed out before."""
        span, origin = self._request.time_range, self._info.origin
        for block in blocks:
            low = max(0, sound_from - block.index)
            high = len(block.samples)
            if not span.is_whole:
                first = block.timestamp.pts
                low = max(low, -((-(span.start + origin) * block.rate) // 1) - first)
                if span.end is not None:
                    high = min(high, -((-(span.end + origin) * block.rate) // 1) - first)
                    self._sound_is_past_end = high < len(block.samples)
            if low < high:
                later = Timestamp(block.timestamp.pts + int(low), block.timestamp.time_base)
                yield AudioBlock(block.index + int(low), later, block.samples[int(low) : int(high)], block.rate)

    _sound_is_past_end = False

    def _is_past_end(self) -> bool:
        if self._request.time_range.end is None:
            return False
        pictures_done = self._pictures is None or self._pictures.is_past_end
        return pictures_done and (self._sound is None or self._sound_is_past_end)

    # -- verdict

    def verdict(self) -> Verdict:
        pictures, sound = self._pictures, self._sound
        video, audio = self._video_damage, self._audio_damage
        errors = video.errors + audio.errors
        fields: dict[str, Any] = {
            "frames_decoded": pictures.frames if pictures else 0,
            "frames_corrupt": video.corrupt,
            "audio_samples": sound.samples if sound else 0,
            "error_count": errors,
            "first_error": video.first_error or audio.first_error,
            "last_good_s": pictures.last_good_s if pictures else None,
            "notes": self._notes(),
        }
        if pictures is not None and not pictures.frames and self._is_over and pictures.schedule is None:
            return Verdict(VerdictStatus.REJECTED, "no_frames", "no picture could be decoded", **fields)
        if video.corrupt:
            text = f"{video.corrupt} of {fields['frames_decoded']} pictures are corrupt ({video.first_error})"
            return Verdict(VerdictStatus.PARTIAL, "corrupt_frames", text, **fields)
        if errors:
            text = f"{errors} errors while decoding ({fields['first_error']})"
            return Verdict(VerdictStatus.PARTIAL, "decode_errors", text, **fields)
        if self._info.video is None:
            return Verdict(VerdictStatus.OK, "audio_only", "sound only", **fields)
        return Verdict(VerdictStatus.OK, **fields)

    def _notes(self) -> tuple[str, ...]:
        pictures = self._pictures
        if pictures is None or pictures.schedule is None:
            return ()
        return (f"checked {pictures.frames} of {pictures.schedule.pictures} pictures",)


def settle(context: Any) -> None:
    """Let FFmpeg's worker threads come to rest before a codec context is freed.

    Freeing waits for them while it holds the interpreter's lock; one that is about to log waits for that lock.
    """
    if context is None or not context.is_open:
        return
    for _ in range(_SETTLE_TRIES):
        try:
            if not context.decode(None):
                return
        except Exception:  # noqa: BLE001 - drained, or damaged beyond decoding: at rest either way
            return


class _Interleaver:
    """Packets of the streams in order of their decode time, however the file stores them.

    Packets of the leading stream wait for the others, up to ``buffer_bytes``; then positions drift.
    """

    def __init__(self, container: Any, streams: list[Any], request: DecodeRequest, damage: Damage) -> None:
        self._packets = container.demux(*streams)
        self._damage = damage
        self._limit = request.buffer_bytes
        self._bases = {stream.index: float(stream.time_base) for stream in streams}
        self._queues: dict[int, deque[Any]] = {stream.index: deque() for stream in streams}
        self._clocks = dict.fromkeys(self._queues, 0.0)
        self._held = 0

    def __iter__(self) -> Iterator[Any]:
        if len(self._queues) == 1:
            yield from self._demuxed()
            return
        for packet in self._demuxed():
            self._queues[packet.stream_index].append(packet)
            self._held += packet.size
            while all(self._queues.values()) or self._held > self._limit:
                yield self._next()
        while any(self._queues.values()):
            yield self._next()

    def _next(self) -> Any:
        waiting = [index for index, queue in self._queues.items() if queue]
        first = min(waiting, key=lambda index: self._time(index, self._queues[index][0]))
        packet = self._queues[first].popleft()
        self._clocks[first] = self._time(first, packet)
        self._held -= packet.size
        return packet

    def _time(self, index: int, packet: Any) -> float:
        ticks = packet.dts if packet.dts is not None else packet.pts
        return self._clocks[index] if ticks is None else ticks * self._bases[index]

    def _demuxed(self) -> Iterator[Any]:
        """Packets with data. An error of the demuxer counts, and ends the file unless it can go on."""
        failures = 0
        while failures < 16:
            try:
                packet = self._damage.call(next, self._packets)
            except StopIteration:
                return
            except DamageFound:
                raise
            if packet is None:
                failures += 1
            elif packet.size or packet.dts is not None:
                yield packet
