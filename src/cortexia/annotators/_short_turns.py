"""Turns that are too short, and overlap of somebody with nobody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heappush

from cortexia.annotators._turn import Turn
from cortexia.types import Timestamp

_DIGITS = 6
"""Lengths are compared after so many decimals."""


def long_enough(turns: Sequence[Turn], shortest_s: float) -> list[Turn]:
    """Without what is shorter than ``shortest_s``, together with all that its speaker says without a break.

    What is too short goes to the speaker of a turn that it touches, which is long enough or took something itself: the
    shortest first, to one of its own speaker before all others, then to one during which nobody else speaks, then to
    the longest. What is said over somebody, or touches nothing of the kind, goes.
    """
    made = list(turns)
    is_long = _is_long(made, shortest_s)
    touching = _Touching(made)
    waiting = [
        (round(made[at].seconds, _DIGITS), at)
        for at in range(len(made))
        if not is_long[at] and any(is_long[other] for other in touching.of(at))
    ]
    heapify(waiting)
    while waiting:
        _, at = heappop(waiting)
        if is_long[at] or made[at].is_overlap:
            continue
        takes = min((other for other in touching.of(at) if is_long[other]), key=partial(_rank, made, at))
        made[at] = replace(made[at], speaker=made[takes].speaker)
        is_long[at] = True
        for other in touching.of(at):
            heappush(waiting, (round(made[other].seconds, _DIGITS), other))
    return [turn for turn, stays in zip(made, is_long, strict=True) if stays]


def _rank(turns: Sequence[Turn], at: int, other: int) -> tuple[bool, bool, float, int]:
    """Of the turns that could take ``at``, the least has it: the speaker's own before all others."""
    is_own = turns[other].speaker == turns[at].speaker
    return not is_own, turns[other].is_overlap, -turns[other].seconds, other


def _is_long(turns: Sequence[Turn], shortest_s: float) -> list[bool]:
    """Of each turn, whether what its speaker says without a break lasts for ``shortest_s``."""
    made = [False] * len(turns)
    own: dict[int, list[int]] = defaultdict(list)
    for at in sorted(range(len(turns)), key=lambda at: turns[at].start):
        own[turns[at].speaker].append(at)
    for run in (run for ats in own.values() for run in _runs(turns, ats)):
        seconds = max(turns[at].end.seconds for at in run) - turns[run[0]].start.seconds
        for at in run:
            made[at] = seconds >= shortest_s
    return made


def _runs(turns: Sequence[Turn], ats: Sequence[int]) -> Iterator[list[int]]:
    """Turns that follow each other without a break. ``ats``: in order of their start."""
    run: list[int] = []
    until = turns[ats[0]].start
    for at in ats:
        if run and turns[at].start > until:
            yield run
            run = []
        run.append(at)
        until = max(until, turns[at].end)
    yield run


class _Touching:
    """Which turns end where another begins, or begin where it ends."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._begun: dict[Timestamp, list[int]] = defaultdict(list)
        self._ended: dict[Timestamp, list[int]] = defaultdict(list)
        for at, turn in enumerate(turns):
            self._begun[turn.start].append(at)
            self._ended[turn.end].append(at)

    def of(self, at: int) -> list[int]:
        turn = self._turns[at]
        return [*self._ended.get(turn.start, ()), *self._begun.get(turn.end, ())]


def with_others(turns: Iterable[Turn]) -> list[Turn]:
    """In order of their start, ``is_overlap`` only where somebody else speaks: a turn that holds both is parted."""
    ordered = sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker))
    made: list[Turn] = []
    before: list[Turn] = []
    for at, turn in enumerate(ordered):
        before = [one for one in before if one.end > turn.start]
        made += _parts(turn, [*before, *_beginning_in(turn, ordered, at)]) if turn.is_overlap else [turn]
        before.append(turn)
    return sorted(made, key=lambda turn: (turn.start, turn.end, turn.speaker))


def _beginning_in(turn: Turn, ordered: Sequence[Turn], at: int) -> Iterator[Turn]:
    for other in range(at + 1, len(ordered)):
        if ordered[other].start >= turn.end:
            return
        yield ordered[other]


def _parts(turn: Turn, beside: Sequence[Turn]) -> Iterator[Turn]:
    """``turn`` with and without others; ``beside``: what may overlap with it, in order of the start."""
    reached = turn.start
    for other in beside:
        if other.speaker == turn.speaker or other.end <= reached:
            continue
        if other.start > reached:
            yield _part(turn, reached, other.start, is_overlap=False)
        begin, reached = max(reached, other.start), min(turn.end, other.end)
        yield _part(turn, begin, reached, is_overlap=True)
    if reached < turn.end:
        yield _part(turn, reached, turn.end, is_overlap=False)


def _part(turn: Turn, start: Timestamp, end: Timestamp, is_overlap: bool) -> Turn:
    part = replace(turn, start=start, end=end, is_overlap=is_overlap)
    return replace(part, weight=turn.weight * part.seconds / max(turn.seconds, 1e-9))
