"""Runs that read what is stored instead of the video: sparse annotators and solvers."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from cortexia.annotators.base import (
    Emissions,
    SessionContext,
    Solver,
    SparseAnnotator,
    StoredAnnotations,
    StoredPicture,
)
from cortexia.engine.beside import Beside
from cortexia.engine.control import MACHINE_ERRORS, EngineOptions, Recorder, Stopwatch, StoredReader, failure_of
from cortexia.engine.gates import Gate
from cortexia.engine.lane import check_provided
from cortexia.engine.numbering import Numbering
from cortexia.errors import AnnotatorError, JobCancelled
from cortexia.plan import PlannedRun
from cortexia.stores.base import RunWindow
from cortexia.types import Annotation, AnnotationRecord, MediaInfo, RunStatus

_AT_ONCE = 1000
"""Rows of a solver that are looked at before it is asked whether a commit is due."""


def solve(
    run: PlannedRun, reader: StoredReader, context: SessionContext, options: EngineOptions
) -> Iterator[RunWindow]:
    """A solver's rows in the order in which it says them; its position is their number. Nothing of it is kept between
    windows: after an interruption it is asked again, and what it says first is passed over, because it is stored."""
    done = run.record.position if run.record else 0
    harvest = Harvest(run, context.media)
    committed_at = options.clock()
    position = 0
    try:
        for said in _said(run, reader, context, options, harvest):
            harvest.add(said[max(0, done - position) :], 0)
            position += len(said)
            is_due = options.clock() - committed_at >= options.policy.wall_s or harvest.size >= options.policy.rows
            if position > done and (is_due or options.cancel.is_cancelled):
                yield harvest.window(position)
                committed_at = options.clock()
            if options.cancel.is_cancelled:
                return
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        yield harvest.failed(error)
        return
    yield harvest.end(position)


def _said(
    run: PlannedRun, reader: StoredReader, context: SessionContext, options: EngineOptions, harvest: Harvest
) -> Iterator[list[Annotation]]:
    """What the solver says, some rows at a time."""
    recipe = cast(Solver, run.recipe)
    stored = StoredAnnotations(
        read=lambda types: watched(reader.annotations(run.upstream, types), options.recorder, harvest.gate),
        recipes=run.requires,
    )
    with at_work(run, options.recorder):
        rows = iter(recipe.solve(stored, context))
    while True:
        with harvest.watch, at_work(run, options.recorder):
            said = list(itertools.islice(rows, min(_AT_ONCE, options.policy.rows)))
        if not said:
            return
        check_provided(recipe, said)
        yield said


def look(run: PlannedRun, reader: StoredReader, context: SessionContext, options: EngineOptions) -> Iterator[RunWindow]:
    """A sparse annotator over the stored pictures, a few at a time; its position is the number of pictures done."""
    done = run.record.position if run.record else 0
    harvest = Harvest(run, context.media)
    recipe = cast(SparseAnnotator, run.recipe)
    pictures = _with_beside(run, reader, done, options.recorder)
    try:
        with at_work(run, options.recorder):
            session = recipe.session(context)
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        yield harvest.failed(error)
        return
    committed_at = options.clock()
    try:
        while batch := tuple(itertools.islice(pictures, options.batch_size or recipe.batch_size)):
            with harvest.watch, at_work(run, options.recorder):
                emissions = session.annotate(batch)
            _gather(harvest, recipe, batch, emissions, done)
            done += len(batch)
            is_due = options.clock() - committed_at >= options.policy.wall_s or harvest.size >= options.policy.rows
            if is_due or options.cancel.is_cancelled:
                yield harvest.window(done)
                committed_at = options.clock()
            if options.cancel.is_cancelled:
                return
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        is_stop = isinstance(error, JobCancelled) and options.cancel.is_cancelled
        yield harvest.window(done) if is_stop else harvest.failed(error)
        return
    finally:
        with at_work(run, options.recorder):
            session.close()
    yield harvest.end(done)


def _gather(
    harvest: Harvest, recipe: SparseAnnotator, batch: Sequence[StoredPicture], emissions: Emissions, done: int
) -> None:
    """What was said of a batch, after ``done`` pictures. Raises ``AnnotatorError`` where it was not of each picture."""
    if len(emissions) != len(batch):
        raise AnnotatorError(recipe.name, f"{len(emissions)} lists for {len(batch)} pictures")
    for number, (picture, emission) in enumerate(zip(batch, emissions, strict=True), done):
        check_provided(recipe, emission)
        harvest.gate.told([picture.annotation, *picture.beside])
        harvest.add(emission, number)


def _with_beside(run: PlannedRun, reader: StoredReader, skip: int, recorder: Recorder) -> Iterator[StoredPicture]:
    types = cast(SparseAnnotator, run.recipe).reads
    pictures = reader.pictures(run.upstream, skip)
    if not types:
        yield from pictures
        return
    beside = Beside(_moving(reader.annotations(run.upstream, types), recorder))
    for picture in pictures:
        yield dataclasses.replace(picture, beside=beside.at(picture.annotation.span.start))


def _moving(annotations: Iterable[Annotation], recorder: Recorder) -> Iterator[Annotation]:
    """The same; whoever reads moves."""
    for annotation in annotations:
        recorder.moved()
        yield annotation


class Harvest:
    """What an offline run made: looked at, numbered, and taken away window by window."""

    def __init__(self, run: PlannedRun, media: MediaInfo) -> None:
        record = run.record
        state = (record.state if record else None) or {}
        self.gate = Gate(run, media)
        self.watch = Stopwatch()
        self._run = run
        self._numbering = Numbering(run.spec.run_key, state.get("numbering"))
        self._records: list[AnnotationRecord] = []
        self._ordinal = record.windows if record else 0
        self._rows = record.annotation_count if record else 0

    @property
    def size(self) -> int:
        """Rows that wait for their window."""
        return len(self._records)

    def add(self, made: Sequence[Annotation], emitted_at: int) -> None:
        passed = self.gate.passed(made, emitted_at)
        self._records += [self._numbering.record(annotation, emitted_at) for annotation in passed]
        self._rows += len(passed)

    def window(self, position: int) -> RunWindow:
        """What there is since the last one; the run goes on."""
        state = {"numbering": self._numbering.state(), "gate": self.gate.state()}
        part = dataclasses.replace(self._window(position), status=RunStatus.RUNNING, state=state)
        self._records, self._ordinal = [], self._ordinal + 1
        return part

    def end(self, position: int) -> RunWindow:
        """The last window: the run is complete, unless nothing of it passed."""
        part = self._window(position)
        if why := self.gate.verdict(self._rows):
            return dataclasses.replace(part, status=RunStatus.FAILED, reason="quarantined", message=why)
        return part

    def failed(self, error: Exception) -> RunWindow:
        self._records = []
        reason, message = failure_of(error)
        return dataclasses.replace(self._window(0), status=RunStatus.FAILED, reason=reason, message=message)

    def _window(self, position: int) -> RunWindow:
        quarantined, count = self.gate.take()
        return dataclasses.replace(
            _window(self._run, self._ordinal, tuple(self._records), position),
            processing_s=self.watch.lap(),
            quarantined=quarantined,
            quarantined_count=count,
        )


@contextlib.contextmanager
def at_work(run: PlannedRun, recorder: Recorder) -> Iterator[None]:
    """The block calls foreign code of ``run``."""
    recorder.enter(run.recipe.name)
    try:
        yield
    finally:
        recorder.leave()


def watched(annotations: Iterable[Annotation], recorder: Recorder, gate: Gate) -> Iterator[Annotation]:
    """The same; a solver that reads is one that moves, and may speak of what it read."""
    for annotation in _moving(annotations, recorder):
        gate.told((annotation,))
        yield annotation


def skipped(run: PlannedRun, reason: str, message: str | None = None) -> RunWindow:
    """A run that cannot be: it ends with its reason."""
    return dataclasses.replace(_window(run, _next(run)), status=RunStatus.SKIPPED, reason=reason, message=message)


def completed_empty(run: PlannedRun, reason: str) -> RunWindow:
    """A run with nothing to look at: complete, and it says why there is nothing."""
    return dataclasses.replace(_window(run, _next(run)), reason=reason)


def _next(run: PlannedRun) -> int:
    return run.record.windows if run.record else 0


def _window(run: PlannedRun, ordinal: int, records: tuple[AnnotationRecord, ...] = (), position: int = 0) -> RunWindow:
    """A window that completes the run."""
    return RunWindow(
        run_id=run.run_id,
        ordinal=ordinal,
        records=records,
        position=position,
        final_until=None,
        replay_from=None,
        state={},
        status=RunStatus.COMPLETED,
    )
