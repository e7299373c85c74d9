"""The composition root: the only API that the faces (command line, server, ``VideoProcessor``) call."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from cortexia import provenance, registry
from cortexia.annotators.base import Annotator, SessionContext
from cortexia.batch.main import worker_options, worker_payload
from cortexia.batch.supervisor import Supervisor
from cortexia.batch.worker import Worker, settle
from cortexia.config import Settings
from cortexia.decoders.base import Decoder
from cortexia.engine import CancelToken
from cortexia.engine.estimate import Estimate, estimate
from cortexia.errors import ConfigurationError, RejectedInput
from cortexia.models.base import ModelAccess
from cortexia.plan import Plan, make_plan, make_recipes, make_specs, resolve, weights_of
from cortexia.sources import IdentityCache, InputAdapter, SourceVideo, identify
from cortexia.stores import open_store
from cortexia.stores.base import JobRecord, RunRecord, StorageBackend, VideoRecord, Window
from cortexia.types import WHOLE_VIDEO, JobState, MediaInfo, Query, StoredRow, TimeRange, VideoIdentity


class KnownModels(ModelAccess, Protocol):
    """The catalogue as plans see it: beside sessions, which model is best of those whose weights are here."""

    def best(self, task: str) -> str | None:
        """Id of the best model for ``task`` (``detect`` ...), or ``None`` where none is here."""


Source = str | Path | bytes | BytesIO
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What is asked of videos: annotators with their options, over which part."""

    annotators: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    time_range: TimeRange = WHOLE_VIDEO

    def recipes(self) -> tuple[Annotator, ...]:
        """Raises ``UnknownNameError`` for a name or an option that does not exist."""
        if not self.annotators:
            raise ConfigurationError(f"no annotator named (known: {', '.join(registry.names('annotators'))})")
        return make_recipes(self.annotators, self.options)


@dataclass(frozen=True)
class VideoPlan:
    """A plan with the video it is for; ``estimate`` is ``None`` where nothing is to be decoded."""

    identity: VideoIdentity
    media: MediaInfo
    plan: Plan
    estimate: Estimate | None


@dataclass(frozen=True)
class VideoResult:
    """What came of one video of an ``annotate``."""

    uri: str
    video_id: str | None
    status: str
    reason: str | None
    message: str | None
    record: VideoRecord | None = None
    runs: tuple[RunRecord, ...] = ()

    @property
    def is_well(self) -> bool:
        return self.status == JobState.COMPLETED


@dataclass(frozen=True)
class AnnotateReport:
    """``left_out``: files of folders that are plainly no video. ``interrupted``: stopped, and can be gone on with."""

    store: str
    videos: tuple[VideoResult, ...]
    left_out: tuple[str, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True)
class VideoStatus:
    """A stored video with its current runs and its jobs."""

    record: VideoRecord
    runs: tuple[RunRecord, ...]
    jobs: tuple[JobRecord, ...]


class App:
    """Opens the store when it is first needed. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        store: StorageBackend | None = None,
        known_models: Callable[[Settings], KnownModels] | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._find_models = known_models
        self._decoder: Decoder | None = None
        self._stack = ExitStack()

    def __enter__(self) -> App:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store and remove temporary files."""
        self._stack.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    def store(self, create: bool = True) -> StorageBackend:
        """The store of the settings. With ``create=False`` it must be there: ``ConfigurationError`` otherwise."""
        if self._store is None:
            self._store = open_store(self.settings.store, create=create)
        return self._store

    @property
    def decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = registry.load("decoders", "pyav")()
        return self._decoder

    @cached_property
    def _known_models(self) -> KnownModels | None:
        """The catalogue with what is here of it, for plans."""
        return self._find_models(self.settings) if self._find_models is not None else None

    # -- sources

    def _videos(self, sources: Iterable[Source], left_out: list[str]) -> Iterator[SourceVideo | RejectedInput]:
        """Every video of the sources; what cannot be read comes as the error it gives, and the others follow."""
        for source in sources:
            try:
                stream = self._stack.enter_context(InputAdapter.adapt(source))
                yield from stream
                left_out += [str(path) for path in stream.left_out]
            except RejectedInput as error:
                yield error
            except ValueError as error:
                yield RejectedInput("not_an_input", f"{source!r:.200}: {error}")

    def _identify(
        self, sources: Iterable[Source], left_out: list[str]
    ) -> Iterator[tuple[SourceVideo, VideoIdentity] | RejectedInput]:
        cache = IdentityCache(self.settings.cache_path)
        for video in self._videos(sources, left_out):
            if isinstance(video, RejectedInput):
                yield video
                continue
            try:
                yield video, identify(video, cache)
            except RejectedInput as error:
                yield error

    # -- plan

    def plan(self, sources: Sequence[Source], request: Request) -> Iterator[VideoPlan | RejectedInput]:
        """What ``annotate`` would do, with an estimate from a short probe. Writes nothing."""
        recipes, _ = self._recipes(request)
        store = self._existing_store()
        for item in self._identify(sources, []):
            if isinstance(item, RejectedInput):
                yield item
                continue
            video, identity = item
            record = store.video(identity.video_id) if store else None
            media = record.media if record and record.media else self.decoder.probe(video.path)
            plan = make_plan(
                identity.video_id,
                recipes,
                media,
                request.time_range,
                stored=store.run if store else lambda run_id: None,
                weights_of=weights_of(self._known_models),
            )
            yield VideoPlan(identity, media, plan, self._estimate(plan, media, video.path, request))

    def _recipes(self, request: Request) -> tuple[tuple[Annotator, ...], Mapping[str, tuple[str, ...]]]:
        """Recipes in order, with the models that are here bound to them; and, by name, whom each needs."""
        recipes, needs = resolve(request.recipes(), request.options)
        best = self._known_models.best if self._known_models is not None else lambda task: None
        return tuple(recipe.bound(best) for recipe in recipes), needs

    def _existing_store(self) -> StorageBackend | None:
        if self._store is None and not Path(self.settings.store).exists():
            return None
        return self.store(create=False)

    def _estimate(self, plan: Plan, media: MediaInfo, path: Path, request: Request) -> Estimate | None:
        if not plan.passes:
            return None
        session = SessionContext(media, lambda data, suffix: "", self._known_models)
        return estimate(plan, session, path, self.decoder, self.settings.thread_budget, request.time_range)

    # -- annotate

    def annotate(
        self,
        sources: Sequence[Source],
        request: Request,
        on_event: Callable[[Event], None] = lambda event: None,
        stopped: Callable[[], bool] = lambda: False,
        limit: int | None = None,
    ) -> AnnotateReport:
        """Submit a job for each video and bring all of them to an end; one bad video never stops the others.

        ``limit``: at most so many videos. Raises ``ResourceError`` when no worker can work.
        """
        request.recipes()
        store = self.store()
        left_out: list[str] = []
        results: list[VideoResult] = []
        jobs: dict[str, str] = {}
        for item in islice(self._identify(sources, left_out), limit):
            if isinstance(item, RejectedInput):
                results.append(VideoResult(str(item), None, "rejected", item.reason, str(item)))
                on_event({"event": "input_rejected", "reason": item.reason, "message": str(item)})
                continue
            identity = item[1]
            job_id = self.submit(identity, request)
            if job_id not in jobs:
                jobs[job_id] = identity.uri
                on_event({"event": "job_submitted", "job_id": job_id, **_identity_event(identity)})
        waiting = [job_id for job_id in jobs if not self._settle(job_id, on_event)]
        payload = worker_payload(store.location, waiting, self.settings)
        executor = registry.load("executors", self.settings.executor)()
        Supervisor(store, executor, on_event, stopped, self.settings.max_attempts).run(payload)
        results += [self._result(job_id, uri) for job_id, uri in jobs.items()]
        return AnnotateReport(store.location, tuple(results), tuple(left_out), interrupted=stopped())

    def submit(self, identity: VideoIdentity, request: Request) -> str:
        """A job for one video; the id of the same unfinished job where there is one."""
        store = self.store()
        recipes, needs = self._recipes(request)
        specs = make_specs(identity.video_id, recipes, needs, request.time_range, weights_of(self._known_models))
        store.save_video(identity)
        store.register_runs(list(specs.values()), provenance.software())
        config = {
            "annotators": [{"name": recipe.name, "options": recipe.options()} for recipe in recipes],
            "start_s": request.time_range.start_s,
            "end_s": request.time_range.end_s,
        }
        return store.submit_job(identity, [spec.run_id for spec in specs.values()], config)

    def _settle(self, job_id: str, on_event: Callable[[Event], None]) -> bool:
        """Whether everything asked for was stored already, so that the job could be ended at once."""
        is_settled = settle(self.store(), job_id, self.settings.lease_s)
        if is_settled:
            on_event({"event": "job_settled", "job_id": job_id})
        return is_settled

    def _result(self, job_id: str, uri: str) -> VideoResult:
        store = self.store()
        job = store.job(job_id)
        assert job is not None  # noqa: S101 - submitted above; jobs are never deleted  # nosec B101
        return VideoResult(
            uri=uri,
            video_id=job.video_id,
            status=job.status.value,
            reason=job.reason,
            message=job.error_message,
            record=store.video(job.video_id),
            runs=store.job_runs(job_id),
        )

    def identify_one(self, source: Source) -> VideoIdentity:
        """The one video that ``source`` holds. Raises ``RejectedInput``, or ``ConfigurationError`` for several."""
        items = list(self._identify([source], []))
        if len(items) != 1:
            raise ConfigurationError(f"one video is needed here, the source holds {len(items)}")
        if isinstance(items[0], RejectedInput):
            raise items[0]
        return items[0][1]

    def stream(self, identity: VideoIdentity, request: Request) -> Iterator[StoredRow]:
        """Annotate one video in this process: what is stored already, then rows as they are committed.

        Raises ``RejectedInput`` at the end where nothing could be decoded.
        """
        job_id = self.submit(identity, request)
        store = self.store()
        run_ids = tuple(run.run_id for run in store.job_runs(job_id))
        yield from store.find(Query(video_ids=(identity.video_id,), run_ids=run_ids))
        options = worker_options(worker_payload(store.location, [job_id], self.settings), CancelToken())
        options = replace(options, models=options.models or self._known_models)
        worker = Worker(store, self.decoder, options)
        claim = worker.claim(job_id)
        if claim is not None:
            for window in worker.run(claim):
                yield from self._committed(window)
        job = store.job(job_id)
        if job is not None and job.status is JobState.FAILED and job.reason == "rejected":
            raise RejectedInput("rejected", f"{identity.uri}: {job.error_message}")

    def _committed(self, window: Window) -> Iterator[StoredRow]:
        """Rows of a window as the store gives them back, in the order of ``find``."""
        rows: list[StoredRow] = []
        for part in window.runs:
            ids = {record.annotation_id for record in part.records}
            moments = [record.emitted_at for record in part.records]
            if ids:
                found = self.store().emitted(part.run_id, min(moments), max(moments) + 1)
                rows += [row for row in found if row.annotation_id in ids]
        yield from sorted(rows, key=lambda row: (row.start_us, row.annotation.type, row.annotation_id))

    def video_status(self, video_id: str) -> VideoStatus | None:
        """One stored video with its runs and jobs."""
        store = self.store(create=False)
        record = store.video(video_id)
        if record is None:
            return None
        return VideoStatus(record, tuple(store.runs(video_id)), tuple(store.jobs(video_id)))

    # -- looking

    def status(self) -> Iterator[VideoStatus]:
        """Every stored video with its runs and jobs."""
        store = self.store(create=False)
        for record in store.videos():
            video_id = record.identity.video_id
            yield VideoStatus(record, tuple(store.runs(video_id)), tuple(store.jobs(video_id)))

    def rows(self, query: Query) -> Iterator[StoredRow]:
        return self.store(create=False).find(query)

    def export(self, format_name: str, output: str | Path | None, query: Query, out: Any = None) -> int:
        """Write current rows in a format, to a file (replaced only when complete) or to the stream ``out``."""
        exporter = registry.load("exporters", format_name)()
        rows = self.rows(query)
        if output is None:
            return int(exporter.write(rows, out))
        path = Path(output)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                count = int(exporter.write(rows, file))
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        return count


def _identity_event(identity: VideoIdentity) -> dict[str, Any]:
    return {"video_id": identity.video_id, "uri": identity.uri, "filename": identity.filename}
