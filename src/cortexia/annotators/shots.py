"""Shots: where the camera takes begin and end.

Cuts, dissolves and fades, from a small view of every frame. The shots tile the video: the first begins with the first
frame, each next where the one before ended, the last ends with the last frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from cortexia.annotators._boundaries import BoundaryFinder, Edge
from cortexia.annotators._looks import LOOK_VIEW, Look, look_at
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.types import Annotation, AudioBlock, Frame, Progress, Shot, TimeSpan, Transition, ViewSpec


@dataclass(frozen=True)
class Shots(StreamAnnotator):
    """Finds the shots of a video.

    ``sensitivity``: 1 is the measured default; more finds fainter boundaries, and more that are none.
    ``min_shot_s``: no shot is shorter (seconds). ``gradual``: look for dissolves, too; fades are always found.
    """

    name: ClassVar[str] = "shots"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("shot",)
    cost: ClassVar[float] = 0.0004

    sensitivity: float = 1.0
    min_shot_s: float = 0.3
    gradual: bool = True

    def __post_init__(self) -> None:
        ranges = {"sensitivity": (0.1, 10), "min_shot_s": (0, 60)}
        for option, (low, high) in ranges.items():
            if not low <= getattr(self, option) <= high:
                raise ConfigurationError(
                    f"option {option!r} of annotator 'shots' must lie in {low} .. {high}, got {getattr(self, option)}"
                )

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (LOOK_VIEW,)

    def session(self, context: SessionContext) -> ShotsSession:
        return ShotsSession(self)


class ShotsSession(StreamSession):
    """Feeds looks to a ``BoundaryFinder`` and turns the boundaries into shots.

    State: the beginning of the open shot, and the finder's. Its looks come back through ``replay``.
    """

    def __init__(self, recipe: Shots) -> None:
        self._finder = BoundaryFinder(recipe.sensitivity, recipe.min_shot_s, recipe.gradual)
        self._open: Edge | None = None
        self._last: Look | None = None

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [self._take(frame) for frame in cast(Sequence[Frame], inputs)]

    def _take(self, frame: Frame) -> list[Annotation]:
        look = self._last = look_at(frame, self._last)
        if self._open is None:
            self._open = Edge(look.index, look.start, Transition.START, 1.0)
        return self._close_shots(self._finder.add(look))

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        shots = self._close_shots(self._finder.finish())
        if self._open is not None and self._last is not None:
            end = Edge(self._last.index + 1, self._last.end, Transition.END, 1.0)
            shots += self._close_shots([end])
        return shots

    def _close_shots(self, edges: Sequence[Edge]) -> list[Annotation]:
        shots: list[Annotation] = []
        for edge in edges:
            begin = cast(Edge, self._open)
            shots.append(_shot(begin, edge))
            self._open = edge
        return shots

    def state(self) -> Mapping[str, Any]:
        return {"open": self._open and self._open.as_json(), "finder": self._finder.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._open = state["open"] and Edge.from_json(state["open"])
        self._finder.restore(state["finder"])

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for frame in cast(Sequence[Frame], inputs):
            self._last = look_at(frame, self._last)
            self._finder.remember(self._last)

    def progress(self) -> Progress:
        if self._open is None:
            return Progress(final_until=None)
        return Progress(final_until=self._open.start, replay_from=self._finder.replay_from)


def _shot(begin: Edge, end: Edge) -> Shot:
    return Shot(
        span=TimeSpan(begin.start, end.start),
        frame_index=begin.index,
        first_frame=begin.index,
        last_frame=end.index - 1,
        transition_in=begin.kind,
        transition_out=end.kind,
        confidence=round(min(begin.certainty, end.certainty), 4),
    )
