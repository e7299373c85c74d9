"""Numbers about a store, and the questions that are asked most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cortexia.stores.base import StorageBackend
from cortexia.stores.upkeep import FailedJob, PipelineTime, StoreCounts, upkeep_of

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Many:
    """Which videos count as full: more than ``more_than`` rows of a type above a confidence."""

    annotation_type: str = "face_detection"
    more_than: int = 10
    confidence: float = 0.8


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """``failures``: jobs of the last 24 h that failed; ``full``: rows by id of the videos that ``many`` asks for."""

    location: str
    counts: StoreCounts
    failures: tuple[FailedJob, ...]
    pipelines: tuple[PipelineTime, ...]
    many: Many
    full: Mapping[str, int]


def statistics(store: StorageBackend, many: Many) -> StoreStatistics:
    upkeep = upkeep_of(store)
    return StoreStatistics(
        location=store.location,
        counts=upkeep.counts(),
        failures=tuple(upkeep.failures(DAY_S)),
        pipelines=tuple(upkeep.pipeline_times()),
        many=many,
        full=upkeep.videos_with_many(many.annotation_type, many.more_than, many.confidence),
    )
