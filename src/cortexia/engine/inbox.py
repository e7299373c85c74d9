"""What one annotator is told by another: at which input it was said, and what.

While both run in the same pass, it arrives live. What the other said in an earlier pass, or before this one's last
commit, is read from the store, input by input, so that a late-comer is told the same things at the same places.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from cortexia.types import Annotation

Said = tuple[int, Annotation]


class Inbox:
    """Emissions of one upstream run, in order. All that is ``stored`` was said before anything that arrives live."""

    def __init__(self, stored: Iterable[Said] = (), start: int = 0) -> None:
        self._start = start
        self._stored: Iterator[Said] = iter(stored)
        self._next_stored: Said | None = next(self._stored, None)
        self._live: deque[Said] = deque()

    def put(self, emitted_at: int, annotations: Iterable[Annotation]) -> None:
        """What was said before ``start`` has been heard already."""
        if emitted_at >= self._start:
            self._live.extend((emitted_at, annotation) for annotation in annotations)

    def take(self, until: int | None) -> list[Annotation]:
        """All that was said at inputs up to and including ``until`` (``None``: all that is left)."""
        taken: list[Annotation] = []
        while self._next_stored is not None:
            if until is not None and self._next_stored[0] > until:
                return taken
            taken.append(self._next_stored[1])
            self._next_stored = next(self._stored, None)
        while self._live and (until is None or self._live[0][0] <= until):
            taken.append(self._live.popleft()[1])
        return taken
