"""Faces of one video put into tracks, and what a track comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from cortexia.annotators._cuts import Cuts
from cortexia.annotators._gaps import Gaps
from cortexia.annotators.base import NextLook
from cortexia.trackers import make_tracker
from cortexia.trackers.base import NO_TRACK, TrackerOptions
from cortexia.types import Embedding, Face, TimeSpan

Key = tuple[int, tuple[float, float, float, float]]
_TRACKER = "bytetrack"
_PATH_STEP_S = 1.0


def key_of(row: Face | Embedding) -> Key:
    """By what a face and its vector know each other: frame and box."""
    assert row.frame_index is not None and row.bbox is not None  # noqa: S101, PT018 - both have one  # nosec B101
    return row.frame_index, row.bbox.xywh


@dataclass(frozen=True, slots=True)
class Followed:
    """One face over time: ``faces`` in order, one a frame at most."""

    faces: tuple[Face, ...]

    @property
    def span(self) -> TimeSpan:
        return TimeSpan(self.faces[0].span.start, self.faces[-1].span.end)

    def confidence(self) -> float | None:
        """The mean of those that have one."""
        told = [face.confidence for face in self.faces if face.confidence is not None]
        return round(sum(told) / len(told), 6) if told else None

    def gaps(self, next_look: NextLook, origin: Fraction) -> Gaps:
        """How often, and for how long, it was lost and found again."""
        gaps = Gaps(next_look, origin)
        for face in self.faces:
            gaps.see(face)
        return gaps

    def path(self) -> list[list[float]]:
        """Where it was, once a second and at both ends: frame index, seconds, and the corners of its box in pixels."""
        kept: list[Face] = []
        for face in self.faces:
            if not kept or face.span.start.seconds - kept[-1].span.start.seconds >= _PATH_STEP_S:
                kept.append(face)
        if kept[-1] is not self.faces[-1]:
            kept.append(self.faces[-1])
        return [
            [face.frame, round(face.span.start.seconds, 6), *(round(side, 1) for side in face.box.corners)]
            for face in kept
        ]


def follow(faces: Iterable[Face], buffer_s: float, cuts: Cuts) -> Iterator[list[Followed]]:
    """Tracks shot by shot, in order of their first face, of equals from left to right. ``faces``: in order of time.
    ``buffer_s``: seconds for which a face that is out of sight may be found again. ``cuts``: where tracks end. Every
    face is in a track, be it alone."""
    shots = groupby(faces, key=lambda face: cuts.shot_at(face.span.start))
    return (_follow_in_shot(shown, buffer_s) for _, shown in shots)


def _follow_in_shot(faces: Iterable[Face], buffer_s: float) -> list[Followed]:
    options = TrackerOptions(buffer_s=buffer_s, min_hits=1, low=0.0, high=0.0, birth=0.0)
    tracker = make_tracker(_TRACKER, options)
    fed: list[Face] = []
    for _, group in groupby(faces, key=lambda face: face.frame):
        shown = sorted(group, key=lambda face: face.box.corners)
        boxes = np.array([face.box.corners for face in shown], np.float64)
        scores = np.array([1.0 if face.confidence is None else face.confidence for face in shown], np.float64)
        tracker.update(shown[0].span.start.seconds, boxes, scores)
        fed += shown
    members: dict[Any, list[Face]] = {}
    for position, (face, track) in enumerate(zip(fed, tracker.finish().tolist(), strict=True)):
        members.setdefault(("alone", position) if track == NO_TRACK else track, []).append(face)
    return [Followed(tuple(own)) for own in members.values()]
