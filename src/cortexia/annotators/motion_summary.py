"""One row per shot about its camera: how it moved, and what to call that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

from cortexia.annotators._camera import MOVES, CameraPath, summarise
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.types import Annotation, Measure, Shot


@dataclass(frozen=True)
class MotionSummary(Solver):
    """A ``Measure`` labelled ``motion_summary`` for each shot, from the rows of ``motion`` between two of its frames.

    For each of ``pan``, ``tilt``, ``zoom`` and ``roll`` (units and signs as ``motion`` has them), over time: ``_mean``,
    ``_rms``, ``_min``, ``_max``. ``shake``: what remains of pan, tilt and roll beside their mean over a second, as the
    speed of the picture's edge in frames per second, mean magnitude. ``path_length``: frame sizes that the view
    travelled. ``residual_mean``, ``residual_max``: as in ``motion``. ``measured_s``, ``unmeasured_s``: seconds with and
    without a measurement.

    Attribute ``camera``: ``static``, ``pan``, ``tilt``, ``zoom``, ``roll``, ``handheld`` or ``mixed``. A steady move
    counts when it carries the picture's edge by 0.01 frames a second or more (a zoom half its rate, a roll pi times
    its own), shake from 0.02 on; of those present only what reaches half of the strongest is named. A pan or tilt that
    is no faster than a zoom's edge belongs to the zoom: its centre lies within the picture.

    A shot without a measurement has a ``reason``: the one that ``motion`` gave most often, or ``too_short`` where no
    two of its frames were compared.
    """

    name: ClassVar[str] = "motion_summary"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("shots", "motion")
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        rows = (row for row in cast(Iterable[Measure], stored.of("measure")) if row.label == "motion")
        return _summaries(cast(Iterable[Shot], stored.of("shot")), iter(rows))


def _summaries(shots: Iterable[Shot], rows: Iterator[Measure]) -> Iterator[Annotation]:
    """Shots and rows side by side in order of time: rows become numbers as they are read."""
    row = next(rows, None)
    for shot in shots:
        path, reasons = CameraPath(), Counter[str]()
        while row is not None and row.span.start < shot.span.end:
            if row.span.start >= shot.span.start and cast(int, row.frame_index) <= shot.last_frame:
                _add(row, path, reasons)
            row = next(rows, None)
        yield _summary(shot, path, reasons)


def _add(row: Measure, path: CameraPath, reasons: Counter[str]) -> None:
    seconds = row.span.duration_s
    if row.reason is not None:
        path.unmeasured_s += seconds
        reasons[row.reason] += seconds > 0
        return
    path.seconds.append(seconds)
    path.middle.append(row.span.start.seconds + seconds / 2)
    path.residual.append(row.values["residual"])
    for name in MOVES:
        path.moves[name].append(row.values[name])


def _summary(shot: Shot, path: CameraPath, reasons: Counter[str]) -> Annotation:
    if not path.seconds:
        (reason, count), *_ = [*reasons.most_common(1), ("too_short", 0)]
        return Measure(
            span=shot.span,
            label="motion_summary",
            frame_index=shot.first_frame,
            reason=reason if count else "too_short",
        )
    values, kind = summarise(path)
    return Measure(
        span=shot.span,
        label="motion_summary",
        frame_index=shot.first_frame,
        values=values,
        attributes={"camera": kind},
    )
