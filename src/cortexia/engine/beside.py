"""What was said of the moments of key pictures, read in step with them."""

from __future__ import annotations

from collections.abc import Iterable

from cortexia.types import Annotation, Timestamp


class Beside:
    """``rows`` in order of their start; asked for moments in order, it holds those rows alone that are not over yet."""

    def __init__(self, rows: Iterable[Annotation]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)
        self._open: list[Annotation] = []

    def at(self, moment: Timestamp) -> tuple[Annotation, ...]:
        """Rows whose half-open span holds ``moment``, in their order."""
        self._open = [row for row in self._open if moment < row.span.end]
        while self._next is not None and not moment < self._next.span.start:
            if moment < self._next.span.end:
                self._open.append(self._next)
            self._next = next(self._rows, None)
        return tuple(self._open)
