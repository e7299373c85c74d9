"""Pictures of one stream: packets in, frames with times, places and views out."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np

from cortexia.decoders.base import DecodeRequest
from cortexia.decoders.clock import PictureClock
from cortexia.decoders.damage import Damage
from cortexia.decoders.limits import Limits
from cortexia.decoders.schedule import Schedule
from cortexia.decoders.views import ViewMaker
from cortexia.errors import RejectedInput
from cortexia.types import Anchor, Picture, TimeSource, Timestamp, VideoStream, ViewSpec

_ANCHORS_KEPT = 3
_KEYS_KEPT = 64


class AnchorMismatch(Exception):
    """Internal: the picture at an anchor is not the one that the first pass got there."""


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A ``Frame`` of ``types/frame.py``."""

    index: int
    pts: int | None
    timestamp: Timestamp
    end: Timestamp
    time_s: float
    time_source: TimeSource
    is_keyframe: bool
    is_corrupt: bool
    size: tuple[int, int]
    views: Mapping[ViewSpec, Picture]

    def view(self, spec: ViewSpec) -> Picture:
        return self.views[spec]


@dataclass(slots=True)
class _Held:
    """A decoded picture that waits for the next one's time."""

    picture: Any
    index: int
    ticks: int
    source: TimeSource


class PictureTrack:
    """Feeds the decoder and numbers, times and clothes what comes out.

    ``schedule``: which packets to feed when not all pictures are wanted. ``anchor``: feed from its packet on.
    """

    def __init__(
        self,
        context: Any,
        stream: VideoStream,
        origin: Fraction,
        request: DecodeRequest,
        damage: Damage,
        limits: Limits,
    ) -> None:
        self._context = context
        self._request = request
        self._origin = origin
        self._base = stream.time_base
        self._damage = damage
        self._limits = limits
        self._views = ViewMaker(stream.rotation, stream.sample_aspect)
        self._clock = PictureClock(stream.time_base, stream.average_rate, limits.rate)
        self._held: _Held | None = None
        self._gap = 0
        self._packet = -1
        self._keys: deque[tuple[int, int]] = deque(maxlen=_KEYS_KEPT)
        self._anchors: deque[Anchor] = deque(maxlen=_ANCHORS_KEPT)
        self._anchored_s: float | None = None
        self._anchor = request.anchor
        self._proven = request.anchor is None
        self._is_sound = True
        self.schedule: Schedule | None = None
        self.frames = request.anchor.frame_index if request.anchor else 0
        self.fed = 0
        self.last_good_s: float | None = None
        self.is_past_end = False

    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(self._anchors)

    def release(self) -> None:
        """Let go of the decoder. With it go its threads and pictures, and not whenever the last who holds this does."""
        self._context = self._held = None

    # -- packets

    def feed(self, packet: Any) -> Iterator[DecodedFrame]:
        """Frames that come out once ``packet`` is in."""
        self._packet += 1
        if packet.pts is None:
            self._is_sound = False
        elif packet.is_keyframe:
            self._keys.append((packet.pts, self._packet))
        if self._anchor is not None and self._packet < self._anchor.packet:
            return
        if self.schedule is not None and not self._is_scheduled():
            return
        self.fed += 1
        yield from self._take(self._damage.call(self._context.decode, packet))

    def _is_scheduled(self) -> bool:
        assert self.schedule is not None  # noqa: S101 - asked only then  # nosec B101
        if self._packet >= self.schedule.pictures:
            return True
        if not self.schedule.keep[self._packet]:
            return False
        self._context.skip_frame = "DEFAULT" if self.schedule.wanted[self._packet] else "NONREF"
        return True

    def drain(self) -> Iterator[DecodedFrame]:
        """The rest: what the decoder still holds, and the last picture."""
        if self._anchor is None or self.fed:
            yield from self._take(self._damage.call(self._context.decode, None))
        if self._held is not None:
            yield from self._release(None)
        if not self._proven:
            raise AnchorMismatch

    def _take(self, pictures: Any) -> Iterator[DecodedFrame]:
        for picture in pictures or ():
            if not self._limits.allow_picture(picture.width, picture.height):
                raise RejectedInput("too_large", f"a picture of {picture.width}x{picture.height} pixels")
            if self._is_before_anchor(picture):
                continue
            held = self._placed(picture)
            if held is None:
                continue
            if self._held is not None:
                yield from self._release(held)
            self._held = held

    def _is_before_anchor(self, picture: Any) -> bool:
        """Leading pictures of an open group lack their references; the anchor's own picture must be the one known."""
        if self._proven or self._anchor is None:
            return False
        if picture.pts is None or picture.pts > self._anchor.pts:
            raise AnchorMismatch
        if picture.pts < self._anchor.pts:
            return True
        if picture_sha256(picture) != self._anchor.picture_sha256:
            raise AnchorMismatch
        self._proven = True
        return False

    # -- pictures

    def _placed(self, picture: Any) -> _Held | None:
        """The picture with its index and time; ``None`` for one that the schedule did not want."""
        if self.schedule is not None:
            index = self.schedule.index_of(picture.pts) if picture.pts is not None else None
            if index is None:
                self._damage.error("a picture has a time that no packet has")
                return None
            self.frames += 1
            return _Held(picture, index, picture.pts, TimeSource.PTS)
        ticks, source = self._clock.stamp(picture.pts)
        held = _Held(picture, self.frames, ticks, source)
        self.frames += 1
        return held

    def _release(self, following: _Held | None) -> Iterator[DecodedFrame]:
        held = self._held
        assert held is not None  # noqa: S101 - asked only then  # nosec B101
        self._held = None
        picture = held.picture
        start = Timestamp(held.ticks, self._base)
        end = Timestamp(self._end(held, following), self._base)
        start_s = start.since(self._origin)
        if picture.is_corrupt:
            self._damage.corrupt_picture(f"corrupt picture at {start_s:.3f} s")
        else:
            self.last_good_s = end.since(self._origin)
        self._note_anchor(held, start_s)
        if not self._is_in_range(start):
            return
        views = self._made(held, start, end)
        if views is None:
            return
        yield DecodedFrame(
            index=held.index,
            pts=picture.pts,
            timestamp=start,
            end=end,
            time_s=max(0.0, start_s),
            time_source=held.source,
            is_keyframe=bool(picture.key_frame),
            is_corrupt=bool(picture.is_corrupt),
            size=self._views.size(picture),
            views=views,
        )

    def _is_in_range(self, start: Timestamp) -> bool:
        span = self._request.time_range
        if span.is_whole:
            return True
        start_s = start.fraction - self._origin
        self.is_past_end = self.is_past_end or (span.end is not None and start_s >= span.end)
        return start_s >= span.start and not self.is_past_end

    def _end(self, held: _Held, following: _Held | None) -> int:
        """Ticks of the next picture's start; for the last one its own duration, else the previous gap."""
        if self.schedule is not None:
            shown_next = self.schedule.end_of(held.index)
            if shown_next is not None:
                return shown_next
        elif following is not None:
            self._gap = following.ticks - held.ticks
            return following.ticks
        duration = held.picture.duration or self._gap or self._clock.nominal
        return int(held.ticks + max(1, duration))

    def _made(self, held: _Held, start: Timestamp, end: Timestamp) -> dict[ViewSpec, Picture] | None:
        """Views of everyone who wants this frame, each made once; ``None`` when nobody does."""
        is_key = bool(held.picture.key_frame)
        made: dict[ViewSpec, Picture] = {}
        is_wanted = False
        for part in self._request.video:
            if not part.sampling.wants_at(held.index, start, end, is_key, self._origin):
                continue
            is_wanted = True
            for spec in part.views:
                if spec not in made:
                    made[spec] = self._views.make(held.picture, spec)
        return made if is_wanted else None

    # -- anchors

    def _note_anchor(self, held: _Held, start_s: float) -> None:
        """Remember a key packet from which this very picture was decoded. Only where everything about it is sound."""
        picture = held.picture
        if not picture.key_frame or self.schedule is not None or not self._is_sound or self._damage.found:
            return
        if held.source is not TimeSource.PTS or picture.pts is None:
            return
        if self._anchored_s is not None and start_s - self._anchored_s < self._request.anchor_interval_s:
            return
        packet = next((number for pts, number in self._keys if pts == picture.pts), None)
        sha256 = picture_sha256(picture) if packet is not None else None
        if packet is not None and sha256 is not None:
            self._anchors.append(Anchor(packet, held.index, picture.pts, sha256))
            self._anchored_s = start_s


def picture_sha256(picture: Any) -> str | None:
    """SHA-256 over the pixels of a decoded picture, plane by plane; ``None`` for layouts that are not plain planes.

    Only the pixels: lines are padded, and what the padding holds is not defined.
    """
    layout = picture.format
    if not layout.is_planar or len(picture.planes) != len(layout.components):
        return None
    digest = hashlib.sha256(f"{layout.name} {picture.width}x{picture.height}".encode())
    bytes_per_sample = (max(component.bits for component in layout.components) + 7) // 8
    for plane in picture.planes:
        rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, -1)
        digest.update(np.ascontiguousarray(rows[:, : plane.width * bytes_per_sample]).data)
    return digest.hexdigest()
