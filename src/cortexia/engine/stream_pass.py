"""One pass over a video: decode once, hand every input to every lane in plan order, yield windows.

The generator yields a window when a commit falls due; whoever iterates commits it before asking for the next. On
damage met with several decode threads the pass begins again with one thread from what was committed last (F4).
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cortexia.annotators.base import Medium, SessionContext
from cortexia.decoders.base import DamageFound, Decoder, DecodeRequest, MediaStream, ViewRequest
from cortexia.engine.control import EngineOptions, ProgressEvent, StoredReader
from cortexia.engine.inbox import Inbox
from cortexia.engine.lane import Input, Lane
from cortexia.engine.pump import LockstepPump, Pump
from cortexia.errors import CircuitBreakerOpenError
from cortexia.plan import AUDIO_RATE, PlannedRun
from cortexia.stores.base import RunRecord, RunWindow, Window
from cortexia.types import Anchor, RunStatus, TimeRange, Verdict, VerdictStatus, ViewSpec

_CHUNK_BYTES = 32 * 1024 * 1024
_MAX_CHUNK = 16
_PROGRESS_EVERY_S = 0.2


@dataclass(frozen=True)
class PassContext:
    """Everything a pass works with. ``anchors``: places where picture decoding may begin again.

    ``known``: the verdict of earlier passes; where they met damage, this one decodes with one thread from the start.
    """

    video_id: str
    path: Path
    session: SessionContext
    decoder: Decoder
    reader: StoredReader
    options: EngineOptions
    time_range: TimeRange
    anchors: tuple[Anchor, ...] = ()
    known: Verdict | None = None

    @property
    def is_damaged(self) -> bool:
        return self.known is not None and self.known.status is VerdictStatus.PARTIAL

    @property
    def origin(self) -> Fraction:
        return self.session.media.origin


class StreamPass:
    """All open stream runs of a stage over one decode."""

    def __init__(self, context: PassContext, runs: Sequence[PlannedRun]) -> None:
        self._context = context
        self._runs = {run.run_id: run for run in runs}
        self._options = context.options
        self._threads = 1 if context.is_damaged else context.options.threads
        self._anchors = () if context.is_damaged else context.anchors
        self.verdict: Verdict | None = None
        self.contexts_opened = 0
        self.waiting: dict[str, CircuitBreakerOpenError] = {}

    def windows(self) -> Iterator[Window]:
        while True:
            lanes = self._lanes()
            try:
                yield from self._attempt(lanes)
                return
            except DamageFound:
                self._threads = 1
                self._anchors = ()
            finally:
                self.waiting = {lane.run.run_id: lane.waits for lane in lanes if lane.waits is not None}
                for lane in lanes:
                    lane.close()

    # -- lanes

    def _lanes(self) -> list[Lane]:
        lanes: dict[str, Lane] = {}
        for run in self._runs.values():
            lane = Lane(run, self._context.session, self._options.batch_size, self._options.recorder)
            self._connect(lane, lanes)
            lanes[run.run_id] = lane
        return list(lanes.values())

    def _connect(self, lane: Lane, lanes: dict[str, Lane]) -> None:
        for run_id in lane.run.upstream:
            other = lanes.get(run_id)
            end = other.position if other else None
            stored = self._context.reader.emitted(run_id, lane.position, end)
            inbox = Inbox(stored, start=lane.position)
            lane.inboxes.append(inbox)
            if other is None:
                continue
            lane.upstream.append(other)
            other.downstream.append((lane, inbox))
            if other.waits:
                lane.set_aside(other.waits)
            elif not other.is_live:
                lane.end(RunStatus.SKIPPED, "upstream", f"{other.recipe.name} {other.status}: {other.message}")

    # -- one attempt

    def _attempt(self, lanes: list[Lane]) -> Iterator[Window]:
        if not any(lane.is_live for lane in lanes):
            yield from self._commit(lanes)
            return
        stopped = threading.Event()
        request = self._request(lanes, stopped)
        source = os.stat(self._context.path)  # noqa: PTH116 - taken once, compared at every window
        with self._context.decoder.open(self._context.path, self._context.session.media, request) as stream:
            pump = self._pumping(stream, request, stopped)
            self._pump = pump
            try:
                yield from self._consume(lanes, pump, source)
            finally:
                pump.close()
                self.contexts_opened += stream.contexts_opened
            nobody_reads = not any(lane.is_live for lane in lanes) and any(lane.waits for lane in lanes)
            if self._options.cancel.is_cancelled or nobody_reads:
                yield from self._commit(lanes)
                return
            self._fail_if_changed(lanes, source)
            self._finish(lanes, stream.verdict())
            yield from self._commit(lanes, self.verdict)

    def _consume(self, lanes: list[Lane], pump: Pump, source: os.stat_result) -> Iterator[Window]:
        clock = self._options.clock
        policy = self._options.policy
        committed_at, committed_s, told_at = clock(), None, 0.0
        for chunk in pump:
            for item in chunk:
                for lane in lanes:
                    if (lane.recipe.medium is Medium.VIDEO) == _is_frame(item):
                        lane.offer(item)
                now_s = item.end.seconds
                committed_s = now_s if committed_s is None else committed_s
                if (
                    now_s - committed_s >= policy.media_s
                    or clock() - committed_at >= policy.wall_s
                    or sum(lane.new_rows for lane in lanes) >= policy.rows
                ):
                    self._fail_if_changed(lanes, source)
                    yield from self._commit(lanes)
                    committed_at, committed_s = clock(), now_s
            self._relieve(lanes, chunk)
            if clock() - told_at >= _PROGRESS_EVERY_S:
                self._tell(lanes)
                told_at = clock()
            if self._options.cancel.is_cancelled or not any(lane.is_live for lane in lanes):
                break

    def _relieve(self, lanes: list[Lane], chunk: Sequence[Input]) -> None:
        """Partial batches go through when too much waits: a batch larger than any buffer must not stall a pass."""
        held = max((lane.held for lane in lanes), default=0)
        if held and held * self._frame_bytes > self._options.held_bytes:
            for lane in lanes:
                lane.work(force=True)

    def _finish(self, lanes: list[Lane], verdict: Verdict) -> None:
        self.verdict = self._context.known.merged(verdict) if self._context.known else verdict
        for lane in lanes:
            if verdict.status is VerdictStatus.REJECTED and lane.recipe.medium is Medium.VIDEO:
                lane.end(RunStatus.SKIPPED, verdict.reason or "rejected", verdict.message)
            if lane.recipe.medium is Medium.AUDIO and verdict.error_count and not verdict.audio_samples:
                lane.end(RunStatus.FAILED, "no_sound", f"no sound could be decoded ({verdict.first_error})")
            lane.finish()

    def _fail_if_changed(self, lanes: list[Lane], source: os.stat_result) -> None:
        """The file was replaced or written to while it was read (R-11): what was found belongs to no video."""
        try:
            now = os.stat(self._context.path)  # noqa: PTH116
            same = (now.st_size, now.st_mtime_ns, now.st_ino) == (source.st_size, source.st_mtime_ns, source.st_ino)
        except OSError:
            same = False
        if not same:
            for lane in lanes:
                lane.end(RunStatus.FAILED, "input_changed", f"{self._context.path} changed while it was read")

    # -- committing

    def _commit(self, lanes: list[Lane], verdict: Verdict | None = None) -> Iterator[Window]:
        for lane in lanes:
            if lane.is_live:
                lane.work(force=True)
        windows = tuple(window for lane in lanes if (window := lane.window()) is not None)
        if windows or verdict is not None:
            yield Window(self._context.video_id, windows, self._usable_anchors(lanes, windows), verdict)
            for window in windows:
                self._remember(window)
        self._tell(lanes)

    def _usable_anchors(self, lanes: list[Lane], windows: Sequence[RunWindow]) -> tuple[Anchor, ...]:
        """The newest anchor that lies before everything any live run still needs."""
        replays = {window.run_id: window.replay_from for window in windows}
        needed = []
        for lane in lanes:
            if (lane.is_live or lane.waits) and lane.recipe.medium is Medium.VIDEO:
                replay_from = replays.get(lane.run.run_id)
                needed.append(lane.position if replay_from is None else min(replay_from, lane.position))
        if not needed or self._pump is None:
            return ()
        newest = self._pump.newest_anchor(min(needed))
        return (newest,) if newest else tuple(a for a in self._anchors if a.frame_index <= min(needed))

    def _remember(self, window: RunWindow) -> None:
        """Where this run would begin again from, should the pass have to."""
        run = self._runs[window.run_id]
        if window.status is not RunStatus.RUNNING:
            del self._runs[window.run_id]
            return
        record = run.record or RunRecord(spec=run.spec, run_id=run.run_id, status=RunStatus.RUNNING)
        record = dataclasses.replace(
            record,
            windows=window.ordinal + 1,
            position=window.position,
            replay_from=window.replay_from,
            state=window.state,
            annotation_count=record.annotation_count + len(window.records),
            quarantined_count=record.quarantined_count + window.quarantined_count,
        )
        self._runs[window.run_id] = dataclasses.replace(run, record=record)

    # -- what to decode

    def _request(self, lanes: list[Lane], stopped: threading.Event) -> DecodeRequest:
        live = [lane for lane in lanes if lane.is_live]
        pictures = [lane for lane in live if lane.recipe.medium is Medium.VIDEO]
        needed = [lane.replay_from for lane in pictures]
        anchors = [a for a in self._anchors if needed and a.frame_index <= min(needed)]
        return DecodeRequest(
            video=tuple(ViewRequest(lane.recipe.sampling, lane.recipe.views) for lane in pictures),
            audio_rate=AUDIO_RATE if any(lane.recipe.medium is Medium.AUDIO for lane in live) else None,
            time_range=self._context.time_range,
            threads=self._threads,
            anchor=max(anchors, key=lambda anchor: anchor.frame_index, default=None),
            cancelled=lambda: self._is_over(stopped),
        )

    def _is_over(self, stopped: threading.Event) -> bool:
        """Asked at every packet."""
        self._options.recorder.moved()
        return self._options.cancel.is_cancelled or stopped.is_set()

    def _pumping(self, stream: MediaStream, request: DecodeRequest, stopped: threading.Event) -> Pump:
        kind = LockstepPump if self._options.lockstep else Pump
        return kind(stream, self._chunk(request), stopped, self._options.recorder)

    _pump: Pump | None = None

    def _chunk(self, request: DecodeRequest) -> int:
        """Frames in a chunk: as many as keep what is in flight small, whatever the resolution."""
        video = self._context.session.media.video
        views = {view for part in request.video for view in part.views}
        size = (video.width, video.height) if video else (1, 1)
        self._frame_bytes = max(1, sum(_view_bytes(view, size) for view in views))
        return max(1, min(_MAX_CHUNK, _CHUNK_BYTES // self._frame_bytes))

    _frame_bytes = 1

    def _tell(self, lanes: list[Lane]) -> None:
        media = self._context.session.media
        for lane in lanes:
            consumed = float(lane.media_end.fraction - self._context.origin) if lane.media_end else 0.0
            self._options.on_progress(
                ProgressEvent(
                    self._context.video_id,
                    lane.recipe.name,
                    consumed,
                    media.duration_s,
                    lane.rows,
                    lane.status.value,
                    lane.reason,
                    lane.processing_s,
                )
            )


def _is_frame(item: Input) -> bool:
    return hasattr(item, "is_keyframe")


def _view_bytes(view: ViewSpec, size: tuple[int, int]) -> int:
    width, height = view.fit(*size)
    return int(width * height * {"gray": 1.0, "i420": 1.5}.get(view.pixel_format, 3.0))
