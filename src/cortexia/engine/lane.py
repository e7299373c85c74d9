"""One stream run in a pass: its session, the inputs that wait for it, and what it has said since the last commit.

A failure stays in its lane, from the opening of the session on: the run ends as failed with the reason, those that
need it end as skipped, the others go on. Only what is nobody's fault but the machine's (store, disk) is let through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from cortexia.annotators.base import Annotator, Medium, SessionContext, StreamAnnotator, StreamSession
from cortexia.engine.control import MACHINE_ERRORS, Recorder, Stopwatch, failure_of
from cortexia.engine.gates import Gate
from cortexia.engine.inbox import Inbox
from cortexia.engine.numbering import Numbering
from cortexia.errors import AnnotatorError, CircuitBreakerOpenError
from cortexia.plan import PlannedRun
from cortexia.stores.base import RunWindow
from cortexia.types import (
    Annotation,
    AnnotationRecord,
    AudioBlock,
    Frame,
    Progress,
    RunStatus,
    Sampling,
    Timestamp,
    canonical_json,
)

STATE_LIMIT = 64 * 1024
EMISSION_LIMIT = 100_000
"""Annotations of one input, at most: more is a fault, and would fill memory and store (G15)."""
Input = Frame | AudioBlock


def input_start(item: Input) -> int:
    """Frame index, or index of the first sample."""
    return item.index


def input_end(item: Input) -> int:
    """One past the input, in frames or samples."""
    return item.index + len(item.samples) if isinstance(item, AudioBlock) else item.index + 1


class Lane:
    """``position``: input consumed by the session. ``seen``: input after which nothing waits here any more."""

    def __init__(self, run: PlannedRun, context: SessionContext, batch_size: int | None, recorder: Recorder) -> None:
        self.run = run
        self._recorder = recorder
        self.recipe = cast(StreamAnnotator, run.recipe)
        self.session = StreamSession()
        self.downstream: list[tuple[Lane, Inbox]] = []
        self.inboxes: list[Inbox] = []
        self.upstream: list[Lane] = []
        self.status = RunStatus.RUNNING
        self.reason: str | None = None
        self.message: str | None = None
        self.waits: CircuitBreakerOpenError | None = None
        self.rows = 0
        self.media_end: Timestamp | None = None
        self._origin = context.media.origin
        self._batch_size = batch_size or self.recipe.batch_size
        self._sampling = self.recipe.sampling if self.recipe.medium is Medium.VIDEO else Sampling.every()
        self._waiting: deque[Input] = deque()
        self._records: list[AnnotationRecord] = []
        self._gate = Gate(run, context.media)
        self._watch = Stopwatch()
        self._restore_position()
        self._guard(lambda: self._open(context))
        self._restore_session()

    def _open(self, context: SessionContext) -> None:
        self.session = self.recipe.session(context)

    def _restore_position(self) -> None:
        record = self.run.record
        self.windows = record.windows if record else 0
        self.position = record.position if record else 0
        self.replay_from = record.replay_from if record and record.replay_from is not None else self.position
        self.seen = self.position
        self._committed_position = self.position
        self._committed_needs = self.replay_from
        self._end_is_committed = False
        self._frontier = self.position
        self._numbering = Numbering(self.run.spec.run_key, self._state.get("numbering"))

    @property
    def _state(self) -> Mapping[str, Any]:
        record = self.run.record
        return (record.state or {}) if record else {}

    def _restore_session(self) -> None:
        record = self.run.record
        if record and record.windows and self.is_live:
            self.rows = record.annotation_count
            self._guard(lambda: self.session.restore(self._state.get("session", {})))

    # -- taking inputs

    @property
    def is_live(self) -> bool:
        return self.status is RunStatus.RUNNING and self.waits is None

    @property
    def processing_s(self) -> float:
        """Seconds in its session."""
        return self._watch.total_s

    @property
    def held(self) -> int:
        """Inputs that wait."""
        return len(self._waiting)

    def offer(self, item: Input) -> None:
        """The next input of the pass, wanted or not."""
        end = input_end(item)
        if not self.is_live or end <= self.replay_from:
            return
        if input_start(item) < self.position:
            item = self._replayed(item)
            if end <= self.position:
                return
        self._frontier = end
        self.media_end = item.end
        if self._wants(item):
            self._waiting.append(item)
        self.work(force=False)

    def _replayed(self, item: Input) -> Input:
        """Replay what was consumed of ``item`` before; the rest of it is returned."""
        if isinstance(item, AudioBlock):
            old, item = _split(item, self.position)
            _, old = _split(old, self.replay_from)
            self._guard(lambda: self.session.replay([old]))
        elif self._wants(item):
            frame = item
            self._guard(lambda: self.session.replay([frame]))
        return item

    def _wants(self, item: Input) -> bool:
        if isinstance(item, AudioBlock):
            return True
        return self._sampling.wants_at(item.index, item.timestamp, item.end, item.is_keyframe, self._origin)

    def work(self, force: bool) -> None:
        """Process what is ready: whole batches with what shall be known ahead, or with ``force`` everything whose
        upstream has been told."""
        wanted = self._batch_size + self.recipe.ahead
        while self.is_live and self._waiting:
            ready = self._ready(wanted)
            if not ready or (len(ready) < wanted and not force):
                break
            self._guard(partial(self._process, ready))
        self.seen = input_start(self._waiting[0]) if self._waiting else self._frontier

    def _ready(self, limit: int) -> list[Input]:
        told = min((lane.seen for lane in self.upstream), default=self._frontier)
        ready: list[Input] = []
        for item in self._waiting:
            if len(ready) == limit or input_end(item) > told:
                break
            ready.append(item)
        return ready

    def _process(self, known: Sequence[Input]) -> None:
        if self.recipe.ahead:
            self.session.begin(cast(Sequence[Frame], known))
        batch = known[: self._batch_size]
        upstream = [[said for inbox in self.inboxes for said in inbox.take(input_end(item) - 1)] for item in batch]
        emissions = self.session.process(cast(Sequence[Frame], batch), upstream)
        if len(emissions) != len(batch):
            raise AnnotatorError(self.recipe.name, f"{len(emissions)} lists of annotations for {len(batch)} inputs")
        most = max(map(len, emissions))
        if most > EMISSION_LIMIT:
            raise AnnotatorError(
                self.recipe.name, f"{most} annotations of one input, at most {EMISSION_LIMIT} are kept"
            )
        for item, emission in zip(batch, emissions, strict=True):
            self._gate.consumed(item)
            self._emit(input_end(item) - 1, emission)
            self._waiting.popleft()
        self.position = input_end(batch[-1])

    def _emit(self, emitted_at: int, emission: Sequence[Annotation]) -> None:
        check_provided(self.recipe, emission)
        passed = self._gate.passed(emission, emitted_at)
        for annotation in passed:
            self._records.append(self._numbering.record(annotation, emitted_at))
        self.rows += len(passed)
        for lane, inbox in self.downstream:
            if lane.is_live:
                inbox.put(emitted_at, passed)

    # -- ending

    def finish(self) -> None:
        """The input has ended, and upstream lanes have finished."""
        self.work(force=True)
        if self.is_live:
            self._guard(self._finish)
        if self.is_live and (why := self._gate.verdict(self.rows)):
            self.end(RunStatus.FAILED, "quarantined", why)
        if self.is_live:
            self.status = RunStatus.COMPLETED
            self.position = self.seen = self._frontier

    def _finish(self) -> None:
        rest = [said for inbox in self.inboxes for said in inbox.take(None)]
        self._gate.told(rest)
        self._emit(self._frontier, self.session.finish(rest))

    def end(self, status: RunStatus, reason: str, message: str | None = None) -> None:
        """End without finishing: failed or skipped. Those that need this run are skipped with it."""
        if not self.is_live:
            return
        self.status, self.reason, self.message = status, reason, message
        self._waiting.clear()
        self._records.clear()
        for lane, _ in self.downstream:
            lane.end(RunStatus.SKIPPED, "upstream", f"{self.recipe.name} {status}: {message or reason}")

    def set_aside(self, refusal: CircuitBreakerOpenError) -> None:
        """A breaker is open: the run waits where its last commit left it, and so do those that need it; the others of
        the pass go on."""
        if not self.is_live:
            return
        self.waits = refusal
        self.position = self._committed_needs
        self._waiting.clear()
        self._records.clear()
        for lane, _ in self.downstream:
            lane.set_aside(refusal)

    def _guard(self, call: Callable[[], None]) -> None:
        """One of the two places where foreign code ends and anything may come out of it."""
        self._recorder.enter(self.recipe.name)
        try:
            with self._watch:
                call()
        except CircuitBreakerOpenError as error:
            self.set_aside(error)
        except MACHINE_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises fails this run alone
            self.end(RunStatus.FAILED, *failure_of(error))
        finally:
            self._recorder.leave()

    def close(self) -> None:
        self._recorder.enter(self.recipe.name)
        try:
            self.session.close()
        except Exception as error:  # noqa: BLE001 - foreign code; the rows are what counts
            self.message = self.message or f"close: {error}"
        finally:
            self._recorder.leave()

    # -- committing

    def window(self) -> RunWindow | None:
        """What is new since the last call, or ``None``. To be asked after ``work(force=True)``."""
        if self.waits or self._end_is_committed:
            return None
        if self.is_live and not self._records and self.position == self._committed_position:
            return None
        progress = Progress(None)
        state: dict[str, Any] = {}
        if self.is_live:
            self._recorder.enter(self.recipe.name)
            try:
                progress, state = self._snapshot()
            except Exception as error:  # noqa: BLE001 - foreign code
                self.end(RunStatus.FAILED, *failure_of(error))
            finally:
                self._recorder.leave()
        quarantined, quarantined_count = self._gate.take()
        window = RunWindow(
            run_id=self.run.run_id,
            ordinal=self.windows,
            records=tuple(self._records),
            position=self.position,
            final_until=self.media_end if progress.final_until is None else progress.final_until,
            replay_from=progress.replay_from,
            state=state,
            status=self.status,
            reason=self.reason,
            message=self.message,
            processing_s=self._watch.lap(),
            quarantined=quarantined,
            quarantined_count=quarantined_count,
        )
        self._records.clear()
        self.windows += 1
        self._committed_position = self.position
        self._committed_needs = self.position if progress.replay_from is None else progress.replay_from
        self._end_is_committed = not self.is_live
        return window

    def _snapshot(self) -> tuple[Progress, dict[str, Any]]:
        progress = self.session.progress()
        self._numbering.forget_before(progress.final_until or self.media_end)
        self._gate.promise(progress.final_until)
        state = {
            "session": dict(self.session.state()),
            "numbering": self._numbering.state(),
            "gate": self._gate.state(),
        }
        size = len(canonical_json(state).encode())
        if size > STATE_LIMIT:
            raise AnnotatorError(self.recipe.name, f"state of {size} bytes, at most {STATE_LIMIT} are kept")
        return progress, state

    @property
    def new_rows(self) -> int:
        return len(self._records)


def check_provided(recipe: Annotator, emission: Iterable[object]) -> None:
    """Raises ``AnnotatorError`` for anything that is no annotation of a type that ``recipe`` provides."""
    for made in emission:
        if not isinstance(made, Annotation) or made.type not in recipe.provides:
            what = made.type if isinstance(made, Annotation) else type(made).__name__
            raise AnnotatorError(recipe.name, f"emitted {what!r}, provides {', '.join(recipe.provides)}")


def _split(block: AudioBlock, at: int) -> tuple[AudioBlock, AudioBlock]:
    """The parts of ``block`` before and from sample index ``at`` on."""
    cut = min(max(at - block.index, 0), len(block.samples))
    later = Timestamp(block.timestamp.pts + cut, block.timestamp.time_base)
    return (
        AudioBlock(block.index, block.timestamp, block.samples[:cut], block.rate),
        AudioBlock(block.index + cut, later, block.samples[cut:], block.rate),
    )
