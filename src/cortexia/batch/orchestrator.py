"""``BatchOrchestrator``: many videos from a program, over the same jobs, workers and supervisor as everything else."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cortexia import registry
from cortexia.batch.account import batch_jobs, output_path
from cortexia.batch.ending import settle
from cortexia.batch.main import worker_payload
from cortexia.batch.outcome import BatchReport, BatchStatus
from cortexia.batch.stages import goes_on, in_stages
from cortexia.batch.submission import Order, submit, submitted_event
from cortexia.batch.supervisor import Crew, Supervisor
from cortexia.config import Settings, load_settings
from cortexia.errors import ConfigurationError, RejectedInput, UnknownNameError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.files import atomic_file, atomic_write, make_folder
from cortexia.models.shop import ModelShop
from cortexia.pipelines import annotators_of
from cortexia.plan import make_recipes, resolve
from cortexia.sources import IdentityCache, InputAdapter, SourceVideo, identify
from cortexia.stores.base import JobRecord, StorageBackend
from cortexia.types import Query, RunStatus, TimeRange, VideoIdentity, canonical_json

CONFIG_KEYS = ("pipelines", "preset", "options", "start_s", "end_s", "output_dir", "priority")
_VERSION = 1
Event = Mapping[str, Any]


class BatchOrchestrator:
    """Collects jobs, and brings them to an end with several workers; a full disk is waited for.

    ``settings``: as from ``load_settings``, which is asked where they are left out. ``checkpoint``: a file that is kept
    up to date, and that ``resume_batch`` takes. ``on_event`` is told of all that happens, in the caller's thread;
    ``stop``: setting it is the same as ``stop_batch``. The store stays open, and is the caller's to close.
    """

    def __init__(
        self,
        storage_backend: StorageBackend,
        settings: Settings | None = None,
        checkpoint: str | Path | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        stop: threading.Event | None = None,
    ) -> None:
        self._store = storage_backend
        found = settings or load_settings().settings
        self._settings = replace(found, store=storage_backend.address, on_full_disk="wait")
        self._checkpoint = Path(checkpoint) if checkpoint else None
        self._on_event = on_event
        self._stop = stop or threading.Event()
        self._made: dict[str, tuple[Order, ...]] = {}
        self._of_video: dict[str, list[str]] = {}
        self._is_running = False
        self._given: dict[str, dict[str, Any]] = {}
        self.batch_id = str(uuid.uuid4())

    @cached_property
    def _models(self) -> ModelShop:
        return ModelShop(self._settings)

    # -- jobs

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Of the batch, in the order in which they were added."""
        return tuple(self._given)

    def add_job(self, video_path: str | Path, config: Mapping[str, Any] | None = None) -> str:
        """Id of a job for one local video; that of the same unfinished job where there is one.

        ``config``: ``pipelines`` (pipelines, modes and annotators, a list or joined with ``|``; those of ``preset``
        where it is left out), ``options`` by annotator, ``start_s``, ``end_s``, ``priority`` (higher goes first),
        ``output_dir`` (the annotations of each pipeline are written there as JSON Lines). Raises ``RejectedInput``,
        ``UnknownNameError``, ``ConfigurationError``.
        """
        job_id = self._add(video_path, config)
        self._save()
        return job_id

    def _add(self, video_path: str | Path, config: Mapping[str, Any] | None) -> str:
        with InputAdapter.adapt(Path(video_path)) as stream:
            videos = list(stream)
        if len(videos) != 1:
            raise ConfigurationError(f"one video is needed here, {video_path} holds {len(videos)}")
        if isinstance(videos[0], RejectedInput):
            raise videos[0]
        return self.add_video(videos[0], config)

    def add_video(self, video: SourceVideo, config: Mapping[str, Any] | None = None) -> str:
        """As ``add_job``, for a video that was found already. The checkpoint is written by ``run_batch``."""
        given = _checked(config or {})
        order = self._orders(given)[0]
        identity = identify(video, IdentityCache(self._settings.cache_path))
        known = self._added(identity.video_id, given)
        job_id = known or self._submit(identity, order, given)
        self._keep(job_id, {"video_path": identity.uri, "video_id": identity.video_id, "config": given})
        self._on_event(submitted_event(job_id, identity))
        return job_id

    def _added(self, video_id: str, config: Mapping[str, Any]) -> str | None:
        """The job of this batch that was asked for alike: one that has ended is not done again within its batch."""
        alike = (job_id for job_id in self._of_video.get(video_id, ()) if self._given[job_id]["config"] == config)
        return next(alike, None)

    def _keep(self, job_id: str, given: dict[str, Any]) -> None:
        self._given[job_id] = given
        self._of_video.setdefault(given.get("video_id", ""), []).append(job_id)

    def check(self, config: Mapping[str, Any]) -> None:
        """Raises what ``add_job`` would raise for this config, whatever the video."""
        self._orders(_checked(config))

    def add_jobs_from_directory(
        self, directory: str | Path, config: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """A job for every video below a folder, in order of their names; what cannot be read is left out."""
        if not Path(directory).is_dir():
            raise ConfigurationError(f"{directory} is no folder")
        with InputAdapter.adapt(Path(directory)) as stream:
            paths = [video.path for video in stream if not isinstance(video, RejectedInput)]
        job_ids = []
        for path in paths:
            try:
                job_ids.append(self._add(path, config))
            except RejectedInput:
                continue
        # once for all: written after each of many jobs, it would take longer than they do
        self._save()
        return tuple(dict.fromkeys(job_ids))

    def _submit(self, identity: VideoIdentity, order: Order, given: Mapping[str, Any]) -> str:
        return submit(self._store, identity, order, given.get("priority", 0), self.batch_id)

    def _orders(self, given: Mapping[str, Any]) -> tuple[Order, ...]:
        """What is asked of a video: at once, or stage by stage. Made once for each config: recipes and weights are the
        same for all its videos."""
        key = canonical_json(given)
        if key not in self._made:
            order = self._make_order(given)
            self._made[key] = in_stages(order) if self._settings.progressive else (order,)
        return self._made[key]

    def _make_order(self, given: Mapping[str, Any]) -> Order:
        options: Mapping[str, Mapping[str, Any]] = {**self._settings.options, **given.get("options", {})}
        words = given.get("pipelines") or ()
        words = words.split("|") if isinstance(words, str) else list(words)
        if not words:
            preset = self._models.choose_preset(given.get("preset", self._settings.preset)).preset
            words, options = list(preset.annotators), preset.options_under(options)
        pipelines = {word.strip(): annotators_of(word) for word in words}
        names = tuple(dict.fromkeys(name for members in pipelines.values() for name in members))
        return Order(
            *resolve(make_recipes(names, options), options, self._models.best),
            TimeRange(given.get("start_s"), given.get("end_s")),
            self._models.digest,
            {"pipelines": pipelines, "output_dir": given.get("output_dir")},
        )

    # -- running

    def run_batch(self, max_workers: int = 4) -> BatchReport:
        """Bring all jobs to an end, unless ``stop_batch`` is called; with the setting ``progressive`` stage by stage: a
        video's job is then the one of its last stage. Raises ``ResourceError`` when no worker can work at all, and
        ``ConfigurationError`` for a number of workers that is not within 1 and 32."""
        settings = replace(self._settings, workers=max_workers)
        began = time.monotonic()
        self._is_running = True
        self._save()
        try:
            self._supervise(settings)
            while settings.progressive and not self._stop.is_set() and self._next_stage():
                self._supervise(settings)
        finally:
            self._is_running = False
            self._save()
        records = self._records()
        self._write(records)
        jobs = batch_jobs(self._store, records)
        interrupted = self._stop.is_set() and any(not job.status.is_final for job in jobs)
        self._stop.clear()
        return BatchReport(self.batch_id, jobs, time.monotonic() - began, interrupted)

    def _settle(self, job_id: str) -> bool:
        is_settled = settle(self._store, job_id, self._settings.lease_s)
        if is_settled:
            self._on_event({"event": "job_settled", "job_id": job_id})
        return is_settled

    def _supervise(self, settings: Settings) -> None:
        waiting = [job_id for job_id in self._given if not self._settle(job_id)]
        executor = registry.load("executors", settings.executor)()
        crew = Crew.from_settings(settings, len(waiting), executor.most_workers)
        payload = worker_payload(self._store.address, waiting, settings, crew.workers)
        Supervisor(self._store, executor, self._on_event, self._stop.is_set, crew).run(payload)

    def _next_stage(self) -> bool:
        """Put the job of its next stage in the place of each job that goes on. Whether there is one."""
        before, self._given, self._of_video = self._given, {}, {}
        for job_id, given in before.items():
            self._keep(*(self._following(job_id, given) or (job_id, given)))
        self._save()
        return self._given.keys() != before.keys()

    def _following(self, job_id: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The job of the next stage, with what is kept of it; ``None`` where there is none."""
        job, done = self._store.job(job_id), given.get("stage", 1)
        orders = self._orders(given["config"]) if job is not None and goes_on(job) else ()
        video = self._store.video(job.video_id) if job is not None and done < len(orders) else None
        if video is None:
            return None
        new_id = self._submit(video.identity, orders[done], given["config"])
        self._on_event(submitted_event(new_id, video.identity))
        return new_id, {**given, "stage": done + 1}

    def resume_batch(self, job_queue_path: str | Path, max_workers: int = 4) -> BatchReport:
        """Go on with the batch of a checkpoint: jobs that have ended stay so, those that the store does not know are
        added anew. Raises ``ConfigurationError`` for a file that is no checkpoint."""
        self.load_checkpoint(job_queue_path)
        return self.run_batch(max_workers)

    def load_checkpoint(self, path: str | Path) -> tuple[str, ...]:
        """Take over the batch of a checkpoint; ids of its jobs. As ``resume_batch`` without running it."""
        saved = read_checkpoint(Path(path))
        self.batch_id = saved["batch_id"]
        for job_id, given in saved["jobs"].items():
            job = self._store.job(job_id)
            if job is None:
                self._add(given["video_path"], given["config"])
            else:
                self._keep(job_id, given)
                video = self._store.video(job.video_id)
                if video is not None:
                    self._on_event(submitted_event(job_id, video.identity))
        return self.job_ids

    def stop_batch(self) -> None:
        """From another thread: workers commit, give back what they hold and leave; ``run_batch`` returns."""
        self._stop.set()

    def get_status(self) -> BatchStatus:
        counts = Counter(job.status.value for job in self._records())
        return BatchStatus(self.batch_id, sum(counts.values()), dict(counts), self._is_running)

    def save_checkpoint(self, path: str | Path) -> None:
        """Write what ``resume_batch`` needs, as JSON."""
        saved = {"version": _VERSION, "batch_id": self.batch_id, "store": self._store.location, "jobs": self._given}
        atomic_write(Path(path), canonical_json(saved).encode())

    def _save(self) -> None:
        if self._checkpoint is not None:
            self.save_checkpoint(self._checkpoint)

    # -- what came of it

    def _records(self) -> list[JobRecord]:
        """In order of submission; jobs that went over to another batch come last."""
        own = {job.job_id: job for job in self._store.jobs(batch_id=self.batch_id) if job.job_id in self._given}
        others = (self._store.job(job_id) for job_id in self._given if job_id not in own)
        return [*own.values(), *(job for job in others if job is not None)]

    def _write(self, jobs: Sequence[JobRecord]) -> None:
        """The annotations of each pipeline of jobs that have ended, in a file of its own where they are wanted."""
        for job in jobs:
            for name, members in job.config.get("pipelines", {}).items() if job.status.is_final else ():
                path = output_path(job, name)
                runs = [run for run in self._store.job_runs(job.job_id) if run.spec.annotator in members]
                done = tuple(run.run_id for run in runs if run.status is RunStatus.COMPLETED)
                if path is None or not done:
                    continue
                make_folder(path.parent)
                with atomic_file(path) as file:
                    query = Query(video_ids=(job.video_id,), run_ids=done)
                    JsonlExporter().write(ExportSource(self._store, query), file)


def _checked(config: Mapping[str, Any]) -> dict[str, Any]:
    for name in config:
        if name not in CONFIG_KEYS:
            raise UnknownNameError("key of a job's config", name, CONFIG_KEYS)
    checked = dict(config)
    if checked.get("output_dir"):
        checked["output_dir"] = str(Path(checked["output_dir"]).absolute())
    return checked


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Raises ``ConfigurationError`` for a file that is no checkpoint."""
    try:
        saved = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as a checkpoint: {error}") from error
    if not isinstance(saved, dict) or saved.get("version") != _VERSION or not isinstance(saved.get("jobs"), dict):
        raise ConfigurationError(f"{path} is no checkpoint of a batch, or one of another version of cortexia")
    return saved
