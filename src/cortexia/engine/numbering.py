"""Deterministic ids: the order in which a run says things about the same start.

Ids must not depend on where commits fell, and what is kept between commits must stay small. So a run remembers, per
type, only the latest start and how many rows it has there; a row that starts before the latest one is numbered in a
range of its own, and those few are remembered until coverage has passed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortexia.types import Annotation, AnnotationRecord, Timestamp, annotation_id

LATE = 1_000_000


class Numbering:
    """Gives each annotation of one run its ordinal and id."""

    def __init__(self, run_key: str, state: Mapping[str, Any] | None = None) -> None:
        self._run_key = run_key
        state = state or {}
        self._last: dict[str, list[int]] = {kind: list(pair) for kind, pair in state.get("last", {}).items()}
        self._late: dict[str, dict[int, int]] = {
            kind: {int(start): count for start, count in counts.items()}
            for kind, counts in state.get("late", {}).items()
        }

    def record(self, annotation: Annotation, emitted_at: int) -> AnnotationRecord:
        start = annotation.span.start.pts
        ordinal = self._next(annotation.type, start)
        return AnnotationRecord(
            annotation_id=annotation_id(self._run_key, annotation.type, start, ordinal),
            annotation=annotation,
            ordinal=ordinal,
            emitted_at=emitted_at,
        )

    def _next(self, kind: str, start: int) -> int:
        last = self._last.get(kind)
        if last is None or start > last[0]:
            self._last[kind] = [start, 1]
            return 0
        if start == last[0]:
            last[1] += 1
            return last[1] - 1
        late = self._late.setdefault(kind, {})
        late[start] = late.get(start, 0) + 1
        return LATE + late[start] - 1

    def forget_before(self, final_until: Timestamp | None) -> None:
        """No row will start before ``final_until`` any more."""
        if final_until is None:
            return
        for kind, late in list(self._late.items()):
            kept = {pts: count for pts, count in late.items() if pts >= final_until.pts}
            if kept:
                self._late[kind] = kept
            else:
                del self._late[kind]

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"last": {kind: list(pair) for kind, pair in self._last.items()}}
        if self._late:
            state["late"] = {
                kind: {str(start): count for start, count in late.items()} for kind, late in self._late.items()
            }
        return state
