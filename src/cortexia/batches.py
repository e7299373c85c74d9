"""Batches and jobs of a store: run, gone on with, told of, called off and tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cortexia import lookup, provenance, registry
from cortexia.batch.account import UNFINISHED, Gathering, batch_report, cancel_batch, note_refused
from cortexia.batch.batch_file import BatchEntry, BatchFile
from cortexia.batch.ending import settle
from cortexia.batch.follow import Follower
from cortexia.batch.identity import is_surely_dead
from cortexia.batch.main import worker_payload
from cortexia.batch.orchestrator import BatchOrchestrator, read_checkpoint
from cortexia.batch.outcome import BatchReport, RefusedInput
from cortexia.batch.submission import submitted_event
from cortexia.batch.supervisor import Crew, Supervisor
from cortexia.errors import ConfigurationError, RejectedInput
from cortexia.intake import Intake
from cortexia.outcomes import AnnotateReport, JobStanding, VideoResult
from cortexia.sources import SourceVideo
from cortexia.stores.base import BatchRecord, JobRecord
from cortexia.stores.lifecycle import starts_afresh
from cortexia.types import JobState
from cortexia.versions import ModelVersions

Event = Mapping[str, Any]
OnEvent = Callable[[Event], None]
Wanted = dict[str, tuple[SourceVideo, Mapping[str, Any]]]
FAILED = (JobState.FAILED, JobState.COMPLETED_WITH_ERRORS)
_PERMANENT = "rejected"


def _unheard(event: Event) -> None:
    """Nobody listens."""


class Batches(Intake):
    """Jobs are brought to an end by supervised workers; what is told of batches comes from the store alone."""

    # -- at work

    def _work(self, job_ids: list[str], on_event: OnEvent, stopped: Callable[[], bool]) -> None:
        try:
            self._supervise(job_ids, on_event, stopped)
        finally:
            self._drop_media_of(job_ids)

    def _supervise(self, job_ids: list[str], on_event: OnEvent, stopped: Callable[[], bool]) -> None:
        store = self.store()
        waiting = [job_id for job_id in job_ids if not self._settle(job_id, on_event)]
        executor = registry.load("executors", self.settings.executor)()
        crew = Crew.from_settings(self.settings, len(waiting), executor.most_workers)
        payload = worker_payload(store.address, waiting, self.settings, crew.workers)
        Supervisor(store, executor, on_event, stopped, crew).run(payload)

    def _drop_media_of(self, job_ids: Iterable[str]) -> None:
        self._drop_media({job.video_id for job in map(self.store().job, job_ids) if job is not None})

    def _settle(self, job_id: str, on_event: OnEvent) -> bool:
        """Whether everything asked for was stored already, so that the job could be ended at once."""
        is_settled = settle(self.store(), job_id, self.settings.lease_s)
        if is_settled:
            on_event({"event": "job_settled", "job_id": job_id})
        return is_settled

    def _result(self, job_id: str, uri: str | None = None) -> VideoResult:
        store = self.store()
        job = store.job(job_id)
        assert job is not None  # noqa: S101 - submitted above; jobs are never deleted  # nosec B101
        return VideoResult(
            uri=uri or job.video_path,
            video_id=job.video_id,
            status=job.status.value,
            reason=job.reason,
            message=job.error_message,
            record=store.video(job.video_id),
            runs=store.job_runs(job_id),
        )

    def resume(self, on_event: OnEvent = _unheard, stopped: Callable[[], bool] = lambda: False) -> AnnotateReport:
        """Go on with every job of the store that has not ended, whichever command submitted it. Raises as ``annotate``,
        and ``NoStoreError``."""
        store = self.store(create=False)
        jobs = list(store.jobs(statuses=UNFINISHED))
        for job in jobs:
            video = store.video(job.video_id)
            if video is not None:
                on_event(submitted_event(job.job_id, video.identity))
        self._work([job.job_id for job in jobs], on_event, stopped)
        return AnnotateReport(store.location, tuple(self._result(job.job_id) for job in jobs), (), stopped())

    # -- batches of files and checkpoints

    def run_batch(
        self, batch: BatchFile, on_event: OnEvent = _unheard, stop: threading.Event | None = None
    ) -> AnnotateReport:
        """Bring the batch of a file to an end. Where its checkpoint holds the same batch, unfinished, it goes on with
        that one. Setting ``stop`` makes it leave at the next commit. Raises as ``annotate``."""
        stop = stop or threading.Event()
        orchestrator = BatchOrchestrator(self.store(), self.settings, batch.checkpoint, on_event, stop)
        for entry in batch.entries:
            orchestrator.check(entry.config)
        left_out: list[str] = []
        refused: list[VideoResult] = []
        wanted = self._wanted_videos(batch.entries, left_out, lambda error: refused.append(rejected(error, on_event)))
        if self._has_unfinished(batch.checkpoint, wanted):
            orchestrator.load_checkpoint(batch.checkpoint)
        gathering = Gathering(self.store())
        for video, config in wanted.values():
            if stop.is_set():
                break
            try:
                if not gathering.admit(orchestrator.add_video(video, config)):
                    break
            except RejectedInput as error:
                refused.append(rejected(error, on_event))
        self._note_refused(orchestrator.batch_id, orchestrator.job_ids, refused)
        return self._run(orchestrator, batch.workers, refused, left_out, was_stopped=stop.is_set())

    def _note_refused(self, batch_id: str, job_ids: Iterable[str], results: Iterable[VideoResult]) -> None:
        """Of ``results`` those that have no job are kept with the first of ``job_ids``, for the report of the batch."""
        refused = [RefusedInput(item.reason or "", item.message or "") for item in results if item.video_id is None]
        first = next(iter(job_ids), None)
        if first is not None:
            note_refused(self.store(), batch_id, first, refused)

    def versioned_batch(self, batch: BatchFile, versions: Sequence[str], tell: OnEvent = _unheard) -> BatchFile:
        """The batch with the models that ``versions`` name (``[ANNOTATOR=]SOURCE``) for whatever it asks of each video.
        Raises as ``ModelVersions``."""
        chosen = ModelVersions(self.models, versions, tell)
        return replace(batch, entries=tuple(chosen.applied(entry, self.settings) for entry in batch.entries))

    def resume_checkpoint(
        self, path: str | Path, on_event: OnEvent = _unheard, stop: threading.Event | None = None
    ) -> AnnotateReport:
        """Go on with the batch of a checkpoint. Raises as ``annotate``, and ``ConfigurationError`` for a file that is
        none."""
        orchestrator = BatchOrchestrator(self.store(), self.settings, path, on_event, stop)
        orchestrator.load_checkpoint(path)
        return self._run(orchestrator, None)

    def _run(
        self,
        orchestrator: BatchOrchestrator,
        workers: int | None,
        refused: Iterable[VideoResult] = (),
        left_out: Iterable[str] = (),
        was_stopped: bool = False,
    ) -> AnnotateReport:
        report = orchestrator.run_batch(workers or self.settings.workers)
        results = tuple(self._result(job.job_id) for job in report.jobs)
        self._drop_media({job.video_id for job in report.jobs})
        batch_id = report.batch_id if results else None
        interrupted = was_stopped or report.interrupted
        return AnnotateReport(self.store().location, (*refused, *results), tuple(left_out), interrupted, batch_id)

    def _wanted_videos(
        self, entries: Iterable[BatchEntry], left_out: list[str], refuse: Callable[[RejectedInput], None]
    ) -> Wanted:
        """Videos by where they are; of two entries that name one, the later counts."""
        wanted: Wanted = {}
        for entry in entries:
            for video in self._videos([entry.source], left_out, None):
                if isinstance(video, RejectedInput):
                    refuse(video)
                else:
                    wanted[video.uri] = (video, entry.config)
        return wanted

    def _has_unfinished(self, checkpoint: Path, wanted: Wanted) -> bool:
        """Whether a checkpoint is there, of a batch in which all is asked for as now, and some of it is left to do."""
        if not checkpoint.is_file():
            return False
        store = self.store()
        saved = read_checkpoint(checkpoint)["jobs"]
        if not all(_is_wanted(given, wanted) for given in saved.values()):
            return False
        jobs = [store.job(job_id) for job_id in saved]
        return any(job is not None and not job.status.is_final for job in jobs)

    # -- told from the store

    def batches(self) -> tuple[BatchRecord, ...]:
        """Every batch, in the order in which they began."""
        return tuple(self.store(create=False).batches())

    def batch_named(self, word: str | None) -> BatchRecord:
        """The batch that an id or its beginning names; ``None``: the one that began last. Raises
        ``ConfigurationError``."""
        batch_id = lookup.batch_id_of(self.store(create=False), word)
        return next(batch for batch in self.batches() if batch.batch_id == batch_id)

    def follow_batch(self, word: str | None) -> Follower:
        """Somebody who tells what happens in a batch, whoever is at work on it."""
        return Follower(self.store(create=False), lookup.batch_id_of(self.store(create=False), word))

    def report_of_batch(self, word: str | None) -> BatchReport:
        """What came of a batch so far."""
        store = self.store(create=False)
        return batch_report(store, lookup.batch_id_of(store, word))

    def write_batch_report(self, word: str | None, output: str | Path) -> tuple[Path, ...]:
        """Write the report of a batch into a folder (JSON, Markdown and HTML), or to the one file that ends in
        ``.json``, ``.md`` or ``.html``; returns what was written."""
        from cortexia.report.batch_desk import write_batch_report

        return write_batch_report(self.report_of_batch(word), Path(output))

    def jobs(self, batch: str | None = None, statuses: Iterable[JobState] = ()) -> Iterator[JobRecord]:
        """Jobs in order of submission: of a batch, in some states; by default all."""
        store = self.store(create=False)
        batch_id = None if batch is None else lookup.batch_id_of(store, batch)
        return store.jobs(batch_id=batch_id, statuses=tuple(statuses))

    def job(self, word: str) -> JobStanding:
        """The job that an id or its beginning names, with its video and runs. Raises ``ConfigurationError``."""
        return self._standing(self._job_named(word))

    def _standing(self, job: JobRecord) -> JobStanding:
        store = self.store(create=False)
        return JobStanding(job, store.video(job.video_id), store.job_runs(job.job_id))

    def _job_named(self, word: str) -> JobRecord:
        store = self.store(create=False)
        job = store.job(lookup.job_id_of(store, word))
        assert job is not None  # noqa: S101 - just found; jobs are never deleted  # nosec B101
        return job

    # -- called off, and tried again

    def cancel_batch(self, word: str) -> tuple[JobRecord, ...]:
        """Call a batch off; returns the jobs that had not ended, as they are now: those with a worker end at its next
        heartbeat."""
        store = self.store(create=False)
        return tuple(map(self._buried, cancel_batch(store, lookup.batch_id_of(store, word))))

    def cancel_job(self, word: str) -> JobRecord:
        """As ``cancel_batch``, for one job; one that has ended stays as it is."""
        return self._buried(self.store(create=False).cancel_job(self._job_named(word).job_id))

    def _buried(self, job: JobRecord) -> JobRecord:
        """A worker that is gone hears of nothing any more."""
        store = self.store(create=False)
        if job.status is JobState.RUNNING and job.worker and is_surely_dead(job.worker):
            store.abandon(job.job_id, job.worker, f"worker {job.worker} is gone")
        return store.job(job.job_id) or job

    def retry_job(self, word: str) -> JobRecord:
        """Put a job that failed or was cancelled in the queue again, with a clean slate: its failed runs begin anew.
        Raises ``ConfigurationError`` for one that is at work, waits, or completed."""
        job = self._job_named(word)
        if job.status not in (*FAILED, JobState.CANCELLED):
            raise ConfigurationError(f"job {job.job_id} is {job.status}: only what failed or was cancelled is retried")
        store = self.store(create=False)
        failed = [run.spec for run in store.job_runs(job.job_id) if starts_afresh(run.status, run.reason)]
        store.register_runs(failed, provenance.software())
        return store.revive_job(job.job_id)

    def retry_failed(self, batch: str | None = None) -> tuple[JobRecord, ...]:
        """As ``retry_job`` for every job that failed and may end otherwise: not those of unusable videos, and of
        several for the same runs only the last."""
        latest = {}
        for job in list(self.jobs(batch)):
            runs = frozenset(run.run_id for run in self.store(create=False).job_runs(job.job_id))
            latest[job.video_id, runs] = job
        chosen = [job for job in latest.values() if job.status in FAILED and job.reason != _PERMANENT]
        return tuple(self.retry_job(job.job_id) for job in chosen)


def rejected(error: RejectedInput, on_event: OnEvent) -> VideoResult:
    """An input that cannot be had, told at once and in the end."""
    on_event({"event": "input_rejected", "reason": error.reason, "message": str(error)})
    return VideoResult(str(error), None, "rejected", error.reason, str(error))


def _is_wanted(given: Mapping[str, Any], wanted: Wanted) -> bool:
    known = wanted.get(given["video_path"])
    return known is not None and dict(known[1]) == given["config"]
