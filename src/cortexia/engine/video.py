"""One video, stage by stage: a pass for the streams, then what reads the store. Yields windows, commits nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import cast

from cortexia.annotators.base import Kind, Medium, StreamAnnotator
from cortexia.engine import offline
from cortexia.engine.control import ProgressEvent
from cortexia.engine.stream_pass import PassContext, StreamPass
from cortexia.errors import AnnotatorError, CircuitBreakerOpenError
from cortexia.plan import Action, Plan, PlannedRun
from cortexia.stores.base import RunWindow, Window
from cortexia.types import RunStatus, Verdict

_NO_FAULT_OF_ITS_OWN = ("model_missing", "model_half_written", "quarantined", "input_changed")


class VideoAnnotation:
    """Brings the open runs of a plan to an end. Iterate ``windows`` once; commit each before the next is asked for."""

    def __init__(self, plan: Plan, context: PassContext) -> None:
        self._plan = plan
        self._context = context
        self._statuses: dict[str, RunStatus] = {}
        self.contexts_opened = 0
        self.passes = 0
        self.verdict: Verdict | None = None
        self._waiting: dict[str, CircuitBreakerOpenError] = {}

    def windows(self) -> Iterator[Window]:
        """Raises ``CircuitBreakerOpenError`` at the end for runs that could not go on, when all others are done."""
        for run in self._plan.runs:
            if run.action in (Action.STORED, Action.ENDED) and run.record is not None:
                self._statuses[run.run_id] = run.record.status
        yield from self._skip()
        for stage in self._plan.stages:
            yield from self._stream([run for run in stage.streams if run.is_open])
            for run in stage.offline:
                if self._is_cancelled:
                    return
                if run.is_open:
                    yield from self._offline(run)
        for refusal in self._waiting.values():
            raise refusal

    @property
    def _is_cancelled(self) -> bool:
        return self._context.options.cancel.is_cancelled

    def _skip(self) -> Iterator[Window]:
        runs = [run for run in self._plan.runs if run.action is Action.SKIP]
        for run in runs:
            yield from self._tracked(offline.skipped(run, run.reason or "skipped", self._why(run)))

    def _why(self, run: PlannedRun) -> str:
        verdict = self._context.session.media.verdict
        return {"no_video": "no video stream", "upstream": "an annotator that it requires cannot run"}.get(
            run.reason or "", verdict.message
        )

    def _stream(self, runs: list[PlannedRun]) -> Iterator[Window]:
        ready: list[PlannedRun] = []
        for run in runs:
            recipe = cast(StreamAnnotator, run.recipe)
            if self._has_to_wait(run):
                continue
            if recipe.medium is Medium.AUDIO and self._context.session.media.audio is None:
                yield from self._tracked(offline.completed_empty(run, "no_audio"))
            elif self._upstream_failed(run):
                yield from self._tracked(offline.skipped(run, "upstream", self._upstream_failed(run)))
            else:
                ready.append(run)
        if not ready or self._is_cancelled:
            return
        stream_pass = StreamPass(self._context, ready)
        self.passes += 1
        for window in stream_pass.windows():
            self._track(window)
            yield window
        self._waiting |= stream_pass.waiting
        self.contexts_opened += stream_pass.contexts_opened
        self.verdict = stream_pass.verdict or self.verdict

    def _has_to_wait(self, run: PlannedRun) -> bool:
        """Its breaker is open, or that of a run that it needs."""
        refusals = [self._waiting[run_id] for run_id in run.upstream if run_id in self._waiting]
        if not refusals and run.recipe.model_ids:
            try:
                self._context.options.breakers[run.recipe.name].refuse_if_open()
            except CircuitBreakerOpenError as refusal:
                refusals.append(refusal)
        if refusals:
            self._waiting[run.run_id] = refusals[0]
        return bool(refusals)

    def _upstream_failed(self, run: PlannedRun) -> str | None:
        """Why a run of an earlier stage keeps this one from running. Runs of its own stage are the pass's business."""
        own_stage = {other.run_id for other in self._plan.stages[run.stage].streams if other.is_open}
        for run_id in run.upstream:
            if run.recipe.kind is Kind.STREAM and run_id in own_stage:
                continue
            status = self._statuses.get(run_id)
            if status is not RunStatus.COMPLETED:
                name = next(other.recipe.name for other in self._plan.runs if other.run_id == run_id)
                return f"{name} {status or 'not run'}"
        return None

    def _offline(self, run: PlannedRun) -> Iterator[Window]:
        context = self._context
        if self._has_to_wait(run):
            return
        if why := self._upstream_failed(run):
            yield from self._tracked(offline.skipped(run, "upstream", why))
            return
        try:
            work = offline.solve if run.recipe.kind is Kind.SOLVER else offline.look
            for window in work(run, context.reader, context.session, context.options):
                yield from self._tracked(window)
        except CircuitBreakerOpenError as refusal:
            self._waiting[run.run_id] = refusal

    def _count(self, run: PlannedRun, window: RunWindow) -> None:
        """The end of a run that works with models, for its breaker: what needs none would only fail again."""
        if not run.recipe.model_ids:
            return
        breaker = self._context.options.breakers[run.recipe.name]
        if window.status is RunStatus.COMPLETED and window.reason is None:
            with suppress(CircuitBreakerOpenError), breaker.attempt():
                pass
        elif window.status is RunStatus.FAILED and window.reason not in _NO_FAULT_OF_ITS_OWN:
            with suppress(CircuitBreakerOpenError, AnnotatorError), breaker.attempt():
                raise AnnotatorError(run.recipe.name, window.message or "failed")

    def _tracked(self, run_window: RunWindow) -> Iterator[Window]:
        window = Window(self._context.video_id, (run_window,))
        self._track(window)
        yield window

    def _track(self, window: Window) -> None:
        for run_window in window.runs:
            self._statuses[run_window.run_id] = run_window.status
            run = next(run for run in self._plan.runs if run.run_id == run_window.run_id)
            self._count(run, run_window)
            if run_window.status.is_final and run.recipe.kind is not Kind.STREAM:
                self._tell(run, run_window)

    def _tell(self, run: PlannedRun, window: RunWindow) -> None:
        duration = self._context.session.media.duration_s
        self._context.options.on_progress(
            ProgressEvent(
                self._context.video_id,
                run.recipe.name,
                duration or 0.0,
                duration,
                len(window.records),
                window.status.value,
                window.reason,
                window.processing_s,
            )
        )
