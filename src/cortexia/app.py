"""The composition root: the only API that the faces (command line, server, ``VideoProcessor``) call."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from cortexia import registry
from cortexia.annotators._enrolled import enrolled_text
from cortexia.annotators.base import Annotator, SessionContext, StreamAnnotator, option_types
from cortexia.annotators.voices import Voices
from cortexia.batch.account import Gathering
from cortexia.batch.main import worker_options, worker_payload
from cortexia.batch.scan import chunks, settled
from cortexia.batch.stages import goes_on, in_stages
from cortexia.batch.submission import Order, settled_event, submit, submitted_event
from cortexia.batch.worker import Worker
from cortexia.batches import Batches, OnEvent, rejected
from cortexia.config import merged_options
from cortexia.engine import CancelToken
from cortexia.engine.estimate import Estimate, estimate
from cortexia.errors import ConfigurationError, ProcessingError, RejectedInput
from cortexia.intake import Found, Source
from cortexia.maintenance.keeper import StoreKeeper
from cortexia.models.presets import AUTO, PresetChoice
from cortexia.naming import required_name
from cortexia.outcomes import AnnotateReport, VideoPlan, VideoResult, VideoStatus
from cortexia.people.desk import PeopleDesk
from cortexia.people.directory import KnownPerson
from cortexia.people.enrolment import Chosen
from cortexia.people.gather import FACES
from cortexia.people.voices import SPEAKERS, VOICES, Listening, enrolled_voice, parse_enrolments
from cortexia.plan import Plan, make_plan, make_recipes, make_specs, resolve
from cortexia.sources import SourceVideo
from cortexia.staleness import standings
from cortexia.stores.base import Cause, RunRecord, StorageBackend, Window
from cortexia.stores.lifecycle import starts_afresh
from cortexia.types import WHOLE_VIDEO, JobState, MediaInfo, Query, RunSpec, StoredRow, TimeRange, VideoIdentity
from cortexia.versions import ModelVersions

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


class App(Batches):
    """Annotates, and answers what can be asked of what is stored. Use as a context manager."""

    @property
    def keeper(self) -> StoreKeeper:
        """What is done to the store as a whole: check, backup, revisions, and the like."""
        return StoreKeeper(self.settings.store, lambda: self.store(create=False))

    # -- people

    @property
    def people(self) -> PeopleDesk:
        """Who is known across videos, and what is said about them."""
        return PeopleDesk(lambda: self.store(create=False))

    def enroll(
        self, name: str, pictures: Iterable[Source], on_event: Callable[[Event], None] = lambda event: None
    ) -> tuple[KnownPerson, tuple[Chosen, ...]]:
        """Annotate the faces of ``pictures`` as any input, and call each by ``name``: of several in one the largest.

        Raises ``ProcessingError`` for one that cannot be annotated, ``ConfigurationError`` for what is no picture,
        where there is no face, and where no model makes a vector of it.
        """
        name = required_name(name)
        options = {**self.settings.options, FACES: {**self.settings.options.get(FACES, {}), "link_people": False}}
        report = self.annotate(pictures, Request((FACES,), options), on_event)
        for video in report.videos:
            if not video.is_well or video.video_id is None:
                raise ProcessingError(f"{video.uri}: {video.message or video.status}; nobody was enrolled")
        return self.people.enroll(name, [str(video.video_id) for video in report.videos])

    # -- models

    def preset_for(self, request: Request) -> PresetChoice | None:
        """The preset that a request without annotators comes to; ``None`` for one that names them."""
        return None if request.annotators else self.models.choose_preset(self.settings.preset)

    def completed(self, request: Request) -> Request:
        """The request with the annotators of the preset, where it names none, and its options under its own; those that
        it names have the options of the preset, too, where that was named and not left to ``auto``."""
        if request.annotators and self.settings.preset == AUTO:
            return request
        preset = self.models.choose_preset(self.settings.preset).preset
        annotators = request.annotators or preset.annotators
        return replace(request, annotators=annotators, options=preset.options_under(request.options))

    def versioned(self, request: Request, versions: Sequence[str], tell: OnEvent = lambda event: None) -> Request:
        """The request with the models that ``versions`` name (``[ANNOTATOR=]SOURCE``), which are here afterwards.

        Raises ``ConfigurationError`` where it is not clear which annotator is meant, and what adopting a model raises.
        """
        whole = self.completed(request)
        chosen = ModelVersions(self.models, versions, tell).options_for(whole.annotators, whole.options)
        return replace(request, options=merged_options(request.options, chosen))

    def with_voices(
        self, request: Request, enrolments: Sequence[str], on_seconds: Callable[[float], None] = lambda seconds: None
    ) -> Request:
        """The request with speakers who shall be named by their voices. ``enrolments``: ``name=file`` each, the file a
        recording in which that one person speaks, of ten minutes at most. The vectors become an option of ``speakers``.
        ``on_seconds``: told how many seconds of a recording were heard.

        Raises ``ConfigurationError`` where nobody asked for speakers, and for what is no name or no voice.
        """
        files = parse_enrolments(enrolments)
        whole = self.completed(request)
        recipes = {recipe.name: recipe for recipe in self._recipes(whole)[0]}
        if SPEAKERS not in recipes:
            raise ConfigurationError("--enroll names speakers, and nobody asked for them; add speakers to --annotators")
        speech, voices = recipes["speech"], cast(Voices, recipes[VOICES])
        by = Listening(self.decoder, cast(StreamAnnotator, speech), voices, self.models.access, on_seconds)
        made = [enrolled_voice(name, path, by) for name, path in files.items()]
        chosen = {SPEAKERS: {"enrolled": enrolled_text(made)}}
        return replace(request, options=merged_options(request.options, chosen))

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
        return resolve(request.recipes(), request.options, self.models.best)

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
        orders = self._orders(request)
        store = self.store()
        batch_id = str(uuid.uuid4())
        left_out: list[str] = []
        results: list[VideoResult] = []
        jobs: dict[str, str] = {}
        waiting: list[str] = []
        last: dict[str, str] = {}
        held = 0
        gathering = Gathering(store)
        found = islice(self._identify(sources, left_out, request.fps), limit)
        for item in self._unsettled(found, request, results, on_event):
            if isinstance(item, RejectedInput):
                results.append(rejected(item, on_event))
                continue
            identity = item[1]
            job_id = submit(store, identity, orders[0], batch_id=batch_id)
            if job_id not in jobs:
                jobs[job_id] = identity.uri
                waiting.append(job_id)
                on_event(submitted_event(job_id, identity))
                if not gathering.admit(job_id):
                    break
            held += identity.size_bytes if self._was_fetched(item) else 0
            if held >= self.settings.media_cache_bytes:
                last |= self._work_in_stages(waiting, orders, on_event, stopped)
                waiting, held = [], 0
                gathering.begin_anew()
            if stopped():
                break
        self._note_refused(batch_id, jobs, results)
        last |= self._work_in_stages(waiting, orders, on_event, stopped)
        results += [self._result(last[job_id], uri) for job_id, uri in jobs.items()]
        return AnnotateReport(store.location, tuple(results), tuple(left_out), stopped(), batch_id if jobs else None)

    def _unsettled(
        self, items: Iterable[Found], request: Request, results: list[VideoResult], on_event: Callable[[Event], None]
    ) -> Iterator[Found]:
        """Items without those videos for which everything is stored: they are results already, and need no job."""
        order = self._order(request)
        told: set[str] = set()
        # what was fetched takes room: it is worked off before more is fetched
        for chunk in chunks(items, ends=self._was_fetched):
            done = self._settled([item[1] for item in chunk if not isinstance(item, RejectedInput)], order)
            for item in chunk:
                if isinstance(item, RejectedInput) or item[1].video_id not in done:
                    yield item
                elif item[1].video_id not in told:
                    told.add(item[1].video_id)
                    results.append(done[item[1].video_id])
                    on_event(settled_event(item[1]))
        self._drop_media(told)

    def _was_fetched(self, item: Found) -> bool:
        return not isinstance(item, RejectedInput) and item[0].path.is_relative_to(self.settings.media_cache)

    def _settled(self, identities: Sequence[VideoIdentity], order: Order) -> dict[str, VideoResult]:
        """Results by video, of those for which nothing is left to do."""
        run_ids = {identity.video_id: order.run_ids(identity.video_id) for identity in identities}
        done = settled(self.store(), run_ids)
        return {
            identity.video_id: self._result_of(identity, run_ids[identity.video_id])
            for identity in identities
            if identity.video_id in done
        }

    def _result_of(self, identity: VideoIdentity, run_ids: Sequence[str]) -> VideoResult:
        """What is stored of a video with these completed runs; the store learns where the video lies now."""
        store = self.store()
        record = store.video(identity.video_id)
        if record is None or record.identity.uri != identity.uri:
            store.save_video(identity)
        stored = {run.run_id: run for run in store.runs(identity.video_id)}
        runs = tuple(stored[run_id] for run_id in run_ids if run_id in stored)
        return VideoResult(identity.uri, identity.video_id, JobState.COMPLETED.value, None, None, record, runs)

    def _work_in_stages(
        self,
        job_ids: Sequence[str],
        orders: Sequence[Order],
        on_event: Callable[[Event], None],
        stopped: Callable[[], bool],
    ) -> dict[str, str]:
        """Bring jobs of the first of ``orders`` to an end, and those of the others after them: the last job of each."""
        last = {job_id: job_id for job_id in job_ids}
        here = last
        try:
            for number, order in enumerate(orders, 1):
                here = here if number == 1 else self._next_stage(here, order, on_event)
                last |= here
                if len(orders) > 1:
                    on_event({"event": "stage_started", "stage": number, "stages": len(orders), "jobs": len(here)})
                self._supervise(list(here.values()), on_event, stopped)
                if stopped():
                    break
        finally:
            self._drop_media_of(job_ids)
        return last

    def _next_stage(self, jobs: Mapping[str, str], order: Order, on_event: Callable[[Event], None]) -> dict[str, str]:
        """The next job for each of ``jobs`` (values) that goes on."""
        store = self.store()
        made = {}
        for first, job_id in jobs.items():
            job = store.job(job_id)
            video = store.video(job.video_id) if job is not None and goes_on(job) else None
            if job is not None and video is not None:
                made[first] = submit(store, video.identity, order, batch_id=job.batch_id)
                on_event(submitted_event(made[first], video.identity))
        return made

    def _orders(self, request: Request) -> tuple[Order, ...]:
        """What is asked of each video: at once, or stage by stage."""
        order = self._order(request)
        return in_stages(order) if self.settings.progressive else (order,)

    def _order(self, request: Request) -> Order:
        return Order(*self._recipes(request), request.time_range, self.models.digest)

    def submit(self, identity: VideoIdentity, request: Request, batch_id: str | None = None) -> str:
        """A job for one video; the id of the same unfinished job where there is one."""
        return submit(self.store(), identity, self._order(request), batch_id=batch_id)

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
        options = worker_options(worker_payload(self.store().address, [job_id], self.settings), CancelToken())
        worker = Worker(store, self.decoder, replace(options, raises=tuple(Cause), slots=None))
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
