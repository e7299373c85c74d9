"""Lanes over time: shots, key pictures, what is heard, what is seen, what is dark or stands still."""

from __future__ import annotations

import math

from cortexia.report.axis import Axis
from cortexia.report.gather import Facts, Series, Span
from cortexia.report.lane import BLOCKS_SHOWN, spans_lane
from cortexia.report.lane import Lane as Lane
from cortexia.report.sound_lanes import sound_lanes
from cortexia.report.words import count, number, plural
from cortexia.wording import clock

LABELS_SHOWN = 16
_COLUMNS = 400
_MOMENT_US = 2_000_000
_LEVELS = 4


def make_lanes(facts: Facts, axis: Axis, colours: dict[str, int], speakers: dict[str, int] | None = None) -> list[Lane]:
    """Only lanes of what was looked at; what was not is told elsewhere on the page. ``colours`` of labels and
    ``speakers`` are places in the palette."""
    lanes: list[Lane] = []
    if facts.shots:
        lanes.append(_shot_lane(facts, axis))
    if facts.pictures:
        lanes.append(_picture_lane(facts, axis))
    lanes += sound_lanes(facts, axis, speakers or {})
    lanes += [_label_lane(facts, axis, label, colours[label]) for label in facts.labels[:LABELS_SHOWN]]
    rest = facts.labels[LABELS_SHOWN:]
    if rest:
        lanes.append(_rest_lane(facts, axis, rest))
    for label, spans in sorted(facts.spans.items()):
        lanes.append(_span_lane(label, spans, axis))
    lanes += [_other_lane(name, series, axis) for name, series in sorted(facts.others.items())]
    return lanes


def _shot_lane(facts: Facts, axis: Axis) -> Lane:
    spans = [Span(shot.start, shot.end) for shot in facts.shots]
    note = plural(len(spans), "shot")
    if len(spans) > BLOCKS_SHOWN:
        return Lane("Shots", note, paths=[("even", axis.path(spans[::2])), ("odd", axis.path(spans[1::2]))])
    blocks = []
    for shot, span in zip(facts.shots, spans, strict=True):
        camera = facts.cameras.get(shot.start)
        title = f"shot {shot.number}, {axis.between(*span[:2])}" + (f", camera {camera}" if camera else "")
        blocks.append(axis.block(span, "odd" if shot.number % 2 == 0 else "even", title))
    return Lane("Shots", note, blocks)


def _picture_lane(facts: Facts, axis: Axis) -> Lane:
    width = axis.end / 400
    blocks = [
        axis.block(
            Span(row.start_us, round(row.start_us + width)),
            "mark",
            f"key picture at {clock(row.start_us, axis.decimals)}, frame {row.annotation.frame_index}",
        )
        for row in facts.pictures[:BLOCKS_SHOWN]
    ]
    rest = facts.pictures[BLOCKS_SHOWN:]
    paths = [("mark", axis.path(Span(row.start_us, round(row.start_us + width)) for row in rest))] if rest else []
    return Lane("Key pictures", plural(len(facts.pictures), "picture"), blocks, paths)


def _span_lane(label: str, spans: list[Span], axis: Axis) -> Lane:
    total = sum(span.end - span.start for span in spans) / 1e6
    note = f"{plural(len(spans), 'span')}, {number(total)} s"
    return spans_lane(label.capitalize(), note, [span._replace(text="") for span in spans], axis, label)


def _label_lane(facts: Facts, axis: Axis, label: str, shade: int) -> Lane:
    series = facts.detections[label]
    frames = facts.detection_frames[label]
    note = f"{plural(len(series), 'detection')} in {plural(frames, 'frame')}"
    return Lane(label, note, paths=_density(series, axis, facts.detection_step), shade=shade)


def _rest_lane(facts: Facts, axis: Axis, labels: list[str]) -> Lane:
    together = Series()
    starts = sorted((start, end) for label in labels for start, end in _pairs(facts.detections[label]))
    for start, end in starts:
        together.add(start, end)
    note = f"{plural(len(together), 'detection')} of {count(len(labels))} labels"
    return Lane("Other labels", note, paths=_density(together, axis, facts.detection_step), shade=7)


def _pairs(series: Series) -> zip[tuple[int, int]]:
    return zip(series.starts, series.ends, strict=True)


def _other_lane(name: str, series: Series, axis: Axis) -> Lane:
    return Lane(name, plural(len(series), "row"), paths=_density(series, axis, series.step), shade=7)


def _density(series: Series, axis: Axis, step: int) -> list[tuple[str, str]]:
    """Rows that begin in each column, in four steps of strength, the strongest at the most that any column has.

    A column is about a four-hundredth of the time, and whole ``step`` (µs, time between samples): where it held now one
    sample and now two, an even row would show stripes. A longer step counts as two seconds, so that a lone row stays a
    moment.
    """
    width = axis.end / _COLUMNS
    if step:
        step = min(step, _MOMENT_US)
        width = step * math.ceil(width / step)
    counts: dict[int, int] = {}
    for start in series.starts:
        column = math.floor(start / width + 0.5 * step / width)
        counts[column] = counts.get(column, 0) + 1
    most = max(counts.values())
    found: list[list[Span]] = [[] for _ in range(_LEVELS)]
    for column, amount in sorted(counts.items()):
        level = -(-amount * _LEVELS // most) - 1
        found[level].append(Span(round(column * width), round(min(axis.end, (column + 1) * width))))
    return [(f"level{level + 1}", axis.path(spans)) for level, spans in enumerate(found) if spans]
