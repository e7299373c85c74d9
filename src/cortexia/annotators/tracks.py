"""Tracks: which detections are the same thing over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from cortexia.annotators._gaps import Gaps
from cortexia.annotators._in_frame import corners_of
from cortexia.annotators._options import labels_in, require_labels
from cortexia.annotators._track_input import TrackInput, label_of
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.trackers import TrackerOptions, make_tracker
from cortexia.trackers.base import NO_TRACK
from cortexia.types import Annotation, Detection, TimeSpan, Track, TrackBox

HIGH, BIRTH = 0.4, 0.5


@dataclass(frozen=True)
class Tracks(Solver):
    """A ``TrackBox`` for each detection that belongs to a track, and a ``Track`` for each track.

    Each label is tracked on its own. ``tracker``: ``bytetrack``, or ``iou``, which knows no motion. ``labels``: only
    these, comma-joined. ``buffer_s``: seconds from one box of a track to the next, at most; something out of sight for
    longer is another track. ``min_hits``: boxes that a track has at least. ``birth``, ``high``, ``low``: a track needs
    a box of the confidence ``birth`` (``None``: 0.5); from ``high`` (``None``: 0.4, at most ``birth``) on a box may
    bring back what was out of sight; below ``low`` a box is left out. A detection without a confidence counts as
    certain; those of ``offline`` detectors, whose confidences are no probabilities, are not doubted unless ``high`` or
    ``birth`` is set. A track ends with its shot, unless ``across_cuts``.
    ``appearance``: how things look counts, too, for labels of which every detection has a vector of ``appearance``.

    Span, label, confidence, box and frame of a track box are those of its detection. ``track_id`` is ``t`` and a
    number of four digits or more: tracks of all labels counted from 1 in order of first frame, label and first box. The
    confidence of a track is the mean over its boxes. It has a gap wherever ``objects`` looked at least once between two
    boxes and did not find it; ``gap_s``: seconds from the first of these looks until it was found again, in all.

    The rows are read twice (thrice with looks), and none is kept: memory grows by some bytes for each of them.
    """

    name: ClassVar[str] = "tracks"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("objects",)
    provides: ClassVar[tuple[str, ...]] = ("track_box", "track")

    tracker: str = "bytetrack"
    labels: str | None = None
    buffer_s: float = 2.0
    min_hits: int = 3
    low: float = 0.1
    high: float | None = None
    birth: float | None = None
    appearance: bool = False
    across_cuts: bool = False

    def __post_init__(self) -> None:
        make_tracker(self.tracker, self.rules())
        require_labels(self.name, self.labels)

    @property
    def wanted(self) -> frozenset[str] | None:
        """The labels asked for; ``None`` for all."""
        return labels_in(self.labels)

    @property
    def needs(self) -> tuple[str, ...]:
        cuts, looks = () if self.across_cuts else ("shots",), ("appearance",) if self.appearance else ()
        return (*self.requires, *cuts, *looks)

    def rules(self, is_sure: bool = False) -> TrackerOptions:
        """``is_sure``: no box is doubted for its confidence, where the options do not say otherwise."""
        high, birth = self.high, self.birth
        if high is None:
            most = HIGH if birth is None else min(HIGH, birth)
            high = self.low if is_sure else max(self.low, most)
        if birth is None:
            birth = high if is_sure else max(high, BIRTH)
        return TrackerOptions(buffer_s=self.buffer_s, min_hits=self.min_hits, low=self.low, high=high, birth=birth)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterator[Annotation]:
        seen = TrackInput(stored, self.wanted, self.appearance, not self.across_cuts)
        members = seen.members(context.media.origin, lambda is_sure: make_tracker(self.tracker, self.rules(is_sure)))
        next_look = stored.next_look("objects")
        stories: dict[tuple[str, int], _Story] = {}
        for rows in seen.frames():
            mine = [(row, track) for row in rows if (track := next(members[label_of(row)])) != NO_TRACK]
            for row, track in sorted(mine, key=lambda item: (label_of(item[0]), corners_of(item[0]))):
                key = label_of(row), track
                if key not in stories:
                    stories[key] = _Story(f"t{len(stories) + 1:04d}", row, Gaps(next_look, context.media.origin))
                yield stories[key].member(row)
        for story in stories.values():
            yield story.track()


class _Story:
    """What is kept of a track while its boxes pass by."""

    def __init__(self, track_id: str, first: Detection, gaps: Gaps) -> None:
        self._id = track_id
        self._first = self._last = first
        self._boxes = 0
        self._confidences = 0
        self._confidence = 0.0
        self._gaps = gaps

    def member(self, row: Detection) -> TrackBox:
        """The next detection of the track, as its box."""
        self._gaps.see(row)
        self._last = row
        self._boxes += 1
        if row.confidence is not None:
            self._confidences += 1
            self._confidence += row.confidence
        return TrackBox(
            span=row.span,
            label=row.label,
            confidence=row.confidence,
            frame_index=row.frame_index,
            bbox=row.bbox,
            track_id=self._id,
        )

    def track(self) -> Track:
        return Track(
            span=TimeSpan(self._first.span.start, self._last.span.end),
            label=self._first.label,
            confidence=self._confidence / self._confidences if self._confidences else None,
            frame_index=self._first.frame,
            track_id=self._id,
            first_frame=self._first.frame,
            last_frame=self._last.frame,
            boxes=self._boxes,
            gaps=self._gaps.count,
            gap_s=self._gaps.seconds,
        )
