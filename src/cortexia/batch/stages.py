"""Progressive stages: cheap annotators first, over all videos, and then the costly ones.

Each stage of a video is a job of its own that holds the runs of all stages up to it: those of earlier ones are found
stored, so that its end is the end of all of them, as if there had been no stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cortexia.annotators.base import Annotator
from cortexia.batch.submission import Order
from cortexia.stores.base import JobRecord
from cortexia.types import JobState, canonical_json

COSTLY_S = 0.01
"""Seconds of CPU a frame (``Annotator.cost``) from which on an annotator belongs to the second stage."""

_SAME_IN_ALL = ("pipelines", "output_dir", "start_s", "end_s")


def in_stages(order: Order) -> tuple[Order, ...]:
    """The order once for each stage: first what is cheap, at last all. Once, where nothing or all is costly."""
    stages = _stages(order.recipes, order.needs)
    numbers = sorted(set(stages.values()))
    return tuple(_up_to(order, number, stages, at) for at, number in enumerate(numbers)) or (order,)


def _stages(recipes: Sequence[Annotator], needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """By annotator; never before those whom it requires. ``recipes``: providers first."""
    stages: dict[str, int] = {}
    for recipe in recipes:
        own = int(recipe.cost >= COSTLY_S)
        stages[recipe.name] = max([own, *(stages[name] for name in needs[recipe.name])])
    return stages


def _up_to(order: Order, number: int, stages: Mapping[str, int], at: int) -> Order:
    return replace(
        order,
        recipes=tuple(recipe for recipe in order.recipes if stages[recipe.name] <= number),
        settled=frozenset(name for name, stage in stages.items() if stage < number),
        notes={**order.notes, "stage": at + 1},
    )


def last_stages(jobs: Iterable[JobRecord]) -> tuple[JobRecord, ...]:
    """Of ``jobs``, in order of submission, those that no later stage of the same video has taken the place of."""
    kept: dict[str, JobRecord] = {}
    latest: dict[tuple[str, str, int], str] = {}
    for job in jobs:
        stage = job.config.get("stage", 1)
        wish = canonical_json([job.config.get(name) for name in _SAME_IN_ALL])
        kept.pop(latest.get((job.video_id, wish, stage - 1), ""), None)
        kept[job.job_id] = job
        latest[job.video_id, wish, stage] = job.job_id
    return tuple(kept.values())


def goes_on(job: JobRecord) -> bool:
    """Whether the next stage of the video is worth a job: not where the video itself was rejected, killed its workers,
    or was given up by hand."""
    if job.status is JobState.FAILED:
        return job.reason == "error"
    return job.status in (JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS)
