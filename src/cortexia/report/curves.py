"""Curves over time; a long one is the mean of each column on a band from the least to the greatest value, so that no
peak is lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from cortexia.report.axis import Axis, Block
from cortexia.report.gather import Facts, Series, Span
from cortexia.report.words import number, plural, reason_words, value_ticks

HEIGHT = 100.0
_COLUMNS = 500
_RAW_LIMIT = 1000
_GAP = 2.5
_BLANKS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class CurveSpec:
    """What to draw of a measure. ``low`` and ``high`` bound the scale where it has natural ends; ``floor``: what lies
    below is drawn there, and the scale says so. ``zero``: the scale holds 0."""

    label: str
    name: str
    title: str
    unit: str
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    zero: bool = False


CURVES = (
    CurveSpec("loudness", "rms_dbfs", "Loudness", "dBFS, RMS of each second", high=0.0, floor=-80.0),
    CurveSpec("quality", "sharpness", "Sharpness", "variance of the Laplacian", zero=True),
    CurveSpec("quality", "exposure", "Exposure", "mean luma, 0 to 1", zero=True),
    CurveSpec("quality", "noise_sigma", "Noise", "standard deviation, levels of 255", zero=True),
    CurveSpec("motion", "pan", "Pan", "widths per second, + is right", zero=True),
    CurveSpec("motion", "tilt", "Tilt", "heights per second, + is down", zero=True),
    CurveSpec("motion", "zoom", "Zoom", "scale per second, + is in", zero=True),
    CurveSpec("motion", "residual", "Other movement", "diagonals per second, without the camera", zero=True),
)


@dataclass(frozen=True, slots=True)
class ScaleTick:
    """``percent`` from the top."""

    percent: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """``path`` on 0 .. 1000 across and 0 .. 100 down; ``blanks``: spans that could not be measured, with reasons.

    Of a long series ``path`` holds the mean of each column and ``band`` its least and greatest value.
    """

    title: str
    unit: str
    path: str
    band: str
    ticks: list[ScaleTick]
    zero: float | None
    blanks: list[Block]
    note: str


def make_curves(facts: Facts, axis: Axis) -> list[Curve]:
    """Curves of the measures that were taken. One whose spans all have reasons is drawn empty."""
    found = []
    for spec in CURVES:
        series = facts.series.get((spec.label, spec.name))
        blanks = facts.blanks.get(spec.label, [])
        if series is not None or (blanks and spec.label not in facts.measures):
            found.append(_curve(spec, series or Series(), blanks, axis))
    return found


def _curve(spec: CurveSpec, series: Series, blanks: list[Span], axis: Axis) -> Curve:
    low, high = _range(spec, series)
    shown = [
        axis.block(span, "blank", f"not measured, {axis.between(*span[:2])}: {reason_words(span.text)}")
        for span in _joined(blanks, series.step)[:_BLANKS_SHOWN]
    ]
    points = _points(series, blanks, axis, low, high)
    path, band = _paths(list(_columns(points))) if len(series) > _RAW_LIMIT else (_path(points), "")
    zero = _down(0.0, low, high) if spec.zero and low < 0 < high else None
    return Curve(spec.title, spec.unit, path, band, _ticks(spec, series, low, high), zero, shown, _note(series))


def _joined(blanks: list[Span], step: int) -> list[Span]:
    """Samples that could not be measured, each standing for the time up to the next; neighbours become one."""
    found: list[Span] = []
    for blank in blanks:
        end = max(blank.end, blank.start + step)
        if found and blank.start <= found[-1].end and blank.text == found[-1].text:
            found[-1] = found[-1]._replace(end=max(end, found[-1].end))
        else:
            found.append(blank._replace(end=end))
    return found


def _note(series: Series) -> str:
    if not len(series):
        return "not measured"
    least, most = min(series.values), max(series.values)
    middle = median(series.values)
    return f"{number(least)} to {number(most)}, median {number(middle)}, {plural(len(series), 'value')}"


def _range(spec: CurveSpec, series: Series) -> tuple[float, float]:
    low = min(series.values, default=0.0)
    high = max(series.values, default=1.0)
    if spec.zero:
        low, high = min(0.0, low), max(0.0, high)
    if spec.floor is not None:
        low = max(low, spec.floor)
    low = spec.low if spec.low is not None else low
    high = spec.high if spec.high is not None else high
    if high <= low:
        return low - 1.0, low + 1.0
    room = (high - low) * 0.06
    return (
        low - (room if low not in (0.0, spec.low, spec.floor) else 0.0),
        high + (room if high not in (0.0, spec.high) else 0.0),
    )


def _ticks(spec: CurveSpec, series: Series, low: float, high: float) -> list[ScaleTick]:
    ticks = [ScaleTick(round(_down(value, low, high), 2), number(value)) for value in value_ticks(low, high)]
    if spec.floor is not None and low == spec.floor and min(series.values, default=0.0) < low:
        ticks = [tick for tick in ticks if tick.percent < 90]
        ticks.append(ScaleTick(100.0, f"≤ {number(low)}"))
    return ticks


def _down(value: float, low: float, high: float) -> float:
    return min(HEIGHT, max(0.0, (high - value) / (high - low) * HEIGHT))


@dataclass(slots=True)
class _Point:
    x: float
    y: float
    begins: bool


def _points(series: Series, blanks: list[Span], axis: Axis, low: float, high: float) -> Iterator[_Point]:
    """A value at the middle of its span. A line begins anew after a gap and after what could not be measured."""
    allowed = _GAP * series.step
    before: int | None = None
    blank = 0
    for start, end, value in zip(series.starts, series.ends, series.values, strict=True):
        begins = before is None or start - before > allowed
        while blank < len(blanks) and blanks[blank].start < start:
            begins = begins or blanks[blank].start > (before or 0)
            blank += 1
        before = start
        yield _Point(axis.x((start + end) / 2), _down(value, low, high), begins)


def _path(points: Iterable[_Point]) -> str:
    parts: list[str] = []
    for point in points:
        parts.append(f"{'M' if point.begins else 'L'}{point.x:.1f} {point.y:.1f}")
        if point.begins:
            parts.append("h.4")  # a lone value is a dot, not nothing
    return "".join(parts)


@dataclass(slots=True)
class _Column:
    """The values of one column; ``begins``: a new line begins in it."""

    place: int
    begins: bool
    least: float = math.inf
    most: float = -math.inf
    total: float = 0.0
    amount: int = 0

    @property
    def x(self) -> float:
        return (self.place + 0.5) * 1000 / _COLUMNS

    def add(self, y: float) -> None:
        self.least, self.most = min(self.least, y), max(self.most, y)
        self.total += y
        self.amount += 1


def _columns(points: Iterable[_Point]) -> Iterator[_Column]:
    column: _Column | None = None
    for point in points:
        place = min(_COLUMNS - 1, int(point.x * _COLUMNS / 1000))
        if column is None or column.place != place or point.begins:
            if column is not None:
                yield column
            column = _Column(place, point.begins)
        column.add(point.y)
    if column is not None:
        yield column


def _paths(columns: list[_Column]) -> tuple[str, str]:
    """The means as a line; least and greatest values as a zigzag, which a wide stroke makes a band."""
    means = _path(_Point(column.x, column.total / column.amount, column.begins) for column in columns)
    last = 0.0
    zigzag: list[_Point] = []
    for column in columns:
        near, far = column.least, column.most
        if abs(far - last) < abs(near - last):
            near, far = far, near
        zigzag += [_Point(column.x, near, column.begins), _Point(column.x, far, False)]
        last = far
    return means, _path(zigzag)
