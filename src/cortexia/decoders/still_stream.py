"""One pass over picture files: each that is wanted is decoded once, and comes out as a frame."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

from av.video.frame import VideoFrame

from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.limits import Limits
from cortexia.decoders.memory import keep_freed_buffers
from cortexia.decoders.pictures import DecodedFrame
from cortexia.decoders.pixels import StillPicture, read_picture
from cortexia.decoders.views import ViewMaker
from cortexia.errors import RejectedInput
from cortexia.types import (
    Anchor,
    MediaInfo,
    Picture,
    TimeSource,
    Timestamp,
    Verdict,
    VerdictStatus,
    ViewSpec,
)

_ANCHORS_KEPT = 3


class StillStream:
    """The ``MediaStream`` of ``decoders/base.py``.

    Picture ``i`` is shown in ``[i, i + 1)`` units of ``1 / rate`` s. One that cannot be decoded counts as corrupt and
    does not come out; the others keep their index and time. What nobody wants is not decoded, and the verdict says so.
    """

    def __init__(
        self, paths: tuple[Path, ...], rate: Fraction, info: MediaInfo, request: DecodeRequest, limits: Limits
    ) -> None:
        self._paths = paths
        self._base = 1 / rate
        self._info = info
        self._request = request
        self._limits = limits
        self._views = ViewMaker(0, Fraction(1))
        self._anchors: deque[Anchor] = deque(maxlen=_ANCHORS_KEPT)
        self._looked_at = 0
        self._corrupt = 0
        self._surplus: str | None = None
        self._first_error: str | None = None
        self._last_good_s: float | None = None
        self._is_over = False
        self.interrupted = False
        self.contexts_opened = 0
        keep_freed_buffers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """No file stays open."""

    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(self._anchors)

    def __iter__(self) -> Iterator[DecodedFrame]:
        if not self._request.video or self._info.video is None:
            return
        self.contexts_opened = 1
        begin = self._begin()
        for index, path in enumerate(self._paths):
            if self._request.cancelled():
                self.interrupted = True
                return
            wanting = self._wanting(index)
            if not wanting:
                continue
            self._looked_at += 1
            if index < begin:
                continue
            picture = self._decoded(index, path)
            if picture is not None:
                yield self._frame(index, picture, wanting)
                self._note_anchor(index, picture)
        self._is_over = True

    # -- one picture

    def _span(self, index: int) -> tuple[Timestamp, Timestamp]:
        return Timestamp(index, self._base), Timestamp(index + 1, self._base)

    def _wanting(self, index: int) -> list[ViewRequest]:
        """Who looks at this picture."""
        start, end = self._span(index)
        span = self._request.time_range
        if start.fraction < span.start or (span.end is not None and start.fraction >= span.end):
            return []
        origin = Fraction(0)
        return [part for part in self._request.video if part.sampling.wants_at(index, start, end, True, origin)]

    def _decoded(self, index: int, path: Path) -> StillPicture | None:
        try:
            picture = read_picture(path, self._limits)
        except RejectedInput as error:
            self._corrupt += 1
            self._first_error = self._first_error or f"picture {index} ({path.name}): {error}"
            return None
        if picture.is_first_of_several:
            self._surplus = self._surplus or f"{path.name}: only the first of several pictures was looked at"
        self._last_good_s = self._span(index)[1].seconds
        return picture

    def _frame(self, index: int, picture: StillPicture, wanting: list[ViewRequest]) -> DecodedFrame:
        start, end = self._span(index)
        frame = VideoFrame.from_ndarray(picture.rgb, format="rgb24")
        views: dict[ViewSpec, Picture] = {}
        for spec in (spec for part in wanting for spec in part.views):
            if spec not in views:
                views[spec] = self._views.make(frame, spec)
        return DecodedFrame(
            index=index,
            pts=index,
            timestamp=start,
            end=end,
            time_s=start.seconds,
            time_source=TimeSource.INDEX,
            is_keyframe=True,
            is_corrupt=False,
            size=self._views.size(frame),
            views=views,
        )

    # -- going on

    def _begin(self) -> int:
        """Index of the anchor's picture, if it is still the picture that it was; else 0."""
        anchor = self._request.anchor
        if anchor is None or not 0 <= anchor.frame_index < len(self._paths):
            return 0
        try:
            picture = read_picture(self._paths[anchor.frame_index], self._limits)
        except RejectedInput:
            return 0
        return anchor.frame_index if _sha256(picture) == anchor.picture_sha256 else 0

    def _note_anchor(self, index: int, picture: StillPicture) -> None:
        """Never after damage: a pass that goes on behind it would not know of it."""
        if self._corrupt or self._surplus:
            return
        if self._anchors and (index - self._anchors[-1].frame_index) * self._base < self._request.anchor_interval_s:
            return
        self._anchors.append(Anchor(index, index, index, _sha256(picture)))

    # -- verdict

    def verdict(self) -> Verdict:
        decoded = self._looked_at - self._corrupt
        notes = []
        if self._is_over and self._looked_at < len(self._paths):
            notes.append(f"checked {self._looked_at} of {len(self._paths)} pictures")
        status, reason, message = self._outcome(decoded)
        return Verdict(
            status,
            reason,
            message,
            frames_decoded=decoded,
            frames_corrupt=self._corrupt,
            error_count=self._corrupt,
            first_error=self._first_error,
            last_good_s=self._last_good_s,
            notes=tuple(notes),
        )

    def _outcome(self, decoded: int) -> tuple[VerdictStatus, str | None, str]:
        if self._is_over and not decoded and self._corrupt == len(self._paths):
            return VerdictStatus.REJECTED, "no_frames", f"no picture could be decoded ({self._first_error})"
        if self._corrupt:
            message = f"{self._corrupt} of {self._looked_at} pictures cannot be decoded ({self._first_error})"
            return VerdictStatus.PARTIAL, "corrupt_frames", message
        if self._surplus:
            return VerdictStatus.PARTIAL, "short", self._surplus
        return VerdictStatus.OK, None, ""


def _sha256(picture: StillPicture) -> str:
    return hashlib.sha256(picture.rgb.data).hexdigest()
