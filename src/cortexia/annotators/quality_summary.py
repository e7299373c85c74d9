"""Picture quality of each shot in one row, and the spans in which the picture is black or stands still."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, NamedTuple, cast

from cortexia.annotators._series import shot_values
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.annotators.quality import LABEL
from cortexia.annotators.shot_summary import Alongside
from cortexia.errors import ConfigurationError
from cortexia.types import Annotation, Measure, Shot, TimeSpan, Timestamp

SUMMARY, BLACK, FROZEN = "quality_summary", "black", "frozen"
_STILL_STEP = Fraction(2, 5)


@dataclass(frozen=True)
class QualitySummary(Solver):
    """What the frames measured by ``quality`` come to.

    A ``Measure`` labelled ``quality_summary`` per shot: ``*_mean``, ``*_min`` and ``*_max`` of every value of
    ``quality``; ``sharpness_median``, ``unsharp_fraction`` (share of frames below ``SHARPNESS_THRESHOLD``),
    ``sharpness_relative_min`` (the least sharp frame over the median) and ``blurred_fraction`` (share of frames below
    half of the median); ``flicker`` (see ``_series.flicker``); ``black_fraction`` and ``frozen_fraction``. Attributes:
    ``samples``, how many frames, and ``not_measured``, what could not be told and why. A shot without a sampled frame
    has a reason and no values.

    A ``Measure`` labelled ``black`` per stretch of frames with an exposure of at most ``black_exposure`` and a contrast
    of at most ``black_contrast``: dark all over, so that stars in a night sky are not. One labelled ``frozen`` per
    stretch of frames that differ by at most ``frozen_difference`` from the one before, if it is on screen for at
    least ``frozen_s`` seconds; black that lasts is frozen, too. For the latter frames are taken at least 0.4 s apart,
    and changes in between add up: the more often one looks, the less changes from look to look, and slow is not still.
    A stretch starts with the first sampled frame that shows it and ends where the first sampled frame starts that no
    longer does, or with the last shot: both borders are late by less than the sampling interval.
    """

    name: ClassVar[str] = "quality_summary"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("quality", "shots")
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    black_exposure: float = 0.07
    black_contrast: float = 0.02
    frozen_difference: float = 0.001
    frozen_s: float = 2.0

    def __post_init__(self) -> None:
        ranges = {"black_exposure": 1.0, "black_contrast": 0.5, "frozen_difference": 1.0, "frozen_s": 3600.0}
        for option, high in ranges.items():
            if not 0 <= getattr(self, option) <= high:
                raise ConfigurationError(
                    f"option {option!r} of annotator 'quality_summary' must lie in 0 .. {high:g}, "
                    f"got {getattr(self, option)}"
                )

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        yield from self._summaries(stored)
        yield from self._black_spans(stored)
        yield from self._frozen_spans(stored)

    def _summaries(self, stored: StoredAnnotations) -> Iterator[Measure]:
        samples = Alongside(_samples(stored))
        frozen = Alongside(self._frozen_spans(stored))
        for shot in _shots(stored):
            own = [row for row in samples.within(shot) if shot.first_frame <= (row.frame_index or 0) <= shot.last_frame]
            yield self._summary(shot, own, frozen.within(shot))

    def _summary(self, shot: Shot, samples: list[Measure], frozen: list[Measure]) -> Measure:
        if not samples:
            reason = "no frame of this shot was sampled"
            return Measure(span=shot.span, label=SUMMARY, frame_index=shot.first_frame, reason=reason)
        values, missing = shot_values(samples)
        still = [row for row in samples if any(part.span.contains(row.span.start) for part in frozen)]
        values["black_fraction"] = round(sum(map(self._is_black, samples)) / len(samples), 6)
        values["frozen_fraction"] = round(len(still) / len(samples), 6)
        return Measure(
            span=shot.span,
            label=SUMMARY,
            frame_index=shot.first_frame,
            values=values,
            attributes={"samples": len(samples), "not_measured": missing},
        )

    def _is_black(self, sample: Measure) -> bool:
        values = sample.values
        return values["exposure"] <= self.black_exposure and values["contrast"] <= self.black_contrast

    def _is_still(self, sample: Measure) -> bool:
        return sample.values["difference"] <= self.frozen_difference

    def _black_spans(self, stored: StoredAnnotations) -> Iterator[Measure]:
        ends = _end_of_shots(stored)
        for part in _stretches(_samples(stored), ends, lambda *pair: all(map(self._is_black, pair))):
            if self._is_black(part.samples[0]):
                exposure = statistics.fmean(sample.values["exposure"] for sample in part.samples)
                contrast = max(sample.values["contrast"] for sample in part.samples)
                yield part.measure(BLACK, {"exposure": round(exposure, 6), "contrast_max": contrast})

    def _frozen_spans(self, stored: StoredAnnotations) -> Iterator[Measure]:
        ends = _end_of_shots(stored)
        for part in _stretches(_thinned(_samples(stored)), ends, lambda _, after: self._is_still(after)):
            if len(part.samples) > 1 and part.shown_s >= self.frozen_s:
                change = max(sample.values["difference"] for sample in part.samples[1:])
                yield part.measure(FROZEN, {"difference_max": round(change, 6)})


class _Stretch(NamedTuple):
    """Consecutive samples that belong together, until ``end``."""

    samples: list[Measure]
    end: Timestamp

    @property
    def shown_s(self) -> float:
        """For how long it is sure to be on screen."""
        return TimeSpan(self.samples[0].span.start, self.samples[-1].span.end).duration_s

    def measure(self, label: str, values: dict[str, float]) -> Measure:
        return Measure(
            span=TimeSpan(self.samples[0].span.start, self.end),
            label=label,
            frame_index=self.samples[0].frame_index,
            values=values,
            attributes={"samples": len(self.samples)},
        )


def _stretches(
    samples: Iterator[Measure], end: Timestamp | None, goes_on: Callable[[Measure, Measure], bool]
) -> Iterator[_Stretch]:
    """All samples in order, cut before each one that does not go on from the one before; the last lasts to ``end``."""
    first = next(samples, None)
    if first is None:
        return
    held = [first]
    for sample in samples:
        if not goes_on(held[-1], sample):
            yield _Stretch(held, sample.span.start)
            held = []
        held.append(sample)
    last = held[-1].span.end
    yield _Stretch(held, max(last, end) if end else last)


def _thinned(samples: Iterator[Measure]) -> Iterator[Measure]:
    """Samples at least 0.4 s apart, and the last; each with all change since the one kept before as its difference.

    By the triangle inequality that is no less than how much the two differ.
    """
    kept: Measure | None = None
    left: Measure | None = None
    change = 0.0
    for sample in samples:
        change += sample.values.get("difference", 1.0)
        left = replace(sample, values={**sample.values, "difference": change})
        if kept is None or sample.span.start.fraction - kept.span.start.fraction >= _STILL_STEP:
            yield left
            kept, left, change = left, None, 0.0
    if left is not None:
        yield left


def _samples(stored: StoredAnnotations) -> Iterator[Measure]:
    """What ``quality`` measured, in order of time."""
    rows = cast(Iterable[Measure], stored.of("measure"))
    return (row for row in rows if row.label == LABEL and row.values)


def _shots(stored: StoredAnnotations) -> Iterator[Shot]:
    return iter(cast(Iterable[Shot], stored.of("shot")))


def _end_of_shots(stored: StoredAnnotations) -> Timestamp | None:
    return max((shot.span.end for shot in _shots(stored)), default=None)
