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


def disowned(shown: Iterable[RunFacts], known: Iterable[RunFacts]) -> frozenset[str]:
    """Ids of those of ``shown``, runs of one video, that were made from what is not shown: from a run in whose place
    another one of its annotator is shown, or from one that is not among ``known``. Who says which word of a
    transcription tells nothing about the words of another one.
    """
    told = tuple(shown)
    run_ids = {run.run_id for run in told}
    annotators = {run.spec.annotator for run in told}
    apart = {run.run_id for run in known if run.spec.annotator not in annotators}
    return frozenset(run.run_id for run in told if not run_ids | apart >= set(run.spec.upstream_ids))


def _preference(run: RunFacts) -> tuple[bool, bool, str, str]:
    return run.spec.time_range.is_whole, run.status is RunStatus.COMPLETED, run.started_at or "", run.run_id
