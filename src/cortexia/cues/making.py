"""Cues of subtitles from what was said: where one ends and the next begins, and how long each is shown.

Lengths and times are those of the field's style guides (Netflix, "Timed Text Style Guide: General Requirements" and
"English Timed Text Style Guide"; BBC, "Subtitle Guidelines"): 42 characters, two lines, seven seconds, a gap of two
frames.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, islice, takewhile

from cortexia.cues.layout import Layout
from cortexia.cues.said import Said, divided
from cortexia.cues.text import SENTENCE, cleaned, ends, line_counts, lines_of, width

_PAUSE_MS = 1000
"""Of silence, after which a cue ends whatever is in it."""
_SHORT_PAUSE_MS = 300
_SAME_SOUND_MS = 1000
_SCANTY = 1 / 4
"""Of the room in a cue: less looks lost."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Times in whole milliseconds; ``words`` are those of its text. ``is_new``: somebody else spoke before."""

    start_ms: int
    end_ms: int
    words: tuple[str, ...]
    speaker: str | None = None
    is_sound: bool = False
    is_new: bool = False

    @property
    def lane(self) -> tuple[bool, object]:
        """Cues of one lane do not overlap: those of one speaker, those of one sound."""
        return self.is_sound, self.words if self.is_sound else self.speaker

    @property
    def size(self) -> int:
        """In columns."""
        return width(" ".join(self.words))


def cues(said: Iterable[Said], layout: Layout) -> Iterator[Cue]:
    """Cues in order of their starts. What is held at a time is what may still go into a cue."""
    whole = divided(said, layout.columns) if layout.divides else said
    return _told_apart(_timed(_cut(whole, layout), layout))


def cue_lines(cue: Cue, layout: Layout) -> list[str]:
    """The text, with the name before it where it is shown and somebody else spoke before."""
    return lines_of((*name_words(cue.speaker if layout.names and cue.is_new else None), *cue.words), layout.columns)


def name_words(speaker: str | None) -> tuple[str, ...]:
    """A name as it stands before what is said."""
    name = cleaned(speaker or "")
    return tuple(f"{name}:".split(" ")) if name else ()


class _Lane:
    """What one speaker said, until it is cut into cues: as much as two hold, so that none gets a mere word or two."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._last_start = -1
        self._columns = 0
        self._end_ms = 0
        self.held: list[Said] = []

    def add(self, said: Said) -> Iterator[Cue]:
        self.held.append(said)
        self._columns += _size(said)
        self._end_ms = max(self._end_ms, said.end_ms)
        while self._is_more_than_two():
            yield self._take()

    def rest(self) -> Iterator[Cue]:
        while self.held:
            yield self._take()

    def is_over(self, now_ms: int) -> bool:
        """Whether what comes now comes after a pause."""
        return not self.held or now_ms - self._end_ms >= _PAUSE_MS

    def _is_more_than_two(self) -> bool:
        if len(self.held) < 2:
            return False
        lasts = self.held[-1].end_ms - self.held[0].start_ms
        return lasts > 2 * self._layout.longest or self._columns > 2 * self._layout.room

    def _take(self) -> Cue:
        count = self._best_cut()
        taken, self.held = self.held[:count], self.held[count:]
        self._columns -= sum(map(_size, taken))
        start = max(taken[0].start_ms, self._last_start + 1)
        end = max(max(said.end_ms for said in taken), start + 1)
        self._last_start = start
        words = tuple(said.text for said in taken)
        return Cue(start, min(end, start + self._layout.longest), words, taken[0].speaker)

    def _fitting(self) -> int:
        """How many words make one cue at most; a single one does, however long it is."""
        first, layout = self.held[0], self._layout
        name = name_words(first.speaker if layout.names else None)
        lines = islice(line_counts((*name, *(said.text for said in self.held)), layout.columns), len(name), None)
        ends_ms = accumulate((said.end_ms for said in self.held), max)
        fits = (
            count <= layout.lines and end - first.start_ms <= layout.longest
            for count, end in zip(lines, ends_ms, strict=True)
        )
        return max(1, sum(1 for _ in takewhile(bool, fits)))

    def _best_cut(self) -> int:
        """After how many words: where a sentence, a clause or a pause ends, and rather late than early."""
        most = self._fitting()
        if most == len(self.held):
            return most
        columns = list(accumulate(map(_size, self.held)))
        return max(range(1, most + 1), key=lambda count: self._worth(count, columns[count - 1]))

    def _worth(self, count: int, columns: int) -> tuple[float, int]:
        """Of a cue of so many words, which take so many columns."""
        last, following = self.held[count - 1], self.held[count]
        pause = min(following.start_ms - last.end_ms, _PAUSE_MS) / _SHORT_PAUSE_MS
        end = SENTENCE if following.utterance != last.utterance else ends(last.text)
        filled, left = columns / self._layout.room, (self._columns - columns) / self._layout.room
        scanty = (filled < _SCANTY) + (left < _SCANTY)
        return 1.5 * end + max(pause, 0.0) + 3 * min(filled, 1.0) - 2 * scanty, count


def _size(said: Said) -> int:
    return width(said.text) + 1


class _SoundLane:
    """Events of one sound; those that follow each other closely are one, and what outlasts a cue is several."""

    def __init__(self, layout: Layout) -> None:
        self._longest = layout.longest
        self.held: list[Said] = []

    def add(self, said: Said) -> Iterator[Cue]:
        begun = self.held[0] if self.held else said
        end = max(begun.end_ms, said.end_ms)
        start = begun.start_ms
        while end - start > self._longest:
            yield _sound(begun.text, start, start + self._longest)
            start += self._longest
        self.held = [replace(begun, start_ms=start, end_ms=end)]

    def rest(self) -> Iterator[Cue]:
        for said in self.held:
            yield _sound(said.text, said.start_ms, said.end_ms)
        self.held = []

    def is_over(self, now_ms: int) -> bool:
        return not self.held or now_ms - self.held[0].end_ms >= _SAME_SOUND_MS


def _sound(name: str, start_ms: int, end_ms: int) -> Cue:
    return Cue(start_ms, end_ms, tuple(f"[{name}]".split(" ")), is_sound=True)


class _Ordered:
    """Cues as they come, given out in order of their starts."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Cue]] = []
        self._met = 0

    def add(self, made: Iterable[Cue]) -> None:
        for cue in made:
            self._met += 1
            heapq.heappush(self._waiting, (cue.start_ms, self._met, cue))

    def until(self, now_ms: float) -> Iterator[Cue]:
        """Those that begin by ``now_ms``."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            yield heapq.heappop(self._waiting)[2]


def _cut(said: Iterable[Said], layout: Layout) -> Iterator[Cue]:
    """Cues in order of their starts; each lasts from the first word of it to the end of the last."""
    lanes: dict[tuple[bool, str | None], _Lane | _SoundLane] = {}
    ordered = _Ordered()
    for part in said:
        for key in [key for key, lane in lanes.items() if lane.is_over(part.start_ms)]:
            ordered.add(lanes.pop(key).rest())
        own = (part.is_sound, part.text if part.is_sound else part.speaker)
        lane = lanes.setdefault(own, _SoundLane(layout) if part.is_sound else _Lane(layout))
        ordered.add(lane.add(part))
        begun = (lane.held[0].start_ms for lane in lanes.values() if lane.held)
        # what is left of a long sound may begin later than what is still to come
        yield from ordered.until(min((part.start_ms, *begun)))
    for lane in lanes.values():
        ordered.add(lane.rest())
    yield from ordered.until(float("inf"))


def _timed(made: Iterable[Cue], layout: Layout) -> Iterator[Cue]:
    """Cues, shown for as long as they take to read where nothing comes after them."""
    held: deque[Cue] = deque()
    for cue in made:
        held.append(cue)
        while held[0].start_ms + layout.longest + layout.gap < cue.start_ms:
            yield _shown(held.popleft(), held, layout)
    while held:
        yield _shown(held.popleft(), held, layout)


def _shown(cue: Cue, later: Iterable[Cue], layout: Layout) -> Cue:
    """``cue`` with the end until which it is shown: before the next one by a gap, where it does not get too short for
    that; never into the next one of its lane. What is said and what sounds may be read at once."""
    wanted = max(cue.start_ms + layout.shortest, cue.start_ms + int(1000 * cue.size / layout.pace), cue.end_ms)
    end = min(wanted, cue.start_ms + layout.longest)
    for following in later:
        is_after = following.start_ms >= cue.end_ms and following.is_sound == cue.is_sound
        if is_after or following.lane == cue.lane:
            early = following.start_ms - layout.gap
            room = early if early - cue.start_ms >= layout.shortest else max(following.start_ms, cue.start_ms + 1)
            return replace(cue, end_ms=min(end, room))
    return replace(cue, end_ms=end)


def _told_apart(made: Iterable[Cue]) -> Iterator[Cue]:
    """Cues with a change of speaker marked; sounds change nothing."""
    speaker: str | None = None
    for cue in made:
        is_new = not cue.is_sound and cue.speaker != speaker
        speaker = speaker if cue.is_sound else cue.speaker
        yield replace(cue, is_new=is_new)
