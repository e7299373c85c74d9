"""Which runs speak for a video where several of one annotator are current: rows of two would tell everything twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from cortexia.documents import RunFacts
from cortexia.types import RunStatus

_Run = TypeVar("_Run", bound=RunFacts)


def preferred(runs: Iterable[_Run]) -> tuple[_Run, ...]:
    """Of ``runs``, which are of one video, those that do not overlap in time with a better one of their annotator; by
    annotator and time.

    Better is the one over the whole video, then one that completed, then the one that began last.
    """
    chosen: list[_Run] = []
    for run in sorted(runs, key=_preference, reverse=True):
        better = (other for other in chosen if other.spec.annotator == run.spec.annotator)
        if not any(run.spec.time_range.overlaps(other.spec.time_range) for other in better):
            chosen.append(run)
    return tuple(sorted(chosen, key=lambda run: (run.spec.annotator, run.spec.time_range.start)))


def _preference(run: RunFacts) -> tuple[bool, bool, str, str]:
    return run.spec.time_range.is_whole, run.status is RunStatus.COMPLETED, run.started_at or "", run.run_id
