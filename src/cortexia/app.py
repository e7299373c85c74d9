"""The composition root: the only API that the faces (command line, server, ``VideoProcessor``) call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from cortexia import registry
from cortexia.annotators.base import Annotator, SessionContext, option_types
from cortexia.answers import Answers
from cortexia.batch.ending import settle
from cortexia.batch.main import worker_options, worker_payload
from cortexia.batch.submission import Order, submit
from cortexia.batch.supervisor import Crew, Supervisor
from cortexia.batch.worker import Worker
from cortexia.config import Settings
from cortexia.engine import CancelToken
from cortexia.engine.estimate import Estimate, estimate
from cortexia.errors import ConfigurationError, MissingDependencyError, RejectedInput
from cortexia.maintenance.keeper import StoreKeeper
from cortexia.models.presets import PresetChoice
from cortexia.models.shop import ModelShop
from cortexia.outcomes import AnnotateReport, VideoPlan, VideoResult, VideoStatus
from cortexia.plan import Plan, make_plan, make_recipes, make_specs, resolve
from cortexia.sources import IdentityCache, InputAdapter, RemoteAccess, SourceVideo, identify
from cortexia.staleness import standings
from cortexia.stores.base import Cause, RunRecord, StorageBackend, Window
from cortexia.stores.lifecycle import starts_afresh
from cortexia.types import WHOLE_VIDEO, JobState, MediaInfo, Query, RunSpec, StoredRow, TimeRange, VideoIdentity

Source = str | Path | bytes | BytesIO
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What is asked of videos: annotators with their options, over which part. No annotators: those of the preset.
    ``fps``: the sources are folders of pictures, each of them one video at this rate."""

    annotators: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    time_range: TimeRange = WHOLE_VIDEO
    fps: Fraction | None = None

    def recipes(self) -> tuple[Annotator, ...]:
        """Raises ``UnknownNameError`` for a name or an option that does not exist."""
        if not self.annotators:
            raise ConfigurationError(f"no annotator named (known: {', '.join(registry.names('annotators'))})")
        return make_recipes(self.annotators, self.options)


class App(Answers):
    """Annotates, and answers what can be asked of what is stored. Use as a context manager."""

    def __init__(self, settings: Settings, store: StorageBackend | None = None) -> None:
        super().__init__(settings, store)
        self._stack = ExitStack()
        self._remote = RemoteAccess.from_settings(settings)

    def close(self, abandon: bool = False) -> None:
        """Close the store and remove temporary files, and fetched media that no unfinished job needs.

        ``abandon``: media of unfinished jobs goes too, as their store does.
        """
        try:
            self._drop_media(set(self._remote.cache.adopted), abandon)
        finally:
            self._stack.close()
            super().close()

    @property
    def keeper(self) -> StoreKeeper:
        """What is done to the store as a whole: check, backup, revisions, and the like."""
        return StoreKeeper(self.settings.store, lambda: self.store(create=False))

    # -- models

    @cached_property
    def models(self) -> ModelShop:
        """The catalogue, what is here of it, and how to bring the rest."""
        return ModelShop(self.settings)

    def preset_for(self, request: Request) -> PresetChoice | None:
        """The preset that a request without annotators comes to; ``None`` for one that names them."""
        return None if request.annotators else self.models.choose_preset(self.settings.preset)

    def completed(self, request: Request) -> Request:
        """The request with the annotators and options of the preset, where it names none."""
        choice = self.preset_for(request)
        if choice is None:
            return request
        preset = choice.preset
        return replace(request, annotators=preset.annotators, options=preset.options_under(request.options))

    # -- sources

    def _videos(
        self, sources: Iterable[Source], left_out: list[str], fps: Fraction | None
    ) -> Iterator[SourceVideo | RejectedInput]:
        """Every video of the sources; what cannot be read comes as the error it gives, and the others follow."""
        for source in sources:
            try:
                stream = self._stack.enter_context(InputAdapter.adapt(source, fps, access=self._remote))
                yield from stream
                left_out += [str(path) for path in stream.left_out]
            except RejectedInput as error:
                yield error
            except MissingDependencyError as error:
                yield RejectedInput(error.code, f"{source!r:.200}: {error}")
            except ValueError as error:
                yield RejectedInput("not_an_input", f"{source!r:.200}: {error}")

    def _identify(
        self, sources: Iterable[Source], left_out: list[str], fps: Fraction | None = None
    ) -> Iterator[tuple[SourceVideo, VideoIdentity] | RejectedInput]:
        cache = IdentityCache(self.settings.cache_path)
        for video in self._videos(sources, left_out, fps):
            if isinstance(video, RejectedInput):
                yield video
                continue
            try:
                yield video, identify(video, cache)
            except RejectedInput as error:
                yield error

    def _drop_media(self, video_ids: Collection[str], abandon: bool = False) -> None:
        """Forget fetched media, unless it shall be kept or a job still needs it."""
        if self.settings.keep_media or not video_ids:
            return
        cache = self._remote.cache
        store = None if abandon else self._existing_store()
        for video_id in video_ids:
            if store is None or all(job.status.is_final for job in store.jobs(video_id)):
                cache.drop(video_id)

    # -- plan

    def plan(self, sources: Iterable[Source], request: Request) -> Iterator[VideoPlan | RejectedInput]:
        """What ``annotate`` would do, with an estimate from a short probe. Writes nothing."""
        request = self.completed(request)
        recipes, _ = self._recipes(request)
        for item in self._identify(sources, [], request.fps):
            if isinstance(item, RejectedInput):
                yield item
                continue
            video, identity = item
            try:
                yield self._plan(video, identity, request, recipes)
            finally:
                self._drop_media([identity.video_id])

    def _plan(
        self, video: SourceVideo, identity: VideoIdentity, request: Request, recipes: Sequence[Annotator]
    ) -> VideoPlan:
        store = self._existing_store()
        record = store.video(identity.video_id) if store else None
        media = record.media if record and record.media else self.decoder.probe(video.path)
        plan = make_plan(
            identity.video_id,
            recipes,
            media,
            request.time_range,
            stored=partial(_kept, store),
            weights_of=self.models.digest,
        )
        return VideoPlan(identity, media, plan, self._estimate(plan, media, video.path, request))

    def _recipes(self, request: Request) -> tuple[tuple[Annotator, ...], Mapping[str, tuple[str, ...]]]:
        """Recipes in order, with the models that are here bound to them; and, by name, whom each needs."""
        recipes, needs = resolve(request.recipes(), request.options)
        return tuple(recipe.bound(self.models.best) for recipe in recipes), needs

    def _estimate(self, plan: Plan, media: MediaInfo, path: Path, request: Request) -> Estimate | None:
        if not plan.passes:
            return None
        session = SessionContext(media, lambda data, suffix: "", self.models.access)
        return estimate(plan, session, path, self.decoder, self.settings.thread_budget, request.time_range)

    # -- status

    def standings(self, request: Request) -> Iterator[VideoStatus]:
        """As ``status``, and what the same request would make of every video now: which of its runs are stale and why,
        and what nobody has looked for yet. Annotators that ``request`` does not name keep the options they had."""
        asked = self._recipes(self.completed(request))[0]
        for status in self.status():
            wanted = self._wanted(status, asked, request.time_range)
            yield replace(status, standings=tuple(standings(wanted, status.runs)))

    def _wanted(self, status: VideoStatus, asked: Sequence[Annotator], time_range: TimeRange) -> dict[str, RunSpec]:
        """Specs by annotator, providers first."""
        named = {recipe.name for recipe in asked}
        others = {run.spec.annotator: run.spec.options for run in status.runs if run.spec.annotator not in named}
        known = [name for name in others if name in registry.names("annotators")]
        recipes, needs = resolve((*asked, *_as_they_were(known, others)))
        return make_specs(status.record.identity.video_id, recipes, needs, time_range, self.models.digest)

    # -- annotate

    def annotate(
        self,
        sources: Iterable[Source],
        request: Request,
        on_event: Callable[[Event], None] = lambda event: None,
        stopped: Callable[[], bool] = lambda: False,
        limit: int | None = None,
    ) -> AnnotateReport:
        """Submit a job for each video and bring all of them to an end; one bad video never stops the others.

        ``limit``: at most so many videos. When fetched media reaches ``media_cache_bytes``, what is there is annotated
        before more is fetched. Raises ``ResourceError`` when no worker can work.
        """
        request = self.completed(request)
        request.recipes()
        store = self.store()
        left_out: list[str] = []
        results: list[VideoResult] = []
        jobs: dict[str, str] = {}
        waiting: list[str] = []
        held = 0
        for item in islice(self._identify(sources, left_out, request.fps), limit):
            if isinstance(item, RejectedInput):
                results.append(VideoResult(str(item), None, "rejected", item.reason, str(item)))
                on_event({"event": "input_rejected", "reason": item.reason, "message": str(item)})
                continue
            identity = item[1]
            job_id = self.submit(identity, request)
            if job_id not in jobs:
                jobs[job_id] = identity.uri
                waiting.append(job_id)
                on_event({"event": "job_submitted", "job_id": job_id, **_identity_event(identity)})
            held += identity.size_bytes if item[0].path.is_relative_to(self.settings.media_cache) else 0
            if held >= self.settings.media_cache_bytes:
                self._work(waiting, on_event, stopped)
                waiting, held = [], 0
            if stopped():
                break
        self._work(waiting, on_event, stopped)
        results += [self._result(job_id, uri) for job_id, uri in jobs.items()]
        return AnnotateReport(store.location, tuple(results), tuple(left_out), interrupted=stopped())

    def _work(self, job_ids: list[str], on_event: Callable[[Event], None], stopped: Callable[[], bool]) -> None:
        store = self.store()
        waiting = [job_id for job_id in job_ids if not self._settle(job_id, on_event)]
        executor = registry.load("executors", self.settings.executor)()
        crew = Crew.from_settings(self.settings, len(waiting), executor.most_workers)
        payload = worker_payload(self.store_address, waiting, self.settings, crew.workers)
        try:
            Supervisor(store, executor, on_event, stopped, crew).run(payload)
        finally:
            self._drop_media({job.video_id for job in map(store.job, job_ids) if job is not None})

    def submit(self, identity: VideoIdentity, request: Request) -> str:
        """A job for one video; the id of the same unfinished job where there is one."""
        order = Order(*self._recipes(request), request.time_range, self.models.digest)
        return submit(self.store(), identity, order)

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

    def identify_one(self, source: Source, fps: Fraction | None = None) -> VideoIdentity:
        """The one video that ``source`` holds. Raises ``RejectedInput``, or ``ConfigurationError`` for several."""
        items = list(self._identify([source], [], fps))
        if len(items) != 1:
            raise ConfigurationError(f"one video is needed here, the source holds {len(items)}")
        if isinstance(items[0], RejectedInput):
            raise items[0]
        return items[0][1]

    def stream(self, identity: VideoIdentity, request: Request) -> Iterator[StoredRow]:
        """Annotate one video in this process: what is stored already, then rows as they are committed.

        Raises ``RejectedInput`` at the end where nothing could be decoded.
        """
        try:
            job_id = self.submit(identity, request)
            yield from self._rows_of(job_id, identity)
        finally:
            self._drop_media([identity.video_id])
        job = self.store().job(job_id)
        if job is not None and job.status is JobState.FAILED and job.reason == "rejected":
            raise RejectedInput("rejected", f"{identity.uri}: {job.error_message}")

    def _rows_of(self, job_id: str, identity: VideoIdentity) -> Iterator[StoredRow]:
        store = self.store()
        run_ids = tuple(run.run_id for run in store.job_runs(job_id))
        yield from store.find(Query(video_ids=(identity.video_id,), run_ids=run_ids))
        options = worker_options(worker_payload(self.store_address, [job_id], self.settings), CancelToken())
        worker = Worker(store, self.decoder, replace(options, raises=tuple(Cause)))
        claim = worker.claim(job_id)
        if claim is not None:
            for window in worker.run(claim):
                yield from self._committed(window)

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


def _as_they_were(names: Iterable[str], options: Mapping[str, Mapping[str, Any]]) -> Iterator[Annotator]:
    """Recipes with the options that their runs had, as far as they still exist."""
    for name in names:
        known = option_types(registry.load("annotators", name))
        yield from make_recipes((name,), {name: {key: options[name][key] for key in options[name] if key in known}})


def _kept(store: StorageBackend | None, run_id: str) -> RunRecord | None:
    """The run as a new job will find it."""
    record = store.run(run_id) if store else None
    return None if record is None or starts_afresh(record.status, record.reason) else record


def _identity_event(identity: VideoIdentity) -> dict[str, Any]:
    return {"video_id": identity.video_id, "uri": identity.uri, "filename": identity.filename}
