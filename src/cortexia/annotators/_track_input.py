"""What a tracker is told of a video: detections frame by frame and label by label, with how they look where that is
known."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._cuts import Cuts, cuts_in
from cortexia.annotators._in_frame import corners_of
from cortexia.annotators._offline_objects import MODELS as OFFLINE_MODELS
from cortexia.annotators.base import StoredAnnotations
from cortexia.errors import ConfigurationError
from cortexia.trackers.base import NO_TRACK, Integers, Tracker
from cortexia.types import BBox, Detection, Embedding

Vector = NDArray[np.float32]
_Frame = tuple[list[Detection], dict[tuple[str, BBox], Vector]]
MakeTracker = Callable[[bool], Tracker]
"""A tracker for one label; told whether every one of its boxes counts as sure."""


class TrackInput:
    """Reads the rows of ``stored`` as often as it is asked, and keeps none. ``wanted``: labels, ``None`` for all.
    ``with_cuts``: nothing is followed from one shot into the next."""

    def __init__(
        self, stored: StoredAnnotations, wanted: Collection[str] | None, with_looks: bool, with_cuts: bool
    ) -> None:
        self._stored = stored
        self._wanted = wanted
        self._with_cuts = with_cuts
        self._types = ("detection", "embedding") if with_looks else ("detection",)
        self._seen = frozenset(self._labels_with_looks()) if with_looks else frozenset[str]()

    def frames(self) -> Iterator[list[Detection]]:
        """The wanted detections frame by frame."""
        return (rows for rows, _ in self._frames())

    def members(self, origin: Fraction, make_tracker: MakeTracker) -> dict[str, Iterator[int]]:
        """By label, the track of each of its detections in the order of ``frames``: numbers from 1, or ``NO_TRACK``."""
        cuts = cuts_in(self._stored) if self._with_cuts else Cuts()
        told: dict[str, list[Integers]] = defaultdict(list)
        counts: Counter[str] = Counter()
        shots = itertools.groupby(self._frames(), key=lambda frame: cuts.shot_at(frame[0][0].span.start))
        for _, frames in shots:
            for label, tracker in self._fed(frames, origin, make_tracker).items():
                found = tracker.finish()
                told[label].append(np.where(found == NO_TRACK, NO_TRACK, found + counts[label]))
                counts[label] += int(found.max(initial=0))
        return {label: map(int, itertools.chain.from_iterable(parts)) for label, parts in told.items()}

    def _fed(self, frames: Iterable[_Frame], origin: Fraction, make_tracker: MakeTracker) -> dict[str, Tracker]:
        """Trackers by label, told of all ``frames``."""
        trackers: dict[str, Tracker] = {}
        for rows, looks in frames:
            for label, group in itertools.groupby(sorted(rows, key=label_of), key=label_of):
                own = list(group)
                if label not in trackers:
                    trackers[label] = make_tracker(own[0].attributes.get("model") in OFFLINE_MODELS)
                vectors = [looks[_key(row)] for row in own] if label in self._seen else None
                _feed(trackers[label], own[0].span.start.since(origin), own, vectors)
        return trackers

    def _frames(self) -> Iterator[_Frame]:
        """The wanted detections of each frame that has any, and the vectors that there are, by label and box."""
        rows = cast(Iterable[Detection | Embedding], self._stored.of(*self._types))
        for _, group in itertools.groupby(rows, key=lambda row: row.frame_index):
            found: list[Detection] = []
            looks: dict[tuple[str, BBox], Vector] = {}
            for row in group:
                if isinstance(row, Embedding):
                    looks[_key(row)] = row.values()
                elif self._wanted is None or row.label in self._wanted:
                    found.append(row)
            if found:
                yield found, looks

    def _labels_with_looks(self) -> Iterator[str]:
        """Labels whose detections have vectors: a tracker takes them for all of its boxes, or for none. Raises
        ``ConfigurationError`` for a label of which only some have one."""
        known: set[str] = set()
        lacking: set[str] = set()
        for rows, looks in self._frames():
            for row in rows:
                (known if _key(row) in looks else lacking).add(label_of(row))
        if known & lacking:
            raise ConfigurationError(
                f"only some detections of {min(known & lacking)!r} have a vector of 'appearance'; let it look as"
                " often as 'objects' does (option 'per_second' of both)"
            )
        return iter(known)


def label_of(row: Detection) -> str:
    return row.label or ""


def _key(row: Detection | Embedding) -> tuple[str, BBox]:
    assert row.bbox is not None  # noqa: S101 - a detection has a box, and the vector of a crop has its  # nosec B101
    return row.label or "", row.bbox


def _feed(tracker: Tracker, time_s: float, rows: Sequence[Detection], vectors: Sequence[Vector] | None) -> None:
    boxes = np.array([corners_of(row) for row in rows], np.float64)
    scores = np.array([1.0 if row.confidence is None else row.confidence for row in rows], np.float64)
    tracker.update(time_s, boxes, scores, None if vectors is None else np.stack(vectors).astype(np.float64))
