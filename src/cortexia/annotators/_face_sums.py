"""What is kept of a track of faces when the faces themselves are let go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._face_tracks import Followed, key_of
from cortexia.annotators._gaps import Gaps
from cortexia.types import Embedding, Face, TimeSpan, Timestamp

Floats = NDArray[np.float64]
_LEAST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True)
class Kept:
    """One face over time. ``gaps``, ``gap_s`` and ``path``: as ``Followed`` tells them. ``votes``: how many of its
    faces each person holds. ``sums``: its vectors (d,), added up and weighted, by model."""

    span: TimeSpan
    confidence: float | None
    first_frame: int
    last_frame: int
    boxes: int
    gaps: int
    gap_s: float
    path: list[list[float]]
    votes: Counter[str]
    sums: Mapping[str, Floats]

    @classmethod
    def of(cls, track: Followed, votes: Counter[str], sums: Mapping[str, Floats], gaps: Gaps) -> Kept:
        first, last = track.faces[0].frame, track.faces[-1].frame
        count, path = len(track.faces), track.path()
        return cls(track.span, track.confidence(), first, last, count, gaps.count, gaps.seconds, path, votes, sums)

    def vector(self, model: str) -> Floats | None:
        """The mean of its vectors by ``model``, of length 1; ``None`` without any."""
        total = self.sums.get(model)
        length = 0.0 if total is None else float(np.linalg.norm(total))
        return None if total is None or length == 0.0 else total / length


class Sums:
    """Adds up the vectors of tracks, each weighted by the quality of its face. ``rows``: in order of time."""

    def __init__(self, rows: Iterable[Embedding]) -> None:
        self._rows = (row for row in rows if row.of == "face" and row.bbox is not None)
        self._next = next(self._rows, None)
        self._counts: Counter[str] = Counter()

    def over(self, tracks: Sequence[Followed]) -> list[dict[str, Floats]]:
        """For each track by model. Tracks of a later call begin after those of an earlier one have ended."""
        faces = {key_of(face): (at, face) for at, track in enumerate(tracks) for face in track.faces}
        sums: list[dict[str, Floats]] = [{} for _ in tracks]
        for row in self._until(max(face.span.start for _, face in faces.values())):
            if (found := faces.get(key_of(row))) is not None:
                at, face = found
                part = row.values().astype(np.float64) * _weight(face)
                sums[at][row.model] = sums[at][row.model] + part if row.model in sums[at] else part
        return sums

    def _until(self, end: Timestamp) -> Iterable[Embedding]:
        while self._next is not None and not end < self._next.span.start:
            self._counts[self._next.model] += 1
            yield self._next
            self._next = next(self._rows, None)

    @property
    def model(self) -> str:
        """That made most of the vectors so far; empty where there was none."""
        return min(self._counts, key=lambda name: (-self._counts[name], name), default="")


def _weight(face: Face) -> float:
    return 1.0 if face.quality is None else max(face.quality, _LEAST_WEIGHT)
