"""The base of sessions that hear sound: the tape, stretches, gaps and restarts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
from driving import Drive, annotations
from footage import AUDIO_RATE, context, sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator
from cortexia.types import Annotation, Measure, Timestamp

CHUNK = 700


# -- the tape


def ramp(first: int, last: int) -> np.ndarray:
    return np.arange(first, last, dtype=np.float32)


@given(st.lists(st.integers(0, 50), max_size=20), st.lists(st.integers(0, 900), max_size=20))
def test_a_tape_keeps_what_was_not_forgotten(sizes, forgotten):
    tape = Tape(AUDIO_RATE, 100, 100, 7)
    at, kept = 100, 100
    for size, position in zip(sizes, forgotten, strict=False):
        tape.add(ramp(at, at + size))
        at += size
        tape.forget_before(position)
        kept = max(kept, min(position, at))
        assert (tape.start, tape.end, tape.begin) == (kept, at, 100)
        assert tape.index == 7 + kept - 100
        assert np.array_equal(tape.between(0, 10_000), ramp(kept, at))
        middle = (kept + at) // 2
        assert np.array_equal(tape.between(middle, middle + 3), ramp(middle, min(at, middle + 3)))


def test_nothing_of_a_tape_that_was_forgotten_stays_in_memory():
    """A view would hold all of it."""
    tape = Tape(AUDIO_RATE, 0, 0, 0)
    tape.add(ramp(0, 100_000))
    tape.forget_before(99_990)
    left = tape.between(0, 100_000)
    assert left.base is None or left.base.nbytes < 100


def test_spans_are_on_the_clock():
    span = Tape(AUDIO_RATE, 0, 0, 0).span(8000, 24_000)
    assert (span.start.seconds, span.end.seconds) == (0.5, 1.5)
    assert span.start.time_base == Fraction(1, AUDIO_RATE)


# -- sessions


@dataclass(frozen=True)
class Chunks(StreamAnnotator):
    """The sum of every whole chunk of a stretch, and of what is left of it; ``hoards`` forgets nothing at a gap."""

    name: ClassVar[str] = "chunks"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    forgetful: bool = True

    def session(self, context: SessionContext) -> ChunkSession:
        return ChunkSession(self.forgetful)


class ChunkSession(SoundSession):
    def __init__(self, forgetful: bool) -> None:
        super().__init__()
        self._forgetful = forgetful
        self._count = 0

    def begin_stretch(self, tape: Tape) -> None:
        self._at = tape.begin
        if self._forgetful:
            self._count = 0

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._at + CHUNK <= tape.end:
            made.append(self._row(tape, self._at + CHUNK))
        return made

    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        return [self._row(tape, tape.end)] if self._at < tape.end else []

    def _row(self, tape: Tape, last: int) -> Measure:
        total = float(tape.between(self._at, last).sum(dtype=np.float64))
        span = tape.span(self._at, last)
        self._at = last
        self._count += 1
        return Measure(span=span, label="sum", values={"sum": total, "count": self._count})

    def needs(self, tape: Tape) -> int:
        return self._at

    def final_until(self, tape: Tape) -> int:
        return self._at

    def memory(self) -> dict[str, Any]:
        return {"at": self._at, "count": self._count}

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._at, self._count = memory["at"], memory["count"]


def numbers(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(-9, 9, count).astype(np.float32)


def with_gaps(sizes: Sequence[int], places: Sequence[int], gap: int) -> list[Any]:
    """Blocks; before each whose number is in ``places`` the clock jumps by ``gap`` samples."""
    blocks, jumped = [], 0
    for number, block in enumerate(sound_of(numbers(sum(sizes)), sizes, start=50)):
        jumped += gap * (number in places)
        later = Timestamp(block.timestamp.pts + jumped, block.timestamp.time_base)
        blocks.append(dataclasses.replace(block, timestamp=later))
    return blocks


def said(blocks: Sequence[Any], **options: Any) -> list[Measure]:
    return annotations(Drive(Chunks(**options), context(), blocks).run())


def test_rows_follow_each_other_without_a_gap():
    rows = said(with_gaps([1000, 333, 2000], (), 0))
    assert [row.span.start.pts for row in rows] == [50, 750, 1450, 2150, 2850]
    assert rows[-1].span.end.pts == 50 + 3333
    assert [row.values["count"] for row in rows] == [1, 2, 3, 4, 5]
    assert sum(row.values["sum"] for row in rows) == numbers(3333).sum()


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=12))
def test_blocks_change_nothing(sizes):
    whole = said(with_gaps([sum(sizes)], (), 0))
    assert said(with_gaps(sizes, (), 0)) == whole


@pytest.mark.parametrize("gap", [1, -1, 5000])
def test_a_jump_of_the_clock_ends_a_stretch_and_begins_another(gap):
    rows = said(with_gaps([1000, 1000], (1,), gap))
    assert [row.span.start.pts for row in rows] == [50, 750, 1050 + gap, 1750 + gap]
    assert [row.values["count"] for row in rows] == [1, 2, 1, 2]


def test_what_does_not_forget_at_a_gap_would_be_noticed():
    """Negative control."""
    rows = said(with_gaps([1000, 1000], (1,), 5000), forgetful=False)
    assert [row.values["count"] for row in rows] == [1, 2, 3, 4]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 1500), min_size=2, max_size=10), st.data())
def test_a_restart_anywhere_changes_nothing(sizes, data):
    places = data.draw(st.lists(st.integers(1, len(sizes) - 1), max_size=3))
    drive = Drive(Chunks(), context(), with_gaps(sizes, places, 4321))
    undisturbed = drive.run(keep_stops=True)
    for stop in drive.stops:
        assert drive.resume(stop, undisturbed) == undisturbed


def test_a_restart_that_forgets_differs():
    """Negative control of the test above."""
    drive = Drive(Chunks(), context(), with_gaps([1000, 1000], (), 0))
    undisturbed = drive.run(keep_stops=True)
    assert drive.resume(drive.stops[0], undisturbed, forgets=True) != undisturbed


def test_before_any_sound_nothing_is_kept_and_nothing_is_final():
    session = Chunks().session(context())
    assert session.state() == {}
    assert session.progress().final_until is None
    session.restore({})
    assert session.finish([]) == []


def test_an_unread_state_begins_where_it_was():
    first = Chunks().session(context())
    first.process(with_gaps([1000], (), 0), [[]])
    later = Chunks().session(context())
    later.restore(first.state())
    assert later.state() == first.state()
    assert later.progress() == first.progress()
    assert later.progress().replay_from == CHUNK
