"""One row per shot that brings together what others found in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast

from cortexia.annotators._levels import dbfs_to_power, power_to_dbfs
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.types import Annotation, KeyPicture, Measure, Shot
from cortexia.types import ShotSummary as Summary

Found = TypeVar("Found", bound=Annotation)
_PICTURE = ("picture", "picture_frame")
_LEVELS = ("rms_dbfs", "max_rms_dbfs", "peak_dbfs", "active_fraction")


@dataclass(frozen=True)
class ShotSummary(Solver):
    """Length, transitions, representative picture and loudness of each shot.

    Loudness is the mean power over the seconds that the shot touches, each weighted by the time they share, and the
    loudest of them; the share of active hops is weighted alike. What could not be measured is named with its reason.
    Reads the stored rows once, side by side in order of time: memory does not grow with the number of shots.
    """

    name: ClassVar[str] = "shot_summary"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("shots", "frames", "loudness")
    provides: ClassVar[tuple[str, ...]] = ("shot_summary",)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        pictures = Alongside(cast(Iterable[KeyPicture], stored.of("key_picture")))
        measures = Alongside(cast(Iterable[Measure], _loudness(stored)))
        for shot in cast(Iterable[Shot], stored.of("shot")):
            yield _summary(shot, pictures.within(shot), measures.within(shot))


def _loudness(stored: StoredAnnotations) -> Iterator[Annotation]:
    return (measure for measure in stored.of("measure") if measure.label == "loudness")


class Alongside(Generic[Found]):
    """Rows in order of their start, read in step with the shots: only those that still reach beyond are kept."""

    def __init__(self, rows: Iterable[Found]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)
        self._held: deque[Found] = deque()

    def within(self, shot: Shot) -> list[Found]:
        """Rows that share time with ``shot``. Shots must come in order."""
        while self._next is not None and self._next.span.start < shot.span.end:
            self._held.append(self._next)
            self._next = next(self._rows, None)
        self._held = deque(row for row in self._held if row.span.end > shot.span.start)
        return [row for row in self._held if row.span.overlaps(shot.span)]


def _summary(shot: Shot, pictures: list[KeyPicture], measures: list[Measure]) -> Summary:
    values: dict[str, Any] = {}
    not_measured: dict[str, str] = {}
    for names, part, reason in (
        (_PICTURE, _picture_values(shot, pictures), "no picture was kept of this shot"),
        (_LEVELS, _level_values(shot, measures), "no sound in this span"),
    ):
        values |= part
        not_measured |= {name: reason for name in names if name not in part}
    return Summary(
        span=shot.span,
        frame_index=shot.first_frame,
        first_frame=shot.first_frame,
        last_frame=shot.last_frame,
        duration_s=round(shot.span.duration_s, 6),
        transition_in=shot.transition_in,
        transition_out=shot.transition_out,
        not_measured=not_measured,
        **values,
    )


def _picture_values(shot: Shot, pictures: list[KeyPicture]) -> dict[str, Any]:
    """Of several representatives the best; of equals the earliest."""
    own = [
        picture
        for picture in pictures
        if picture.is_representative and shot.first_frame <= (picture.frame_index or 0) <= shot.last_frame
    ]
    if not own:
        return {}
    best = max(own, key=lambda picture: (picture.quality, -(picture.frame_index or 0)))
    return dict(zip(_PICTURE, (best.picture, best.frame_index), strict=True))


def _level_values(shot: Shot, measures: list[Measure]) -> dict[str, Any]:
    shared = [(_shared_s(measure, shot), measure.values) for measure in measures if measure.values]
    total = sum(weight for weight, _ in shared)
    if not total:
        return {}
    power = sum(weight * dbfs_to_power(values["rms_dbfs"]) for weight, values in shared) / total
    active = sum(weight * values["active_fraction"] for weight, values in shared) / total
    loudest = max(values["rms_dbfs"] for _, values in shared)
    peak = max(values["peak_dbfs"] for _, values in shared)
    return dict(zip(_LEVELS, (round(power_to_dbfs(power), 2), loudest, peak, round(active, 4)), strict=True))


def _shared_s(measure: Measure, shot: Shot) -> float:
    start = max(measure.span.start.fraction, shot.span.start.fraction)
    return float(min(measure.span.end.fraction, shot.span.end.fraction) - start)
