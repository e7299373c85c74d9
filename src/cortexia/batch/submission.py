"""How a job comes into a store: its video, its runs, and what it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cortexia import provenance
from cortexia.annotators.base import Annotator
from cortexia.plan import WeightsOf, make_specs, no_weights
from cortexia.stores.base import StorageBackend
from cortexia.types import WHOLE_VIDEO, RunSpec, TimeRange, VideoIdentity, run_id_of


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

    def specs(self, video_id: str) -> dict[str, RunSpec]:
        """What is to be run on a video, by annotator, providers first."""
        specs: dict[str, RunSpec] = {}
        for name, model in self._any_video.items():
            specs[name] = model.for_video(video_id, tuple(specs[need].run_key for need in self.needs[name]))
        return specs

    @cached_property
    def _any_video(self) -> dict[str, RunSpec]:
        """As for a video without an id: what options and weights come to is found out once."""
        return make_specs("", self.recipes, self.needs, self.time_range, self.weights_of)

    def run_ids(self, video_id: str) -> list[str]:
        """Ids of ``specs``, without making these."""
        keys: dict[str, str] = {}
        for name, model in self._any_video.items():
            keys[name] = model.key_for(video_id, tuple(keys[need] for need in self.needs[name]))
        return [run_id_of(key) for key in keys.values()]


def submit(
    store: StorageBackend, video: VideoIdentity, order: Order, priority: int = 0, batch_id: str | None = None
) -> str:
    """A job for one video; the id of the same unfinished job where there is one."""
    specs = order.specs(video.video_id)
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


def submitted_event(job_id: str, video: VideoIdentity) -> dict[str, Any]:
    """Tells that a job is in the store."""
    return {"event": "job_submitted", "job_id": job_id, **_told(video)}


def settled_event(video: VideoIdentity) -> dict[str, Any]:
    """Tells that everything asked for is stored, and no job is needed."""
    return {"event": "video_settled", **_told(video)}


def _told(video: VideoIdentity) -> dict[str, Any]:
    return {"video_id": video.video_id, "uri": video.uri, "filename": video.filename, "size_bytes": video.size_bytes}
