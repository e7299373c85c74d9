"""A decoder without codecs: frames and sound made from their index, so that thousands of passes cost nothing.

It honours the contract of ``decoders/base.py``: sampling, ranges, anchors, cancellation. Real codecs are driven by the
end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from cortexia.decoders.base import DamageFound, DecodeRequest
from cortexia.types import (
    Anchor,
    AudioBlock,
    AudioStream,
    MediaInfo,
    TimeSource,
    Timestamp,
    Verdict,
    VerdictStatus,
    VideoStream,
    ViewSpec,
)

BASE = Fraction(1, 1000)
RATE = 16_000


@dataclass(frozen=True)
class ScriptedFrame:
    index: int
    pts: int
    timestamp: Timestamp
    end: Timestamp
    is_keyframe: bool
    time_source: TimeSource = TimeSource.PTS
    is_corrupt: bool = False
    size: tuple[int, int] = (16, 9)

    @property
    def time_s(self) -> float:
        return self.timestamp.seconds

    def view(self, spec: ViewSpec) -> np.ndarray:
        return np.full((9, 16), self.index % 251, np.uint8)


@dataclass
class ScriptedDecoder:
    """``durations_ms``: one per frame. ``damage_at``: with several threads, damage shows before this frame.
    ``grows_at``: from this frame on pictures have twice the sides."""

    durations_ms: list[int]
    audio_s: float = 0.0
    has_video: bool = True
    damage_at: int | None = None
    grows_at: int | None = None
    block: int = 1600
    opened: list[DecodeRequest] = field(default_factory=list)
    started_at: list[int] = field(default_factory=list)

    def probe(self, path: Path) -> MediaInfo:
        video = VideoStream(0, "none", 16, 9, 16, 9, 0, Fraction(1), BASE, None, None, None) if self.has_video else None
        audio = AudioStream(1, "none", RATE, 1, Fraction(1, RATE)) if self.audio_s else None
        duration = sum(self.durations_ms) / 1000
        return MediaInfo("none", 1, duration, Fraction(0), video, audio, Verdict(VerdictStatus.OK))

    def open(self, path: Path, info: MediaInfo, request: DecodeRequest) -> ScriptedStream:
        self.opened.append(request)
        return ScriptedStream(self, request)


class ScriptedStream:
    def __init__(self, decoder: ScriptedDecoder, request: DecodeRequest) -> None:
        self._decoder = decoder
        self._request = request
        self._seen = 0
        self.contexts_opened = bool(request.video) + bool(request.audio_rate)

    def __enter__(self) -> ScriptedStream:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[ScriptedFrame | AudioBlock]:
        first = self._request.anchor.frame_index if self._request.anchor else 0
        self._decoder.started_at.append(first)
        audio = self._blocks()
        waiting = next(audio, None)
        for frame in self._frames():
            while waiting is not None and waiting.timestamp < frame.timestamp:
                yield waiting
                waiting = next(audio, None)
            if self._request.cancelled():
                return
            if frame.index >= first and self._is_wanted(frame):
                yield frame
        while waiting is not None:
            yield waiting
            waiting = next(audio, None)

    def _frames(self) -> Iterator[ScriptedFrame]:
        pts = 0
        for index, duration in enumerate(self._decoder.durations_ms if self._request.video else []):
            if index == self._decoder.damage_at and self._request.threads != 1:
                raise DamageFound
            self._seen = index + 1
            stamps = Timestamp(pts, BASE), Timestamp(pts + duration, BASE)
            is_large = self._decoder.grows_at is not None and index >= self._decoder.grows_at
            size = (32, 18) if is_large else (16, 9)
            yield ScriptedFrame(index, pts, *stamps, is_keyframe=index % 12 == 0, size=size)
            pts += duration

    def _is_wanted(self, frame: ScriptedFrame) -> bool:
        start, end = frame.timestamp.fraction, frame.end.fraction
        span = self._request.time_range
        if start < span.start or (span.end is not None and start >= span.end):
            return False
        return any(r.sampling.wants(frame.index, start, end, frame.is_keyframe) for r in self._request.video)

    def _blocks(self) -> Iterator[AudioBlock]:
        total = int(self._decoder.audio_s * RATE) if self._request.audio_rate else 0
        for index in range(0, total, self._decoder.block):
            size = min(self._decoder.block, total - index)
            samples = np.sin(np.arange(index, index + size) * 0.05).astype(np.float32)
            yield AudioBlock(index, Timestamp(index, Fraction(1, RATE)), samples, RATE)

    def anchors(self) -> tuple[Anchor, ...]:
        if self._decoder.damage_at is not None:
            return ()
        keys = range(0, self._seen, 12)
        return tuple(Anchor(key, key, key * 40, "0" * 64) for key in keys)[-3:]

    def verdict(self) -> Verdict:
        if self._decoder.damage_at is not None:
            return Verdict(VerdictStatus.PARTIAL, "corrupt_frames", "damaged", frames_decoded=self._seen)
        return Verdict(VerdictStatus.OK, frames_decoded=self._seen)
