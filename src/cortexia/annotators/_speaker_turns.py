"""From pieces with a speaker each to turns: whoever speaks on without a long pause, speaks once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from cortexia.annotators._short_turns import long_enough, with_others
from cortexia.annotators._turn import Turn, seconds_of
from cortexia.annotators._voice_pieces import VoicePieces
from cortexia.types import Annotation, TimeSpan


def turns_of_speech(
    intervals: Sequence[Annotation], pieces: VoicePieces, speakers: Sequence[int], shares: Sequence[float]
) -> Iterator[Turn]:
    """All of each interval of speech is somebody's: a piece goes on until the next, and the first one begins with the
    interval. An interval of which no voice is known is the speaker's whose piece is nearest, with half the confidence.
    """
    at = 0
    for number, speech in enumerate(intervals, 1):
        sure = 1.0 if speech.confidence is None else speech.confidence
        own: list[int] = []
        while at < len(pieces) and pieces.interval[at] <= number:
            own.append(at)
            at += 1
        if not own and len(pieces):
            near = _nearest(pieces, at, speech)
            yield Turn(speech.span.start, speech.span.end, speakers[near], False, sure / 2, seconds_of(speech.span))
        edges = [speech.span.start, *(pieces.spans[piece].start for piece in own[1:]), speech.span.end]
        for place, piece in enumerate(own):
            span = TimeSpan(edges[place], edges[place + 1])
            yield Turn(span.start, span.end, speakers[piece], False, sure * shares[piece], seconds_of(span))


def turns_of_locals(pieces: VoicePieces, speakers: Sequence[int], shares: Sequence[float]) -> Iterator[Turn]:
    for at, span in enumerate(pieces.spans):
        sure = pieces.confidence[at] * shares[at]
        yield Turn(span.start, span.end, speakers[at], pieces.is_overlap[at], sure, seconds_of(span))


def merged(turns: Iterable[Turn], pause_s: float, shortest_s: float) -> list[Turn]:
    """In order of their start. Turns of one speaker become one where at most ``pause_s`` lie between them, in which
    nobody else begins. What is shorter than ``shortest_s`` then goes to whom it touches, else it goes
    (``long_enough``). Nobody overlaps with themselves."""
    joined = _joined(with_others(turns), pause_s)
    return _joined(with_others(long_enough(joined, shortest_s)), pause_s)


def _joined(turns: Iterable[Turn], pause_s: float) -> list[Turn]:
    made: list[Turn] = []
    newest: dict[tuple[int, bool], int] = {}
    last_begun: int | None = None
    for turn in turns:
        kind = (turn.speaker, turn.is_overlap)
        at = newest.get(kind)
        gap = turn.start.seconds - made[at].end.seconds if at is not None else None
        is_next = at == last_begun or turn.is_overlap
        if at is not None and gap is not None and ((is_next and gap <= _pause(turn, pause_s)) or gap <= 0):
            made[at] = _grown(made[at], turn)
        else:
            made.append(turn)
            newest[kind] = at = len(made) - 1
        last_begun = at
    return made


def _pause(turn: Turn, pause_s: float) -> float:
    """Who speaks over somebody does so all the while: nothing is bridged."""
    return 0.0 if turn.is_overlap else pause_s


def _grown(turn: Turn, more: Turn) -> Turn:
    weight = turn.weight + more.weight
    confidence = (turn.confidence * turn.weight + more.confidence * more.weight) / max(weight, 1e-9)
    return replace(turn, end=max(turn.end, more.end), confidence=confidence, weight=weight)


def _nearest(pieces: VoicePieces, at: int, speech: Annotation) -> int:
    beside = [place for place in (at - 1, at) if 0 <= place < len(pieces)]
    return min(beside, key=lambda place: _distance(pieces.spans[place], speech.span))


def _distance(one: TimeSpan, other: TimeSpan) -> float:
    return max(one.start.seconds - other.end.seconds, other.start.seconds - one.end.seconds)
