"""What was heard as pieces of text in order of time: words, with who says them, where there are any, else the texts of
utterances; and sounds."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from cortexia.cues.said import Said, parts
from cortexia.cues.text import cleaned
from cortexia.types import MICROSECONDS, Annotation, SoundEvent, SpokenWord, StoredRow, Utterance, Word

TYPES = ("spoken_word", "word", "utterance")
UNTOLD = frozenset(("sound", "speech", "silence"))
"""Sounds that are no news to a reader."""
_NEAR_US = 1_000_000
_HELD_US = 60_000_000
_REMEMBERED = 1000


def words_once(rows: Iterable[StoredRow]) -> Iterator[StoredRow]:
    """The rows without words that are there with their speaker, too: those come first among rows of one start."""
    start: int | None = None
    spoken: dict[tuple[int, int, str], int] = {}
    for row in rows:
        if row.start_us != start:
            start, spoken = row.start_us, {}
        said = row.annotation
        if isinstance(said, SpokenWord | Word):
            key = (row.end_us, said.utterance, said.text)
            if isinstance(said, SpokenWord):
                spoken[key] = spoken.get(key, 0) + 1
            elif spoken.get(key):
                spoken[key] -= 1
                continue
        yield row


def milliseconds(row: StoredRow) -> tuple[int, int]:
    """Start and end of a row, rounded half up; the end is later."""
    start = (row.start_us + 500) // 1000
    return start, max((row.end_us + 500) // 1000, start + 1)


def seconds(micros: int) -> str:
    """Microseconds as a decimal number of seconds, exactly."""
    whole, rest = divmod(micros, MICROSECONDS)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")


class Hearing:
    """The rows of one video, in order of time, as pieces in order of time.

    An utterance waits for its words until a second after its end, a minute at most; where none come, its own text is
    told, each word for its share of the time by its width. ``count``: how many rows were told. ``languages``: for how
    many microseconds each is in the text.
    """

    def __init__(self) -> None:
        self.count = 0
        self.languages: Counter[str] = Counter()
        self._waiting: list[tuple[int, int, Said]] = []
        self._utterances: deque[tuple[StoredRow, Utterance]] = deque()
        self._worded: dict[int, int] = {}
        self._met = 0

    @property
    def language(self) -> str | None:
        """That of most of the text; of equals, the first in the alphabet."""
        return min(self.languages, key=lambda code: (-self.languages[code], code), default=None)

    def said(self, rows: Iterable[StoredRow]) -> Iterator[Said]:
        for row in words_once(rows):
            self._settle(row.start_us)
            self._take(row, row.annotation)
            yield from self._due()
        self._settle(None)
        yield from self._due()

    def _take(self, row: StoredRow, told: Annotation) -> None:
        if isinstance(told, Utterance):
            self._utterances.append((row, told))
            language = "en" if told.translated else told.language
            if language:
                self.languages[language] += row.end_us - row.start_us
        elif isinstance(told, SpokenWord | Word):
            self._worded[told.utterance] = row.start_us
            speaker = told.label if isinstance(told, SpokenWord) else None
            self._tell(Said(*milliseconds(row), cleaned(told.text), speaker, told.utterance))
        elif isinstance(told, SoundEvent) and (told.label or "").casefold() not in UNTOLD:
            self._tell(Said(*milliseconds(row), cleaned(told.label or ""), is_sound=True))

    def _tell(self, *said: Said) -> None:
        told = [part for part in said if part.text]
        for part in told:
            self._met += 1
            heapq.heappush(self._waiting, (part.start_ms, self._met, part))
        self.count += bool(told)

    def _settle(self, now_us: int | None) -> None:
        """Tell the utterances whose words would have come by now, where none did."""
        while self._utterances and (now_us is None or _settled_us(self._utterances[0][0]) < now_us):
            row, told = self._utterances.popleft()
            if not self._has_words(row, told.number):
                self._tell(*parts(*milliseconds(row), told.text, utterance=told.number))
        if now_us is not None and len(self._worded) > _REMEMBERED:
            self._worded = {number: at for number, at in self._worded.items() if at > now_us - 2 * _HELD_US}

    def _has_words(self, row: StoredRow, number: int) -> bool:
        at = self._worded.get(number)
        return at is not None and row.start_us - _NEAR_US <= at <= row.end_us + _NEAR_US

    def _due(self) -> Iterator[Said]:
        """What nothing can come before any more."""
        earliest = milliseconds(self._utterances[0][0])[0] if self._utterances else None
        while self._waiting and (earliest is None or self._waiting[0][0] <= earliest):
            yield heapq.heappop(self._waiting)[2]


def _settled_us(row: StoredRow) -> int:
    return min(row.end_us, row.start_us + _HELD_US) + _NEAR_US
