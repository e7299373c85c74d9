"""A worker: claims jobs, runs the engine, commits its windows under the fence. It may die at any instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cortexia.annotators.base import Annotator, SessionContext
from cortexia.batch.identity import is_surely_dead, worker_name
from cortexia.batch.reader import StoreReader
from cortexia.decoders.base import Decoder
from cortexia.engine import CancelToken, EngineOptions, PassContext, ProgressEvent, VideoAnnotation
from cortexia.errors import CortexiaError, FenceLostError, ResourceError, StoreBusyError
from cortexia.models.base import ModelAccess
from cortexia.plan import Plan, make_plan, make_recipes, weights_of
from cortexia.sources import MediaCache, open_path
from cortexia.stores.base import Claim, JobRecord, RunRecord, StorageBackend, Window
from cortexia.telemetry import get_logger
from cortexia.types import (
    JobState,
    MediaInfo,
    RunStatus,
    TimeRange,
    VerdictStatus,
    VideoIdentity,
)

Event = Mapping[str, Any]
_WAIT_S = 0.2
_log = get_logger("cortexia.worker")


@dataclass(frozen=True)
class WorkerOptions:
    """``stall_timeout_s``: a job whose position does not move for so long loses its lease (G6). ``media_cache``: where
    videos lie that are no local files of their own. ``models``: what sessions open weights with."""

    engine: EngineOptions = field(default_factory=EngineOptions)
    lease_s: float = 20.0
    stall_timeout_s: float = 120.0
    media_cache: MediaCache | None = None
    models: ModelAccess | None = None


def recipes_of(config: Mapping[str, Any]) -> tuple[Annotator, ...]:
    """The recipes that a job's config names."""
    names = [item["name"] for item in config["annotators"]]
    return make_recipes(names, {item["name"]: item["options"] for item in config["annotators"]})


class Worker:
    """Works on the jobs it is given, one after the other."""

    def __init__(
        self,
        store: StorageBackend,
        decoder: Decoder,
        options: WorkerOptions,
        on_event: Callable[[Event], None] = lambda event: None,
        recipes: Callable[[Mapping[str, Any]], tuple[Annotator, ...]] = recipes_of,
    ) -> None:
        self.name = worker_name()
        self._store = store
        self._decoder = decoder
        self._options = options
        self._emit = on_event
        self._recipes = recipes

    @property
    def _cancel(self) -> CancelToken:
        return self._options.engine.cancel

    def work(self, job_ids: Sequence[str]) -> None:
        """Bring each of these jobs to an end, unless cancelled."""
        for job_id in job_ids:
            claim = self.claim(job_id)
            if claim is not None:
                for _ in self.run(claim):
                    pass
            if self._cancel.is_cancelled:
                return

    def claim(self, job_id: str) -> Claim | None:
        """Wait for the lease of a job. ``None``: it has ended, or we are asked to stop."""
        while not self._cancel.is_cancelled:
            claim = self._store.claim(self.name, self._options.lease_s, job_id)
            if claim is not None:
                return claim
            job = self._store.job(job_id)
            if job is None or job.status.is_final:
                return None
            if not self._rescue(job):
                time.sleep(_WAIT_S)
        return None

    def _rescue(self, job: JobRecord) -> bool:
        """Give back what a dead process of this machine holds on the video; no need to wait for its lease."""
        rescued = False
        for other in list(self._store.jobs(job.video_id)):
            if other.status is JobState.RUNNING and other.worker and is_surely_dead(other.worker):
                self._store.abandon(other.job_id, other.worker, f"worker {other.worker} is gone")
                rescued = True
        return rescued

    # -- one job

    def run(self, claim: Claim) -> Iterator[Window]:
        """Windows of the job, each yielded after it was committed. The job has ended when this is exhausted."""
        job = claim.job
        self._emit({"event": "job_started", "job_id": job.job_id, "video_id": job.video_id, "worker": self.name})
        started = time.monotonic()
        heartbeat = Heartbeat(self._store, claim, self._options)
        try:
            with heartbeat:
                yield from self._annotate(claim, heartbeat)
            ending = _interrupted() if self._cancel.is_cancelled else self._conclude(claim)
            self._end(claim, *ending)
        except FenceLostError as error:
            _log.warning("fence_lost", job_id=job.job_id)
            self._finished(job, "lost", None, str(error), started)
            return
        except (ResourceError, StoreBusyError) as error:
            # Nobody's fault but the machine's: the job waits, and no attempt is used up (G10).
            self._end(claim, JobState.QUEUED, error.code, str(error))
            raise
        except CortexiaError as error:
            ending = (JobState.FAILED, error.code, str(error))
            self._end(claim, *ending)
        except Exception as error:  # noqa: BLE001 - around a job: one of the two places where anything may come
            _log.exception("job_failed", job_id=job.job_id)
            ending = (JobState.FAILED, "error", f"{type(error).__name__}: {error}")
            self._end(claim, *ending)
        self._finished(job, ending[0].value, ending[1], ending[2], started)

    def _annotate(self, claim: Claim, heartbeat: Heartbeat) -> Iterator[Window]:
        path = open_path(claim.job.video_path, claim.job.video_id, self._options.media_cache)
        media = self._media(claim.job, path)
        plan = self._plan(claim.job, media)
        video = self._store.video(claim.job.video_id)
        annotation = VideoAnnotation(
            plan,
            PassContext(
                video_id=claim.job.video_id,
                path=path,
                session=SessionContext(media=media, put_blob=self._store.blobs.put, models=self._options.models),
                decoder=self._decoder,
                reader=StoreReader(self._store, claim.job.video_id),
                options=_with_progress(self._options.engine, self._progress(heartbeat)),
                time_range=_time_range(claim.job),
                anchors=video.anchors if video else (),
                known=video.verdict if video else None,
            ),
        )
        for window in annotation.windows():
            with self._store.transaction(claim) as transaction:
                transaction.save_window(window)
            heartbeat.moved()
            yield window
        self._emit(
            {
                "event": "decoded",
                "job_id": claim.job.job_id,
                "passes": annotation.passes,
                "contexts_opened": annotation.contexts_opened,
            }
        )

    def _media(self, job: JobRecord, path: Path) -> MediaInfo:
        video = self._store.video(job.video_id)
        if video is not None and video.media is not None:
            return video.media
        media = self._decoder.probe(path)
        identity = video.identity if video else VideoIdentity(job.video_id, job.video_path, path.name, media.size_bytes)
        self._store.save_video(identity, media)
        return media

    def _plan(self, job: JobRecord, media: MediaInfo) -> Plan:
        recipes = self._recipes(job.config)
        return make_plan(
            job.video_id,
            recipes,
            media=media,
            time_range=_time_range(job),
            stored=lambda run_id: self._store.run(run_id),
            weights_of=weights_of(self._options.models),
        )

    def _progress(self, heartbeat: Heartbeat) -> Callable[[ProgressEvent], None]:
        def tell(event: ProgressEvent) -> None:
            heartbeat.progressed(event.annotator, event.media_s)
            self._emit({"event": "progress", **asdict(event)})

        return tell

    # -- ends

    def _conclude(self, claim: Claim) -> tuple[JobState, str | None, str | None]:
        video = self._store.video(claim.job.video_id)
        runs = self._store.job_runs(claim.job.job_id)
        verdict = video.verdict if video else None
        if verdict is not None and verdict.status is VerdictStatus.REJECTED:
            return JobState.FAILED, "rejected", verdict.message
        return conclude(runs)

    def _end(self, claim: Claim, status: JobState, reason: str | None, message: str | None) -> None:
        try:
            self._store.release(claim, status, reason, message)
        except FenceLostError:
            _log.warning("fence_lost", job_id=claim.job.job_id)
        except (ResourceError, StoreBusyError) as error:
            # The lease runs out by itself; the next worker goes on from the last commit.
            _log.warning("job_not_released", job_id=claim.job.job_id, error=str(error))

    def _finished(self, job: JobRecord, status: str, reason: str | None, message: str | None, started: float) -> None:
        self._emit(
            {
                "event": "job_finished",
                "job_id": job.job_id,
                "video_id": job.video_id,
                "status": status,
                "reason": reason,
                "message": message,
                "wall_s": round(time.monotonic() - started, 3),
            }
        )


def settle(store: StorageBackend, job_id: str, lease_s: float) -> bool:
    """End a job all of whose runs are stored already: no worker needs to start for it. Whether it was one."""
    if any(run.status is not RunStatus.COMPLETED for run in store.job_runs(job_id)):
        return False
    claim = store.claim(worker_name(), lease_s, job_id)
    if claim is None:
        return False
    store.release(claim, JobState.COMPLETED, None, None)
    return True


def conclude(runs: Sequence[RunRecord]) -> tuple[JobState, str | None, str | None]:
    """What became of a job, from its runs. Every job ends in exactly one state, with a reason where it is not well."""
    troubled = [run for run in runs if run.status in (RunStatus.FAILED, RunStatus.SKIPPED)]
    if not troubled:
        return JobState.COMPLETED, None, None
    message = "; ".join(f"{run.spec.annotator} {run.status}: {run.message or run.reason}" for run in troubled)
    is_silent_film_turned_around = all(
        run.status is RunStatus.SKIPPED and run.reason in ("no_video", "upstream") for run in troubled
    ) and any(run.reason == "no_video" for run in troubled)
    done = any(run.status is RunStatus.COMPLETED for run in runs)
    if done and is_silent_film_turned_around:
        return JobState.COMPLETED, "audio_only", message
    if done:
        return JobState.COMPLETED_WITH_ERRORS, "runs_failed", message
    if is_silent_film_turned_around:
        return JobState.FAILED, "rejected", "no video stream, and only annotators of pictures were asked for"
    return JobState.FAILED, "error", message


def _interrupted() -> tuple[JobState, str | None, str | None]:
    return JobState.QUEUED, "interrupted", "stopped before the end; run the same command again to go on"


def _time_range(job: JobRecord) -> TimeRange:
    return TimeRange(job.config.get("start_s"), job.config.get("end_s"))


def _with_progress(options: EngineOptions, tell: Callable[[ProgressEvent], None]) -> EngineOptions:
    return replace(options, on_progress=tell)


class Heartbeat:
    """Keeps the lease while the job moves. A job that stalls stops beating, so that another may take it over."""

    def __init__(self, store: StorageBackend, claim: Claim, options: WorkerOptions) -> None:
        self._store = store
        self._claim = claim
        self._options = options
        self._moved_at = time.monotonic()
        self._positions: dict[str, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="cortexia-heartbeat", daemon=True)

    def progressed(self, annotator: str, media_s: float) -> None:
        if self._positions.get(annotator) != media_s:
            self._positions[annotator] = media_s
            self.moved()

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def _beat(self) -> None:
        while not self._done.wait(self._options.lease_s / 4):
            if time.monotonic() - self._moved_at > self._options.stall_timeout_s:
                _log.error("job_stalled", job_id=self._claim.job.job_id)
                return
            try:
                self._store.renew(self._claim, self._options.lease_s)
            except FenceLostError:
                return
            except CortexiaError as error:
                _log.warning("lease_not_renewed", job_id=self._claim.job.job_id, error=str(error))

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()
