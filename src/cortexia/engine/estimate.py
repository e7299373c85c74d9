"""How long a plan will take: its first seconds are really run, with nothing stored, and the rest is extrapolated."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cortexia.annotators.base import SessionContext, StoredPicture
from cortexia.decoders.base import Decoder
from cortexia.engine.control import CancelToken, EngineOptions, ProgressEvent, WindowPolicy
from cortexia.engine.stream_pass import PassContext, StreamPass
from cortexia.plan import Plan
from cortexia.types import Annotation, TimeRange, digest_of

_BUDGET_S = 1.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """``rate``: seconds of media per second of wall time; ``wall_s`` is ``None`` where the duration is unknown."""

    probed_s: float
    rate: float
    duration_s: float | None
    wall_s: float | None


def estimate(
    plan: Plan, session: SessionContext, path: Path, decoder: Decoder, threads: int, time_range: TimeRange
) -> Estimate | None:
    """Run the first open stage for at most about a second and a half. ``None`` where nothing came out.

    ``session``: what sessions will be given; the files that they put are not kept.
    """
    stage = next((stage for stage in plan.stages if stage.needs_decode), None)
    if stage is None:
        return None
    cancel = CancelToken()
    started = time.monotonic()
    reached = 0.0

    def watch(event: ProgressEvent) -> None:
        nonlocal reached
        reached = max(reached, event.media_s)
        if time.monotonic() - started > _BUDGET_S:
            cancel.cancel()

    options = EngineOptions(policy=WindowPolicy(1e9, 1e9, 1 << 60), threads=threads, cancel=cancel, on_progress=watch)
    context = PassContext(
        video_id=plan.video_id,
        path=path,
        session=dataclasses.replace(session, put_blob=lambda data, suffix: digest_of([len(data), suffix])),
        decoder=decoder,
        reader=_NothingStored(),
        options=options,
        time_range=time_range,
    )
    for _ in StreamPass(context, [run for run in stage.streams if run.is_open]).windows():
        pass
    wall = time.monotonic() - started
    covered = reached - float(time_range.start)
    if covered <= 0:
        return None
    return _extrapolate(covered, wall, session.media.duration_s, time_range, plan.passes)


def _extrapolate(covered: float, wall: float, duration_s: float | None, time_range: TimeRange, passes: int) -> Estimate:
    rate = covered / wall
    if duration_s is None:
        return Estimate(covered, rate, None, None)
    end = min(duration_s, float(time_range.end) if time_range.end is not None else duration_s)
    wanted = max(0.0, end - float(time_range.start))
    return Estimate(covered, rate, duration_s, wanted / rate * passes)


class _NothingStored:
    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[tuple[int, Annotation]]:
        return iter(())

    def annotations(self, run_ids: tuple[str, ...], types: tuple[str, ...]) -> Iterable[Annotation]:
        return ()

    def pictures(self, run_ids: tuple[str, ...], skip: int) -> Iterator[StoredPicture]:
        return iter(())
