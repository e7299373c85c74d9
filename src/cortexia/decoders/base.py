"""What the engine asks of a decoder, and what it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from cortexia.types import (
    WHOLE_VIDEO,
    Anchor,
    AudioBlock,
    Frame,
    MediaInfo,
    Sampling,
    TimeRange,
    Verdict,
    ViewSpec,
)


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """Frames that one annotator looks at, and the views of them that it declared."""

    sampling: Sampling
    views: tuple[ViewSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One pass over a video.

    ``video``: empty means the picture track is not decoded. Only frames wanted by at least one request come out, each
    with the views of the requests that wanted it. ``audio_rate``: ``None`` means sound is not decoded.
    ``threads``: budget of the job; 1 gives byte-identical pictures on damaged input. ``anchor``: where picture decoding
    may begin; proven by hash, else decoding begins at 0; frames before it do not come out. Sound always comes from 0.
    ``anchor_interval_s``: how often, at most, an anchor is recorded. ``buffer_bytes``: compressed packets held to keep
    badly interleaved streams in step. ``cancelled`` is polled at every packet.
    """

    video: tuple[ViewRequest, ...] = ()
    audio_rate: int | None = None
    time_range: TimeRange = WHOLE_VIDEO
    threads: int = 0
    anchor: Anchor | None = None
    anchor_interval_s: float = 5.0
    buffer_bytes: int = 64 * 1024 * 1024
    cancelled: Callable[[], bool] = field(default=lambda: False)


class MediaStream(Protocol):
    """Frames and sound of one pass, interleaved by time, each in presentation order. Iterate once.

    Iterating raises ``DamageFound`` (decoders' own) when threads were allowed and damage shows: the pass is to be begun
    again with one thread.
    """

    def __iter__(self) -> Iterator[Frame | AudioBlock]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    @property
    def contexts_opened(self) -> int:
        """Codec contexts opened so far: at most one for video and one for audio."""

    def anchors(self) -> tuple[Anchor, ...]:
        """Anchors recorded so far whose pictures have come out, oldest first (the last few only)."""

    def verdict(self) -> Verdict:
        """What came of the pass so far."""


class DamageFound(Exception):
    """Internal: damaged input met while decoding with several threads."""


class Decoder(Protocol):
    def probe(self, path: Path) -> MediaInfo:
        """Look at a local file. Never raises for its content: ``info.verdict`` tells."""

    def open(self, path: Path, info: MediaInfo, request: DecodeRequest) -> MediaStream: ...
