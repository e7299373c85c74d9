"""A worker: claims jobs, runs the engine, commits its windows under the fence. It may die at any instant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cortexia.annotators.base import Annotator, SessionContext
from cortexia.batch.devices import DeviceSlots
from cortexia.batch.ending import INTERRUPTED, Ending, cause_of, conclude, ending_of
from cortexia.batch.heartbeat import Heartbeat
from cortexia.batch.identity import worker_name
from cortexia.batch.patience import FreeSpace, Patience
from cortexia.batch.queue import JobQueue
from cortexia.batch.reader import StoreReader
from cortexia.batch.recorder import FlightRecorder
from cortexia.decoders.base import Decoder
from cortexia.engine import CancelToken, PassContext, ProgressEvent, VideoAnnotation
from cortexia.engine.control import EngineOptions
from cortexia.errors import CortexiaError, FenceLostError, ResourceError
from cortexia.models.base import ModelAccess
from cortexia.models.chat import ChatModels
from cortexia.models.manager import need_bytes
from cortexia.plan import Plan, make_plan, make_recipes, weights_of
from cortexia.sources import IdentityCache, MediaCache, open_path, require_unchanged
from cortexia.stores.base import Cause, Claim, JobRecord, StorageBackend, Window
from cortexia.telemetry import get_logger
from cortexia.types import JobState, MediaInfo, TimeRange, VerdictStatus, VideoIdentity

Event = Mapping[str, Any]
_WAIT_S = (0.05, 0.5)
_log = get_logger("cortexia.worker")


@dataclass(frozen=True)
class WorkerOptions:
    """``stall_timeout_s``: a job in which nothing moves for so long loses its lease (G6). ``media_cache``: where videos
    lie that are no local files of their own. ``identities``: digests that are known; where it is given, a video is
    worked on only if it still is the one that was submitted. ``models``: what sessions open weights with;
    ``endpoints``: what they ask.
    ``store_patience_s``: how long a store that is away is waited for (G9). ``space``: the guard before each claim
    (G10). ``raises``: errors of these causes are raised once the job is given back; for others the worker goes on with
    the next job. ``slots``: one is held while models are at work."""

    engine: EngineOptions = field(default_factory=EngineOptions)
    lease_s: float = 20.0
    stall_timeout_s: float = 120.0
    media_cache: MediaCache | None = None
    identities: IdentityCache | None = None
    models: ModelAccess | None = None
    endpoints: ChatModels | None = None
    store_patience_s: float = 300.0
    space: FreeSpace | None = None
    raises: tuple[Cause, ...] = (Cause.MACHINE,)
    recorder: FlightRecorder = field(default_factory=FlightRecorder)
    slots: DeviceSlots | None = None


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
        self._recorder = options.recorder
        self._recorder.present(self.name)
        self._emit = on_event
        self._recipes = recipes
        self._patiently = Patience(
            options.store_patience_s,
            stopped=lambda: self._cancel.is_cancelled,
            waiting=self._recorder.moved,
            waits_for_room=Cause.MACHINE not in options.raises,
        )

    @property
    def _cancel(self) -> CancelToken:
        return self._options.engine.cancel

    def work(self, job_ids: Sequence[str]) -> None:
        """Bring these jobs to an end, together with whoever else works on them, unless cancelled."""
        queue = JobQueue(self._store, self.name, self._options.lease_s, job_ids)
        while (claim := self._next(queue)) is not None:
            for _ in self.run(claim):
                pass

    def claim(self, job_id: str) -> Claim | None:
        """Wait for the lease of a job. ``None``: it has ended, or we are asked to stop."""
        return self._next(JobQueue(self._store, self.name, self._options.lease_s, [job_id]))

    def _next(self, queue: JobQueue) -> Claim | None:
        wait_s, longest_s = _WAIT_S
        while not self._cancel.is_cancelled and not queue.is_empty:
            self._recorder.moved()
            has_room = self._options.space is None or self._options.space.has_room()
            claim = self._patiently(queue.take) if has_room else None
            if claim is not None:
                return claim
            if not queue.is_empty:
                self._patiently.pause(wait_s)
                wait_s = min(2 * wait_s, longest_s)
        return None

    # -- one job

    def run(self, claim: Claim) -> Iterator[Window]:
        """Windows of the job, each yielded after it was committed. The job has ended when this is exhausted."""
        job = claim.job
        self._recorder.begin(job.job_id)
        self._emit({"event": "job_started", "job_id": job.job_id, "video_id": job.video_id, "worker": self.name})
        started = time.monotonic()
        token = CancelToken(self._cancel)
        lease_s, stall_s = self._options.lease_s, self._options.stall_timeout_s
        try:
            with Heartbeat(self._store, claim, lease_s, stall_s, self._recorder, token):
                yield from self._annotate(claim, token)
            ending = self._release(claim, INTERRUPTED if token.is_cancelled else self._conclude(claim))
        except FenceLostError as error:
            ending = self._lost(job, error)
        except (SystemExit, KeyboardInterrupt):
            self._release(claim, INTERRUPTED)
            raise
        except Exception as error:  # noqa: BLE001 - around a job: one of the two places where anything may come
            ending = self._give_back(claim, error)
        finally:
            self._recorder.end()
        for used in self._options.endpoints.take_usage() if self._options.endpoints else ():
            self._emit({"event": "endpoint_used", "job_id": job.job_id, "video_id": job.video_id, **used})
        self._finished(job, ending, started)

    def _annotate(self, claim: Claim, token: CancelToken) -> Iterator[Window]:
        path = self._path(claim.job)
        media = self._media(claim.job, path)
        plan = self._plan(claim.job, media)
        self._recorder.weigh(self._weights_bytes(plan))
        video = self._store.video(claim.job.video_id)
        annotation = VideoAnnotation(
            plan,
            PassContext(
                video_id=claim.job.video_id,
                path=path,
                session=self._session_context(media, claim.job.video_id),
                decoder=self._decoder,
                reader=StoreReader(self._store, claim.job.video_id),
                options=self._engine_options(claim.job, token),
                time_range=_time_range(claim.job),
                anchors=video.anchors if video else (),
                known=video.verdict if video else None,
            ),
        )
        with self._on_device(plan, token):
            for window in annotation.windows():
                self._commit(claim, window)
                yield window
        self._emit(
            {
                "event": "decoded",
                "job_id": claim.job.job_id,
                "passes": annotation.passes,
                "contexts_opened": annotation.contexts_opened,
            }
        )

    def _session_context(self, media: MediaInfo, video_id: str) -> SessionContext:
        return SessionContext(
            media,
            self._store.blobs.put,
            models=self._options.models,
            endpoints=self._options.endpoints,
            moved=self._recorder.moved,
            video_id=video_id,
        )

    def _on_device(self, plan: Plan, token: CancelToken) -> AbstractContextManager[object]:
        """A slot of the device, for work that loads models."""
        slots = self._options.slots
        if slots is None or not any(run.is_open and run.recipe.model_ids for run in plan.runs):
            return nullcontext()
        return slots.held(lambda: token.is_cancelled, self._recorder.moved)

    def _path(self, job: JobRecord) -> Path:
        """Where the video is opened. What we keep ourselves is not doubted."""
        cache, identities = self._options.media_cache, self._options.identities
        path = open_path(job.video_path, job.video_id, cache)
        if identities is not None and not (cache and path == cache.path(job.video_id)):
            require_unchanged(path, job.video_id, identities, self._recorder.moved)
        return path

    def _engine_options(self, job: JobRecord, token: CancelToken) -> EngineOptions:
        """After a death, decoder and annotators take turns: the next one shows who is to blame (G7)."""
        return replace(
            self._options.engine,
            cancel=token,
            on_progress=self._tell,
            recorder=self._recorder,
            lockstep=job.deaths > 0,
        )

    def _tell(self, event: ProgressEvent) -> None:
        self._emit({"event": "progress", **asdict(event)})

    def _media(self, job: JobRecord, path: Path) -> MediaInfo:
        video = self._store.video(job.video_id)
        if video is not None and video.media is not None:
            return video.media
        self._recorder.decoding(True)
        media = self._decoder.probe(path)
        self._recorder.decoding(False)
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

    def _weights_bytes(self, plan: Plan) -> int:
        models = self._options.models
        ids = {model_id for run in plan.runs if run.is_open for model_id in run.recipe.model_ids}
        return sum(need_bytes(models.entry(model_id)) for model_id in ids) if models else 0

    def _commit(self, claim: Claim, window: Window) -> None:
        """The window stays in memory until the store takes it (G9)."""
        tries = 0

        def commit() -> None:
            nonlocal tries
            tries += 1
            if tries > 1 and self._is_stored(window):
                # the store took it, and went away before it could say so
                return
            with self._store.transaction(claim) as transaction:
                transaction.save_window(window)

        self._patiently(commit)
        self._recorder.moved()
        self._tell_of_quarantine(claim, window)

    def _tell_of_quarantine(self, claim: Claim, window: Window) -> None:
        for part in window.runs:
            if part.quarantined_count:
                run = self._store.run(part.run_id)
                self._emit(
                    {
                        "event": "annotations_quarantined",
                        "job_id": claim.job.job_id,
                        "video_id": window.video_id,
                        "annotator": run.spec.annotator if run else part.run_id,
                        "count": part.quarantined_count,
                        "reasons": sorted({item.reason for item in part.quarantined}),
                    }
                )

    def _is_stored(self, window: Window) -> bool:
        runs = [(part, self._store.run(part.run_id)) for part in window.runs]
        return bool(runs) and all(run is not None and run.windows > part.ordinal for part, run in runs)

    # -- ends

    def _conclude(self, claim: Claim) -> Ending:
        video = self._store.video(claim.job.video_id)
        runs = self._store.job_runs(claim.job.job_id)
        verdict = video.verdict if video else None
        if verdict is not None and verdict.status is VerdictStatus.REJECTED:
            return Ending(JobState.FAILED, "rejected", verdict.message)
        return conclude(runs)

    def _release(self, claim: Claim, ending: Ending) -> Ending:
        """What has become of the job; a cancelled one is that, and never a success."""
        try:
            status = self._patiently(lambda: self._store.release(claim, ending.status, ending.reason, ending.message))
        except FenceLostError as error:
            return self._lost(claim.job, error)
        except CortexiaError as error:
            # The lease runs out by itself; the next worker goes on from the last commit.
            _log.warning("job_not_released", job_id=claim.job.job_id, error=str(error))
            return ending
        return Ending(status, "cancelled", "cancelled on request") if status is JobState.CANCELLED else ending

    def _lost(self, job: JobRecord, error: FenceLostError) -> Ending:
        _log.warning("fence_lost", job_id=job.job_id)
        return Ending(job.status, "lost", str(error))

    def _give_back(self, claim: Claim, error: Exception) -> Ending:
        """The job after an error: for another attempt, or for good. Raises ``error`` where nobody here can go on."""
        cause = cause_of(error)
        if (cause is None and isinstance(error, ResourceError)) or cause in self._options.raises:
            # Nobody's fault but the machine's: the job waits, and no attempt is used up (G10).
            self._release(claim, Ending(JobState.QUEUED, getattr(error, "code", None), str(error)))
            raise error
        if cause is None:
            if not isinstance(error, CortexiaError):
                _log.error("job_failed", job_id=claim.job.job_id, exc_info=error)
            return self._release(claim, ending_of(error))
        return self._set_back(claim, cause, str(error))

    def _set_back(self, claim: Claim, cause: Cause, message: str) -> Ending:
        try:
            status = self._patiently(lambda: self._store.set_back(claim, cause, message))
        except FenceLostError as error:
            return self._lost(claim.job, error)
        except CortexiaError as error:
            _log.warning("job_not_released", job_id=claim.job.job_id, error=str(error))
            status = JobState.RETRYING
        return Ending(status, cause.value, message)

    def _finished(self, job: JobRecord, ending: Ending, started: float) -> None:
        self._emit(
            {
                "event": "job_finished",
                "job_id": job.job_id,
                "video_id": job.video_id,
                "status": "lost" if ending.reason == "lost" else ending.status.value,
                "reason": None if ending.reason == "lost" else ending.reason,
                "message": ending.message,
                "wall_s": round(time.monotonic() - started, 3),
            }
        )


def _time_range(job: JobRecord) -> TimeRange:
    return TimeRange(job.config.get("start_s"), job.config.get("end_s"))
