"""Runs that read what is stored instead of the video: sparse annotators and solvers."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import cast

from cortexia.annotators.base import SessionContext, Solver, SparseAnnotator, StoredAnnotations
from cortexia.engine.control import MACHINE_ERRORS, EngineOptions, Recorder, Stopwatch, StoredReader, failure_of
from cortexia.engine.lane import check_provided
from cortexia.engine.numbering import Numbering
from cortexia.errors import AnnotatorError
from cortexia.plan import PlannedRun
from cortexia.stores.base import RunWindow
from cortexia.types import Annotation, AnnotationRecord, RunStatus

_PICTURES_AT_ONCE = 8


def solve(run: PlannedRun, reader: StoredReader, context: SessionContext, recorder: Recorder) -> RunWindow:
    """All rows of a solver in one window; nothing is kept in between, so there is nothing to resume."""
    recipe = cast(Solver, run.recipe)
    stored = StoredAnnotations(read=lambda types: watched(reader.annotations(run.upstream, types), recorder))
    watch = Stopwatch()
    try:
        with watch, at_work(run, recorder):
            made = sorted(_checked(run, recipe.solve(stored, context)), key=lambda made: made.span.start)
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        return _failed(run, _next(run), error)
    numbering = Numbering(run.spec.run_key)
    records = tuple(numbering.record(annotation, 0) for annotation in made)
    return dataclasses.replace(_window(run, _next(run), records), processing_s=watch.lap())


def look(run: PlannedRun, reader: StoredReader, context: SessionContext, options: EngineOptions) -> Iterator[RunWindow]:
    """A sparse annotator over the stored pictures, a few at a time; its position is the number of pictures done."""
    record = run.record
    ordinal, done = (record.windows, record.position) if record else (0, 0)
    numbering = Numbering(run.spec.run_key, (record.state or {}).get("numbering") if record else None)
    pictures = reader.pictures(run.upstream, done)
    try:
        with at_work(run, options.recorder):
            session = cast(SparseAnnotator, run.recipe).session(context)
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        yield _failed(run, ordinal, error)
        return
    records: list[AnnotationRecord] = []
    watch = Stopwatch()
    committed_at = options.clock()
    try:
        while batch := tuple(itertools.islice(pictures, options.batch_size or _PICTURES_AT_ONCE)):
            with watch, at_work(run, options.recorder):
                emissions = session.annotate(batch)
            if len(emissions) != len(batch):
                raise AnnotatorError(run.recipe.name, f"{len(emissions)} lists for {len(batch)} pictures")
            for emission in emissions:
                records += [numbering.record(annotation, done) for annotation in _checked(run, emission)]
                done += 1
            is_due = options.clock() - committed_at >= options.policy.wall_s or len(records) >= options.policy.rows
            if is_due or options.cancel.is_cancelled:
                state = {"numbering": numbering.state()}
                part = _window(run, ordinal, tuple(records), done)
                yield dataclasses.replace(part, status=RunStatus.RUNNING, state=state, processing_s=watch.lap())
                ordinal, committed_at = ordinal + 1, options.clock()
                records.clear()
            if options.cancel.is_cancelled:
                return
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code ends here
        yield _failed(run, ordinal, error)
        return
    finally:
        with at_work(run, options.recorder):
            session.close()
    yield dataclasses.replace(_window(run, ordinal, tuple(records), done), processing_s=watch.lap())


@contextlib.contextmanager
def at_work(run: PlannedRun, recorder: Recorder) -> Iterator[None]:
    """The block calls foreign code of ``run``."""
    recorder.enter(run.recipe.name)
    try:
        yield
    finally:
        recorder.leave()


def watched(annotations: Iterable[Annotation], recorder: Recorder) -> Iterator[Annotation]:
    """The same; a solver that reads is one that moves."""
    for annotation in annotations:
        recorder.moved()
        yield annotation


def skipped(run: PlannedRun, reason: str, message: str | None = None) -> RunWindow:
    """A run that cannot be: it ends with its reason."""
    return dataclasses.replace(_window(run, _next(run)), status=RunStatus.SKIPPED, reason=reason, message=message)


def completed_empty(run: PlannedRun, reason: str) -> RunWindow:
    """A run with nothing to look at: complete, and it says why there is nothing."""
    return dataclasses.replace(_window(run, _next(run)), reason=reason)


def _next(run: PlannedRun) -> int:
    return run.record.windows if run.record else 0


def _checked(run: PlannedRun, made: Iterable[Annotation]) -> list[Annotation]:
    annotations = list(made)
    check_provided(run.recipe, annotations)
    return annotations


def _failed(run: PlannedRun, ordinal: int, error: Exception) -> RunWindow:
    reason, message = failure_of(error)
    return dataclasses.replace(_window(run, ordinal), status=RunStatus.FAILED, reason=reason, message=message)


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
