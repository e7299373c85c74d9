"""How a job comes into a store: its video, its runs, and what it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cortexia import provenance
from cortexia.annotators.base import Annotator
from cortexia.plan import WeightsOf, make_specs, no_weights
from cortexia.stores.base import StorageBackend
from cortexia.types import WHOLE_VIDEO, TimeRange, VideoIdentity


@dataclass(frozen=True)
class Order:
    """What is asked of a video. ``recipes`` in order, with ``needs``: by name, whom each requires. ``notes``: kept in
    the job's config beside that. ``settled``: annotators that an earlier stage brought to their end, well or not."""

    recipes: tuple[Annotator, ...]
    needs: Mapping[str, tuple[str, ...]]
    time_range: TimeRange = WHOLE_VIDEO
    weights_of: WeightsOf = no_weights
    notes: Mapping[str, Any] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()


def submit(
    store: StorageBackend, video: VideoIdentity, order: Order, priority: int = 0, batch_id: str | None = None
) -> str:
    """A job for one video; the id of the same unfinished job where there is one."""
    specs = make_specs(video.video_id, order.recipes, order.needs, order.time_range, order.weights_of)
    store.save_video(video)
    store.register_runs([spec for name, spec in specs.items() if name not in order.settled], provenance.software())
    config = {
        "annotators": [{"name": recipe.name, "options": recipe.options()} for recipe in order.recipes],
        "start_s": order.time_range.start_s,
        "end_s": order.time_range.end_s,
        **order.notes,
    }
    run_ids = [spec.run_id for spec in specs.values()]
    return store.submit_job(video, run_ids, config, priority=priority, batch_id=batch_id)
