"""Runs recipes over a scripted decoder into a real store, to the end or to a chosen commit."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripted import ScriptedDecoder

from cortexia.annotators.base import Annotator
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.engine import CancelToken, EngineOptions, WindowPolicy
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.models.base import ModelAccess
from cortexia.plan import make_specs, resolve, weights_of
from cortexia.resilience import Breakers
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.stores.lifecycle import Rules
from cortexia.types import WHOLE_VIDEO, JobState, TimeRange, VideoIdentity


@dataclass
class Lab:
    """One video, one store. ``run`` may be called again and again, as a user would after a crash. ``most``: by type,
    the rows of one run in one window."""

    folder: Path
    decoder: ScriptedDecoder
    recipes: Sequence[Annotator]
    time_range: TimeRange = WHOLE_VIDEO
    events: list[dict] = field(default_factory=list)
    store_name: str = "lab.db"
    models: ModelAccess | None = None
    breakers: Breakers = field(default_factory=lambda: Breakers("annotator"))
    rules: Rules | None = None
    most: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.video = self.folder / "video.bin"
        self.video.write_bytes(b"scripted")
        self.identity = VideoIdentity("f" * 64, str(self.video), "video.bin", 8)

    def store(self) -> StorageBackend:
        return open_store(str(self.folder / self.store_name), rules=self.rules)

    def submit(self, store: StorageBackend) -> str:
        recipes, needs = resolve(self.recipes)
        specs = make_specs(self.identity.video_id, recipes, needs, self.time_range, weights_of(self.models))
        store.save_video(self.identity)
        store.register_runs(list(specs.values()), {})
        config = {"start_s": self.time_range.start_s, "end_s": self.time_range.end_s}
        return store.submit_job(self.identity, [spec.run_id for spec in specs.values()], config)

    def run(
        self,
        window_s: float = 30.0,
        batch_size: int | None = None,
        die_after: int | None = None,
        cancel_after: int | None = None,
        rows: int = 50_000,
        held_bytes: int = 256 << 20,
    ) -> JobState:
        """``die_after``: leave after so many commits without a word; ``cancel_after``: ask for a stop there."""
        store = self.store()
        try:
            job_id = self.submit(store)
            cancel = CancelToken()
            policy = WindowPolicy(media_s=window_s, wall_s=1e9, rows=rows)
            limits = {"threads": 2, "batch_size": batch_size, "held_bytes": held_bytes}
            engine = EngineOptions(policy, cancel=cancel, breakers=self.breakers, **limits)
            worker = Worker(
                store,
                self.decoder,
                WorkerOptions(engine, models=self.models),
                self.events.append,
                recipes=lambda config: self.recipes,
            )
            claim = worker.claim(job_id)
            assert claim is not None
            windows = worker.run(claim)
            for count, window in enumerate(windows, 1):
                for run in window.runs:
                    self.most |= Counter(record.annotation.type for record in run.records)
                if count == die_after:
                    # as good as dead: the generator is dropped with its lease
                    windows.close()
                    store.abandon(job_id, worker.name, "it died")
                    break
                if count == cancel_after:
                    cancel.cancel()
            job = store.job(job_id)
            assert job is not None
            return job.status
        finally:
            store.close()

    def export(self) -> bytes:
        store = self.store()
        try:
            out = io.BytesIO()
            JsonlExporter().write(ExportSource(store), out)
            return out.getvalue().replace(str(self.folder).encode(), b"LAB")
        finally:
            store.close()

    def digest(self) -> str:
        return hashlib.sha256(self.export()).hexdigest()

    def statuses(self) -> dict[str, tuple[str, str | None]]:
        store = self.store()
        try:
            runs = store.runs(self.identity.video_id, current_only=False)
            return {run.spec.annotator: (run.status.value, run.reason) for run in runs}
        finally:
            store.close()
