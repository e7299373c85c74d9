"""Pictures that may come to stand for a shot: judged, held, thinned, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np

from cortexia.errors import AnnotatorError
from cortexia.types import Frame, Picture, Progress, Shot, TimeSpan, Timestamp, ViewSpec, frame_span

THUMBNAIL_SIDE = 320
RESERVOIR_SIZE = 8
RECENT_S = 3.0
"""Longer than shots are told late: 1.3 s of look-ahead, the shortest shot, and a rest."""

_SHARPNESS_HALF = 200.0
_BORDER_S = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture at ``tick`` of the sampling grid. Held in memory, or (then without pixels) as digests in ``files``:
    picture and thumbnail. ``display``: width and height of its frame."""

    tick: int
    index: int
    span: TimeSpan
    width: int
    height: int
    quality: float
    display: tuple[int, int]
    picture: Picture | None = None
    thumbnail: Picture | None = None
    files: tuple[str, str] = ("", "")

    def as_json(self) -> list[Any]:
        base = self.span.start.time_base
        times = [self.span.start.pts, self.span.end.pts, base.numerator, base.denominator]
        return [self.tick, self.index, *times, self.width, self.height, self.quality, *self.display, *self.files]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Candidate:
        tick, index, start, end, numerator, denominator, width, height, quality, across, down, *files = data
        base = Fraction(numerator, denominator)
        span = TimeSpan(Timestamp(start, base), Timestamp(end, base))
        return cls(tick, index, span, width, height, quality, (across, down), files=(files[0], files[1]))


class PictureFiles:
    """Makes candidates of frames and writes them as JPEG."""

    def __init__(self, put_blob: Callable[[bytes, str], str], jpeg_quality: int) -> None:
        self._put_blob = put_blob
        self._jpeg_quality = jpeg_quality

    def candidate(self, frame: Frame, view: ViewSpec, tick: int) -> Candidate:
        picture = frame.view(view)
        height, width = picture.shape[:2]
        thumbnail = _thumbnail(picture)
        return Candidate(
            tick, frame.index, frame_span(frame), width, height, quality(thumbnail), frame.size, picture, thumbnail
        )

    def write(self, candidate: Candidate) -> Candidate:
        """The candidate as files; at once if it is already."""
        if candidate.picture is None or candidate.thumbnail is None:
            return candidate
        files = (self._put(candidate.picture), self._put(candidate.thumbnail))
        return replace(candidate, picture=None, thumbnail=None, files=files)

    def _put(self, picture: Picture) -> str:
        try:
            _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self._jpeg_quality])
        except cv2.error as error:
            height, width = picture.shape[:2]
            raise AnnotatorError("frames", f"a picture of {width} x {height} does not fit into a JPEG") from error
        return self._put_blob(jpeg.tobytes(), ".jpg")


def _thumbnail(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = ViewSpec(bound=THUMBNAIL_SIDE).fit(width, height)
    return cast(Picture, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def quality(thumbnail: Picture) -> float:
    """Sharpness times exposure of a BGR thumbnail, in [0, 1]; ``Frames`` gives the formula."""
    luma = cv2.cvtColor(thumbnail, cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    exposed = np.count_nonzero((luma >= 16) & (luma <= 239)) / luma.size
    return round(sharpness / (sharpness + _SHARPNESS_HALF) * float(exposed), 4)


def choose(candidates: Sequence[Candidate], shot: Shot, count: int) -> list[Candidate]:
    """The ``count`` best for ``shot``, in order of time; of equals the earlier one."""
    ranked = sorted(candidates, key=lambda candidate: (-_fitness(candidate, shot.span), candidate.index))
    return sorted(ranked[:count], key=lambda candidate: candidate.index)


def _fitness(candidate: Candidate, shot: TimeSpan) -> float:
    border = min(_BORDER_S, shot.duration_s / 4)
    start, end = shot.start.fraction, shot.end.fraction
    middle = (candidate.span.start.fraction + candidate.span.end.fraction) / 2
    away = float(min(middle - start, end - middle))
    return candidate.quality * (0.5 + 0.5 * min(1.0, away / border if border else 1.0))


class Reservoir:
    """Candidates of the open shot, and of those that follow it unannounced.

    For ``RECENT_S`` seconds a candidate is held with its pixels. Then it is written, if its tick is a multiple of the
    stride, or else dropped. When more than eight are written, the stride doubles and the odd ones go: what is left
    depends on ticks alone, never on when a commit fell.
    """

    def __init__(self, files: PictureFiles, first_stride: int) -> None:
        self._files = files
        self._first_stride = first_stride
        self._written: list[Candidate] = []
        self._recent: list[Candidate] = []
        self._stride = first_stride

    def add(self, candidate: Candidate) -> None:
        self.hold(candidate)
        now = candidate.span.start.fraction
        while now - self._recent[0].span.start.fraction > RECENT_S:
            self._settle(self._recent.pop(0))

    def hold(self, candidate: Candidate) -> None:
        self._recent.append(candidate)

    def _settle(self, candidate: Candidate) -> None:
        if candidate.tick % self._stride:
            return
        self._written.append(self._files.write(candidate))
        while len(self._written) > RESERVOIR_SIZE:
            self._stride *= 2
            self._written = [kept for kept in self._written if kept.tick % self._stride == 0]

    def take(self, last_frame: int) -> list[Candidate]:
        """Removes and returns what there is up to frame ``last_frame``: its shot is over."""
        taken = [candidate for candidate in (*self._written, *self._recent) if candidate.index <= last_frame]
        self._written = [candidate for candidate in self._written if candidate.index > last_frame]
        self._recent = [candidate for candidate in self._recent if candidate.index > last_frame]
        self._stride = self._first_stride
        return taken

    def state(self) -> Mapping[str, Any]:
        return {"stride": self._stride, "written": [candidate.as_json() for candidate in self._written]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._stride = state["stride"]
        self._written = [Candidate.from_json(data) for data in state["written"]]

    def progress(self) -> Progress:
        held = (*self._written, *self._recent)
        return Progress(
            final_until=held[0].span.start if held else None,
            replay_from=self._recent[0].index if self._recent else None,
        )
