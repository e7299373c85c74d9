"""Where the camera takes begin: what is followed over time ends there, since the next picture shows another place."""

from __future__ import annotations

from collections.abc import Iterable

from cortexia.annotators.base import StoredAnnotations
from cortexia.types import Timestamp


class Cuts:
    """Asked for moments in order, it tells which shot each is in, from 0. ``starts``: of the shots, in order."""

    def __init__(self, starts: Iterable[Timestamp] = ()) -> None:
        self._starts = iter(starts)
        next(self._starts, None)  # the first shot begins with the video
        self._next = next(self._starts, None)
        self._shot = 0

    def shot_at(self, moment: Timestamp) -> int:
        while self._next is not None and not moment < self._next:
            self._shot += 1
            self._next = next(self._starts, None)
        return self._shot


def cuts_in(stored: StoredAnnotations) -> Cuts:
    """Those between the stored shots; none where no shots are read."""
    return Cuts(shot.span.start for shot in stored.of("shot"))
