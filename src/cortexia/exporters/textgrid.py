"""TextGrid, in Praat's long text form: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

from cortexia.exporters.base import ExportFolder, ExportSource
from cortexia.exporters.heard import seconds, words_once
from cortexia.exporters.sequences import SequenceNames
from cortexia.exporters.sorted_spool import SortedSpool
from cortexia.types import MICROSECONDS, SpeakerTurn, SpokenWord, StoredRow, Utterance, Word

_TIERS = ("speech", "utterances", "words", "speakers", "sounds")
"""In this order; each speaker has one of his own."""
_PLACES = {"speech": 0, "utterance": 1, "word": 2, "spoken_word": 2, "speaker_turn": 3, "sound_event": 4}


class TextGridExporter:
    """A file for each video in which something was heard, with tiers of intervals: ``speech``, ``utterances``,
    ``words``, one for each speaker in order of appearance, ``sounds``; only those that have rows.

    Times are seconds, to the microsecond; an instant lasts one. What overlaps in time is in a further tier,
    ``words (2)``: intervals of a tier cannot. What lies between is an interval without text.
    """

    name: ClassVar[str] = "textgrid"
    suffix: ClassVar[str] = ".TextGrid"
    media_type: ClassVar[str] = "text/plain"
    target: ClassVar[Literal["folder"]] = "folder"
    empty: ClassVar[bytes] = b""
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than speech, utterances, words, turns of speakers and sounds",
        "which speaker says a word, other than by time",
        "confidences, languages and ids of speakers",
        "less than a microsecond",
        "control characters and ends of lines (they are spelled out)",
    )

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names = 0, SequenceNames()
        for video, own in source.things_by_video(*_PLACES):
            with out.file(f"{names.of(video)}{self.suffix}") as file, SortedSpool() as spool:
                tiers = _Tiers(spool)
                count += tiers.take(words_once(own))
                lasts = video.media.duration_s if video.media and video.media.duration_s else 0.0
                file.writelines(piece.encode() for piece in tiers.document(round(lasts * MICROSECONDS)))
        return count


@dataclass(slots=True)
class _Tier:
    """``key``: where it stands among the others. ``end_us``: of its last interval."""

    key: tuple[int, int, int]
    name: str
    intervals: int = 0
    end_us: int = 0


class _Tiers:
    """The tiers of one video, filled in order of time and told one after the other."""

    def __init__(self, spool: SortedSpool) -> None:
        self._spool = spool
        self._tiers: dict[tuple[int, str], list[_Tier]] = {}
        self._names: set[str] = set()

    def take(self, rows: Iterable[StoredRow]) -> int:
        count = 0
        for row in rows:
            self._place(row)
            count += 1
        return count

    def document(self, least_us: int) -> Iterator[str]:
        """The file; it lasts ``least_us`` at least."""
        tiers = sorted((tier for lanes in self._tiers.values() for tier in lanes), key=lambda tier: tier.key)
        last = max([least_us, *(tier.end_us for tier in tiers)])
        yield 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        yield f"xmin = 0\nxmax = {seconds(last)}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
        held = groupby(map(json.loads, self._spool), key=lambda line: tuple(line[0]))
        for number, (tier, (_, own)) in enumerate(zip(tiers, held, strict=True), 1):
            yield from _tier_text(number, tier, (tuple(line[1:]) for line in own), last)

    def _place(self, row: StoredRow) -> None:
        start, end = row.start_us, max(row.end_us, row.start_us + 1)
        tier = self._tier(row, start, end)
        start = max(start, tier.end_us)
        # what lies before it is an interval, too
        tier.intervals += 1 + (start > tier.end_us)
        tier.end_us = end
        self._spool.add(tier.key, json.dumps([tier.key, start, end, _text(row)]).encode())

    def _tier(self, row: StoredRow, start: int, end: int) -> _Tier:
        """The first that is free. An instant lasts a microsecond, for which what follows it waits."""
        place = _PLACES[row.annotation.type]
        owner = row.annotation.speaker_id if isinstance(row.annotation, SpeakerTurn) else ""
        lanes = self._tiers.setdefault((place, owner), [])
        for tier in lanes:
            if tier.end_us <= start or (tier.end_us == start + 1 and end > tier.end_us):
                return tier
        number = len({key for key in self._tiers if key[0] == place})
        key = (place, lanes[0].key[1] if lanes else number, len(lanes))
        tier = _Tier(key, self._name(row.annotation.label or "speaker" if owner else _TIERS[place]))
        lanes.append(tier)
        return tier

    def _name(self, wanted: str) -> str:
        """One that no other tier has."""
        name, number = wanted, 1
        while name in self._names:
            number += 1
            name = f"{wanted} ({number})"
        self._names.add(name)
        return name


_Interval = tuple[int, int, str]


def _tier_text(number: int, tier: _Tier, held: Iterable[tuple[int, int, str]], last_us: int) -> Iterator[str]:
    """A tier whose intervals fill the time until ``last_us``."""
    size = tier.intervals + (tier.end_us < last_us)
    yield f'    item [{number}]:\n        class = "IntervalTier"\n        name = {_quoted(tier.name)}\n'
    yield f"        xmin = 0\n        xmax = {seconds(last_us)}\n        intervals: size = {size}\n"
    for place, (start, end, text) in enumerate(_gapless(held, last_us), 1):
        yield f"        intervals [{place}]:\n            xmin = {seconds(start)}\n"
        yield f"            xmax = {seconds(end)}\n            text = {_quoted(text)}\n"


def _gapless(held: Iterable[_Interval], last_us: int) -> Iterator[_Interval]:
    until = 0
    for start, end, text in held:
        if start > until:
            yield until, start, ""
        yield start, end, text
        until = end
    if until < last_us:
        yield until, last_us, ""


def _text(row: StoredRow) -> str:
    said = row.annotation
    return said.text if isinstance(said, Utterance | Word | SpokenWord) else said.label or said.type


def _quoted(text: str) -> str:
    return '"' + "".join(map(_shown, text)).replace('"', '""') + '"'


def _shown(sign: str) -> str:
    is_unseen = ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or sign in "\u2028\u2029" or 0xD800 <= ord(sign) < 0xE000
    return f"\\u{ord(sign):04x}" if is_unseen else sign
