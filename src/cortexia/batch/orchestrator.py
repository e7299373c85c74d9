"""``BatchOrchestrator``: many videos from a program, over the same jobs, workers and supervisor as everything else."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cortexia import registry
from cortexia.batch.ending import settle
from cortexia.batch.main import worker_payload
from cortexia.batch.outcome import BatchJob, BatchReport, BatchStatus, batch_job
from cortexia.batch.submission import Order, submit
from cortexia.batch.supervisor import Crew, Supervisor
from cortexia.config import Settings, load_settings
from cortexia.errors import ConfigurationError, RejectedInput, UnknownNameError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.files import atomic_file, atomic_write, make_folder
from cortexia.models.shop import ModelShop
from cortexia.pipelines import annotators_of
from cortexia.plan import make_recipes, resolve
from cortexia.sources import IdentityCache, InputAdapter, identify
from cortexia.stores.base import JobRecord, RunRecord, StorageBackend
from cortexia.types import Query, RunStatus, TimeRange, canonical_json

CONFIG_KEYS = ("pipelines", "preset", "options", "start_s", "end_s", "output_dir", "priority")
_VERSION = 1


class BatchOrchestrator:
    """Collects jobs, and brings them to an end with several workers; a full disk is waited for.

    ``settings``: as from ``load_settings``, which is asked where they are left out. ``checkpoint``: a file that is kept
    up to date, and that ``resume_batch`` takes. The store stays open, and is the caller's to close.
    """

    def __init__(
        self,
        storage_backend: StorageBackend,
        settings: Settings | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        self._store = storage_backend
        found = settings or load_settings().settings
        self._settings = replace(found, store=storage_backend.address, on_full_disk="wait")
        self._checkpoint = Path(checkpoint) if checkpoint else None
        self._stop = threading.Event()
        self._is_running = False
        self._given: dict[str, dict[str, Any]] = {}
        self.batch_id = str(uuid.uuid4())

    @cached_property
    def _models(self) -> ModelShop:
        return ModelShop(self._settings)

    # -- jobs

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
        given = _checked(config or {})
        with InputAdapter.adapt(Path(video_path)) as stream:
            videos = list(stream)
        if len(videos) != 1:
            raise ConfigurationError(f"one video is needed here, {video_path} holds {len(videos)}")
        if isinstance(videos[0], RejectedInput):
            raise videos[0]
        identity = identify(videos[0], IdentityCache(self._settings.cache_path))
        job_id = submit(self._store, identity, self._order(given), given.get("priority", 0), self.batch_id)
        self._given[job_id] = {"video_path": identity.uri, "config": given}
        return job_id

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

    def _order(self, given: Mapping[str, Any]) -> Order:
        options: Mapping[str, Mapping[str, Any]] = {**self._settings.options, **given.get("options", {})}
        words = given.get("pipelines") or ()
        words = words.split("|") if isinstance(words, str) else list(words)
        if not words:
            preset = self._models.choose_preset(given.get("preset", self._settings.preset)).preset
            words, options = list(preset.annotators), preset.options_under(options)
        pipelines = {word.strip(): annotators_of(word) for word in words}
        names = tuple(dict.fromkeys(name for members in pipelines.values() for name in members))
        recipes, needs = resolve(make_recipes(names, options), options)
        return Order(
            tuple(recipe.bound(self._models.best) for recipe in recipes),
            needs,
            TimeRange(given.get("start_s"), given.get("end_s")),
            self._models.digest,
            {"pipelines": pipelines, "output_dir": given.get("output_dir")},
        )

    # -- running

    def run_batch(self, max_workers: int = 4) -> BatchReport:
        """Bring all jobs to an end, unless ``stop_batch`` is called. Raises ``ResourceError`` when no worker can work
        at all, and ``ConfigurationError`` for a number of workers that is not within 1 and 32."""
        settings = replace(self._settings, workers=max_workers)
        began = time.monotonic()
        self._is_running = True
        try:
            waiting = [job_id for job_id in self._given if not settle(self._store, job_id, settings.lease_s)]
            executor = registry.load("executors", settings.executor)()
            crew = Crew.from_settings(settings, len(waiting), executor.most_workers)
            payload = worker_payload(self._store.address, waiting, settings, crew.workers)
            Supervisor(self._store, executor, lambda event: None, self._stop.is_set, crew).run(payload)
        finally:
            self._is_running = False
            self._save()
        jobs = tuple(self._job(job) for job in self._records())
        interrupted = self._stop.is_set() and any(not job.status.is_final for job in jobs)
        self._stop.clear()
        return BatchReport(self.batch_id, jobs, time.monotonic() - began, interrupted)

    def resume_batch(self, job_queue_path: str | Path, max_workers: int = 4) -> BatchReport:
        """Go on with the batch of a checkpoint: jobs that have ended stay so, those that the store does not know are
        added anew. Raises ``ConfigurationError`` for a file that is no checkpoint."""
        saved = _read_checkpoint(Path(job_queue_path))
        self.batch_id = saved["batch_id"]
        for job_id, given in saved["jobs"].items():
            if self._store.job(job_id) is None:
                self._add(given["video_path"], given["config"])
            else:
                self._given[job_id] = given
        return self.run_batch(max_workers)

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
        return [job for job in map(self._store.job, self._given) if job is not None]

    def _job(self, job: JobRecord) -> BatchJob:
        runs = self._store.job_runs(job.job_id)
        folder = job.config.get("output_dir")
        return batch_job(job, runs, self._write(job, runs, Path(folder)) if folder and job.status.is_final else {})

    def _write(self, job: JobRecord, runs: tuple[RunRecord, ...], folder: Path) -> dict[str, str]:
        """The annotations of each pipeline in a file of its own; names carry the video's id, because files of several
        folders may share theirs."""
        make_folder(folder)
        written = {}
        for name, members in job.config.get("pipelines", {}).items():
            done = [run for run in runs if run.spec.annotator in members and run.status is RunStatus.COMPLETED]
            if not done:
                continue
            path = folder / f"{Path(job.video_path).stem}-{job.video_id[:8]}.{name}.jsonl"
            query = Query(video_ids=(job.video_id,), run_ids=tuple(run.run_id for run in done))
            with atomic_file(path) as file:
                JsonlExporter().write(ExportSource(self._store, query), file)
            written[name] = str(path)
        return written


def _checked(config: Mapping[str, Any]) -> dict[str, Any]:
    for name in config:
        if name not in CONFIG_KEYS:
            raise UnknownNameError("key of a job's config", name, CONFIG_KEYS)
    checked = dict(config)
    if checked.get("output_dir"):
        checked["output_dir"] = str(Path(checked["output_dir"]).absolute())
    return checked


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        saved = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as a checkpoint: {error}") from error
    if not isinstance(saved, dict) or saved.get("version") != _VERSION or not isinstance(saved.get("jobs"), dict):
        raise ConfigurationError(f"{path} is no checkpoint of a batch, or one of another version of cortexia")
    return saved
