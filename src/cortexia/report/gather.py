"""The rows of one video, read once and brought down to what a report shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from cortexia.preference import disowned
from cortexia.report.base import VideoData
from cortexia.report.heard import ACTIVITY, Heard
from cortexia.report.near import Near
from cortexia.report.seen import Seen
from cortexia.report.series import Series as Series
from cortexia.report.series import Span as Span
from cortexia.report.series import runs_of as runs_of
from cortexia.types import Detection, KeyPicture, Measure, Region, Shot, ShotSummary, SoundEvent, StoredRow, TrackBox

SPAN_LABELS = ("black", "frozen")
NO_LABEL = "(no label)"
"""What stands where a detection has no label."""


@dataclass(frozen=True, slots=True)
class ShotFacts:
    """A shot with its number (from 1) and what summaries say about it."""

    number: int
    shot: Shot
    start: int
    end: int
    picture: KeyPicture | None = None
    picture_start: int = 0


@dataclass
class Facts:
    """Everything that pages, lanes and curves draw from. ``tracked``: boxes of tracks by their labels."""

    shots: list[ShotFacts] = field(default_factory=list)
    pictures: list[StoredRow] = field(default_factory=list)
    sounds: Series = field(default_factory=Series)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    cameras: dict[int, str] = field(default_factory=dict)
    looks: dict[int, dict[str, float]] = field(default_factory=dict)
    series: dict[tuple[str, str], Series] = field(default_factory=dict)
    blanks: dict[str, list[Span]] = field(default_factory=dict)
    detections: dict[str, Series] = field(default_factory=dict)
    detection_frames: dict[str, int] = field(default_factory=dict)
    tracked: Counter[str] = field(default_factory=Counter)
    regions: dict[str, Series] = field(default_factory=dict)
    near: dict[int, Near] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    heard: Heard = field(default_factory=Heard)
    others: dict[str, Series] = field(default_factory=dict)
    measures: dict[str, Series] = field(default_factory=dict)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    end: int = 0
    declared: int | None = None

    @property
    def duration(self) -> int:
        """What the container states, else how far the rows reach (µs)."""
        return self.end if self.declared is None else self.declared

    def shot_at(self, start: int) -> ShotFacts | None:
        """The shot that is on at a time (µs)."""
        place = bisect_right(self.shots, start, key=lambda shot: shot.start) - 1
        return self.shots[place] if place >= 0 and start < self.shots[place].end else None

    @property
    def detection_step(self) -> int:
        """Time between frames that detection looks at (µs), as far as rows tell: the least of all labels; 0 unknown."""
        return min((series.step for series in self.detections.values() if series.step), default=0)

    def step(self, *types: str) -> int:
        """Time between frames that have rows of any of these types (µs); 0 where it is not known."""
        steps = [series.step for kind in types if (series := self.regions.get(kind)) is not None]
        steps += [self.detection_step] if "detection" in types else []
        return min(filter(None, steps), default=0)

    @property
    def labels(self) -> list[str]:
        """Labels of detections, the most frequent first; of equals in order of the alphabet."""
        return sorted(self.detections, key=lambda label: (-len(self.detections[label]), label))


def gather(data: VideoData) -> Facts:
    """Shots and key pictures first (they are few), then every other row in order of time."""
    upstream = {run.run_id: run.spec.upstream_ids for run in data.runs}
    silent = disowned(data.shown_runs, data.runs)
    facts = Facts(pictures=list(data.rows("key_picture")), seen=Seen(upstream), heard=Heard(upstream, silent))
    best = _representatives(facts.pictures)
    for number, row in enumerate(data.rows("shot"), 1):
        shot = cast(Shot, row.annotation)
        own = _best_within(best, shot)
        picture = cast(KeyPicture, own.annotation) if own else None
        facts.shots.append(ShotFacts(number, shot, row.start_us, row.end_us, picture, own.start_us if own else 0))
    for row in data.rows():
        _take(facts, row)
    declared = data.record.media.duration_s if data.record.media else None
    facts.declared = None if declared is None else round(declared * 1_000_000)
    facts.end = facts.end or facts.declared or 0
    return facts


def _frame(row: StoredRow) -> int:
    return row.annotation.frame_index or 0


def _representatives(rows: list[StoredRow]) -> list[StoredRow]:
    """In order of their frames."""
    return sorted((row for row in rows if cast(KeyPicture, row.annotation).is_representative), key=_frame)


def _best_within(ordered: list[StoredRow], shot: Shot) -> StoredRow | None:
    """The representative of best quality in a shot, the first of equals."""
    own = ordered[
        bisect_left(ordered, shot.first_frame, key=_frame) : bisect_right(ordered, shot.last_frame, key=_frame)
    ]
    return max(own, key=lambda row: (cast(KeyPicture, row.annotation).quality, -row.start_us), default=None)


def _take(facts: Facts, row: StoredRow) -> None:
    annotation = row.annotation
    facts.rows[row.annotator] += 1
    facts.end = max(facts.end, row.end_us)
    if isinstance(annotation, Region):
        _take_region(facts, row, annotation)
    if facts.seen.take(row) or facts.heard.take(row):
        return
    if isinstance(annotation, Measure):
        _take_measure(facts, row, annotation)
    elif isinstance(annotation, Detection):
        _take_detection(facts, row, annotation)
    elif isinstance(annotation, SoundEvent) and annotation.label == ACTIVITY:
        facts.sounds.add(row.start_us, row.end_us)
    elif isinstance(annotation, ShotSummary):
        for name, reason in annotation.not_measured.items():
            facts.reasons[row.annotator, name, reason] += 1
    elif not isinstance(annotation, Shot | KeyPicture):
        # masks, poses and faces have the labels of the boxes that they belong to: one lane for each annotator is enough
        label = None if isinstance(annotation, Region) else annotation.label
        name = f"{row.annotator}: {label}" if label else row.annotator
        facts.others.setdefault(name, Series()).add(row.start_us, row.end_us)


def _take_measure(facts: Facts, row: StoredRow, measure: Measure) -> None:
    label = measure.label or row.annotator
    left_out = measure.attributes.get("not_measured")
    for name, reason in left_out.items() if isinstance(left_out, Mapping) else ():
        facts.reasons[row.annotator, f"{label}.{name}", str(reason)] += 1
    if measure.reason is not None:
        facts.reasons[row.annotator, label, measure.reason] += 1
        facts.blanks.setdefault(label, []).append(Span(row.start_us, row.end_us, measure.reason))
    elif label == "motion_summary":
        facts.cameras[row.start_us] = str(measure.attributes.get("camera", ""))
    elif label == "quality_summary":
        facts.looks[row.start_us] = dict(measure.values)
    elif label in SPAN_LABELS:
        facts.spans.setdefault(label, []).append(Span(row.start_us, row.end_us, label))
    else:
        facts.measures.setdefault(label, Series()).add(row.start_us, row.end_us)
        for name, value in measure.values.items():
            facts.series.setdefault((label, name), Series()).add(row.start_us, row.end_us, value)


def _take_detection(facts: Facts, row: StoredRow, detection: Detection) -> None:
    label = detection.label or NO_LABEL
    series = facts.detections.setdefault(label, Series())
    if not series.starts or series.starts[-1] != row.start_us:
        facts.detection_frames[label] = facts.detection_frames.get(label, 0) + 1
    series.add(row.start_us, row.end_us)


def _take_region(facts: Facts, row: StoredRow, region: Region) -> None:
    if not isinstance(region, Detection):
        facts.regions.setdefault(region.type, Series()).add(row.start_us, row.end_us)
    if isinstance(region, TrackBox):
        facts.tracked[region.label or NO_LABEL] += 1
    shot = facts.shot_at(row.start_us)
    if shot is not None and shot.picture is not None and shot.picture.frame_index is not None:
        facts.near.setdefault(shot.number, Near(shot.picture.frame_index)).take(row, region)
