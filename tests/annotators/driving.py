"""Runs stream sessions as the engine does: inputs in batches, emissions passed on by input, stops and restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator, StreamSession
from cortexia.types import Annotation, Timestamp

END = 1 << 62
Said = list[tuple[int, Annotation]]
"""Annotations with the index of the input at which they were made; ``END`` for those of ``finish``."""


@dataclass
class Stop:
    """What a commit after ``count`` inputs would keep."""

    count: int
    said: int
    state: str
    replay_from: int | None
    final_until: Timestamp | None


@dataclass
class Drive:
    """One recipe over some inputs. ``upstream``: what those it requires said."""

    recipe: StreamAnnotator
    context: SessionContext
    inputs: Sequence[Any]
    upstream: Said = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.recipe.medium is Medium.VIDEO:
            wants = self.recipe.sampling.wants
            self.inputs = [
                item
                for item in self.inputs
                if wants(item.index, item.timestamp.fraction, item.end.fraction, item.is_keyframe)
            ]

    def heard(self, after: int, until: int) -> list[Annotation]:
        return [made for at, made in self.upstream if after < at <= until]

    def run(self, batch: int = 1, keep_stops: bool = False) -> Said:
        session = self.recipe.session(self.context)
        said: Said = []
        for start in range(0, len(self.inputs), batch):
            part = self.inputs[start : start + batch]
            self._process(session, part, start, said)
            if keep_stops:
                self.stops.append(self._stop(session, start + len(part), said))
        self._finish(session, said)
        session.close()
        return said

    def resume(self, stop: Stop, before: Said, forgets: bool = False) -> Said:
        """Restarts where ``stop`` was taken; ``before``: what an undisturbed run said."""
        session = self.recipe.session(self.context)
        if not forgets:
            session.restore(json.loads(stop.state))
            if stop.replay_from is not None:
                session.replay(self._replayed(stop))
        said = before[: stop.said]
        self._process(session, self.inputs[stop.count :], stop.count, said)
        self._finish(session, said)
        return said

    def _replayed(self, stop: Stop) -> list[Any]:
        done = self.inputs[: stop.count]
        if self.recipe.medium is Medium.VIDEO:
            return [item for item in done if item.index >= stop.replay_from]
        return [part for item in done if (part := _from_sample(item, stop.replay_from)) is not None]

    def _process(self, session: StreamSession, part: Sequence[Any], start: int, said: Said) -> None:
        heard = []
        for place in range(start, start + len(part)):
            after = self.inputs[place - 1].index if place else -1
            heard.append(self.heard(after, self.inputs[place].index))
        for item, emission in zip(part, session.process(part, heard), strict=True):
            said += [(item.index, made) for made in emission]

    def _finish(self, session: StreamSession, said: Said) -> None:
        after = self.inputs[-1].index if self.inputs else -1
        said += [(END, made) for made in session.finish(self.heard(after, END))]

    def _stop(self, session: StreamSession, count: int, said: Said) -> Stop:
        progress = session.progress()
        state = json.dumps(session.state(), allow_nan=False)
        return Stop(count, len(said), state, progress.replay_from, progress.final_until)


def _from_sample(block: Any, first: int) -> Any:
    cut = max(0, first - block.index)
    if cut >= len(block.samples):
        return None
    later = Timestamp(block.timestamp.pts + cut, Fraction(1, block.rate))
    return type(block)(block.index + cut, later, block.samples[cut:], block.rate)


def annotations(said: Iterable[tuple[int, Annotation]]) -> list[Annotation]:
    return [made for _, made in said]
