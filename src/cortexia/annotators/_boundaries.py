"""The running search for shot boundaries: looks in, boundaries out, the same however the looks were handed over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cortexia.annotators._looks import Look, likeness
from cortexia.annotators._transitions import (
    AHEAD_S,
    BEHIND_S,
    FLASH_S,
    SAME_LIKENESS,
    Finding,
    Stretch,
    find_cut,
    find_dip,
    find_dissolve,
    is_abrupt,
    is_blank,
    shows_texture,
)
from cortexia.types import Timestamp, Transition

_SPARE_LOOKS = 64
_TEXTURE_S = 1.0
_BRIGHT_LEVEL = 128.0


@dataclass(frozen=True, slots=True)
class Edge:
    """Where something begins: the shot that follows a boundary, or a run of blank pictures."""

    index: int
    start: Timestamp
    kind: Transition
    certainty: float

    def as_json(self) -> list[Any]:
        base = self.start.time_base
        return [self.index, self.start.pts, base.numerator, base.denominator, self.kind.value, self.certainty]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Edge:
        index, pts, numerator, denominator, kind, certainty = data
        return cls(index, Timestamp(pts, Fraction(numerator, denominator)), Transition(kind), certainty)


class BoundaryFinder:
    """Judges each look once 1.3 s beyond it are known, and keeps about three seconds of them.

    A boundary is confirmed when the shot that it begins has lasted ``min_shot_s``; until then a surer one takes its
    place. A run of blank pictures (black or white) counts as one boundary: at the cut where one side of the run is
    a cut, at both where both are, else at its end, where the next shot fades in.
    """

    def __init__(self, sensitivity: float, min_shot_s: float, gradual: bool) -> None:
        self._sensitivity = sensitivity
        self._min_shot_s = min_shot_s
        self._gradual = gradual
        self._looks: list[Look] = []
        self._times: list[float] = []
        self._next: int | None = None
        self._begun: Edge | None = None
        self._pending: Edge | None = None
        self._blank: Edge | None = None

    # -- the looks

    def add(self, look: Look) -> list[Edge]:
        """Takes the next look; returns the boundaries confirmed by it."""
        self.remember(look)
        if self._next is None or self._begun is None:
            self._next, self._begun = look.index, Edge(look.index, look.start, Transition.START, 1.0)
        confirmed: list[Edge] = []
        while self._is_ready():
            confirmed += self._judge()
        self._forget()
        return confirmed

    def finish(self) -> list[Edge]:
        """There is no more: judges what is left with what there is."""
        confirmed: list[Edge] = []
        while self._looks and self._head < len(self._looks):
            confirmed += self._judge()
        if self._pending is not None and self._lasts(self._pending, self._looks[-1].end.seconds):
            confirmed.append(self._pending)
        return confirmed

    def remember(self, look: Look) -> None:
        self._looks.append(look)
        self._times.append(look.time_s)

    @property
    def _head(self) -> int:
        """Position of the next look to judge."""
        return self._place(self._next or 0)

    def _place(self, index: int) -> int:
        """Position of the first look from frame ``index`` on: frames that could not be decoded leave gaps."""
        return bisect_left(self._looks, index, key=lambda look: look.index)

    def _is_ready(self) -> bool:
        head = self._head
        return len(self._looks) > head + 2 and self._times[-1] >= self._times[head] + AHEAD_S

    def _first_needed(self) -> int:
        """Position of the first look that the next judgement may touch, less the one its change is measured from."""
        head = min(self._head, len(self._looks) - 1)
        return max(0, min(head - 4, Stretch(self._looks, self._times).position(self._times[head] - BEHIND_S) - 1))

    def _forget(self) -> None:
        useless = self._first_needed()
        if useless > _SPARE_LOOKS:
            del self._looks[:useless], self._times[:useless]

    @property
    def replay_from(self) -> int | None:
        return self._looks[self._first_needed()].index if self._looks else None

    # -- judgement

    def _judge(self) -> list[Edge]:
        stretch, at = Stretch(self._looks, self._times), self._head
        self._next = self._looks[at].index + 1
        confirmed = self._confirm(self._times[at])
        for edge in self._findings(stretch, at):
            confirmed += self._confirm(edge.start.seconds)
            self._propose(edge)
        return confirmed

    def _findings(self, stretch: Stretch, at: int) -> list[Edge]:
        look = stretch.looks[at]
        if is_blank(look):
            if self._blank is None:
                self._blank = self._blank_entry(stretch, at)
            return []
        if self._blank is not None:
            entry, self._blank = self._blank, None
            return self._leave_blank(stretch, at, entry)
        found = find_cut(stretch, at, self._sensitivity)
        if found is None and self._gradual:
            found = find_dip(stretch, at) or find_dissolve(stretch, at, self._sensitivity)
        return [] if found is None or self._is_known(found, stretch.times[at]) else [_edge(look, found)]

    def _is_known(self, found: Finding, now: float) -> bool:
        """Whether a gradual transition just confirmed shows again."""
        begun = self._begun
        if found.kind is not Transition.DISSOLVE or begun is None or begun.kind in (Transition.START, Transition.CUT):
            return False
        return now - begun.start.seconds < found.reach_s

    def _blank_entry(self, stretch: Stretch, at: int) -> Edge:
        """``START`` as its kind says that nothing worth a boundary came before."""
        look, now = stretch.looks[at], stretch.times[at]
        kind = Transition.CUT if is_abrupt(stretch, at) else Transition.FADE
        hides_nothing = look.level > _BRIGHT_LEVEL and not shows_texture(stretch, now - _TEXTURE_S, now)
        if at == 0 or hides_nothing:
            kind = Transition.START
        return Edge(look.index, look.start, kind, 1.0)

    def _leave_blank(self, stretch: Stretch, at: int, entry: Edge) -> list[Edge]:
        look, now = stretch.looks[at], stretch.times[at]
        if entry.kind is Transition.START or self._is_blink(stretch, at, entry):
            return []
        was_bright = at > 0 and stretch.looks[at - 1].level > _BRIGHT_LEVEL
        if was_bright and not shows_texture(stretch, now, now + _TEXTURE_S):
            return []
        cut_out = is_abrupt(stretch, at)
        into = Edge(entry.index, entry.start, Transition.CUT if cut_out else Transition.FADE, 1.0)
        out_of = Edge(look.index, look.start, Transition.CUT if entry.kind is Transition.CUT else Transition.FADE, 1.0)
        if entry.kind is not Transition.CUT:
            return [out_of]
        return [into, out_of] if cut_out and self._lasts(into, now) else [into]

    def _is_blink(self, stretch: Stretch, at: int, entry: Edge) -> bool:
        """A blank of a moment, after which the same picture comes back, if it takes a little longer."""
        before, now = self._place(entry.index) - 1, stretch.times[at]
        if before < 0 or now - entry.start.seconds > FLASH_S:
            return False
        soon = {at, stretch.position(now + FLASH_S), stretch.position(now + 2 * FLASH_S)}
        return any(likeness(stretch.looks[before], stretch.looks[place]) > SAME_LIKENESS for place in sorted(soon))

    def _propose(self, edge: Edge) -> None:
        """Holds the boundary until the shot after it has lasted long enough."""
        if self._begun is None or not self._lasts(self._begun, edge.start.seconds):
            return
        if self._pending is None or self._pending.certainty < edge.certainty:
            self._pending = edge

    def _confirm(self, now: float) -> list[Edge]:
        if self._pending is None or not self._lasts(self._pending, now):
            return []
        confirmed, self._begun, self._pending = [self._pending], self._pending, None
        return confirmed

    def _lasts(self, edge: Edge, until_s: float) -> bool:
        return until_s - edge.start.seconds >= self._min_shot_s

    # -- state

    def state(self) -> Mapping[str, Any]:
        edges = {"begun": self._begun, "pending": self._pending, "blank": self._blank}
        return {"next": self._next} | {name: edge and edge.as_json() for name, edge in edges.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._next = state["next"]
        self._begun, self._pending, self._blank = (
            state[name] and Edge.from_json(state[name]) for name in ("begun", "pending", "blank")
        )


def _edge(look: Look, found: Finding) -> Edge:
    return Edge(look.index, look.start, found.kind, found.certainty)
