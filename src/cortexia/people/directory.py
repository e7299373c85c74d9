"""Everybody who is known, as a list that can be asked by name, label or id."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.people.members import VideoPeople
from cortexia.types import Identity

_TOLD = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of an identity, and the video that it is of. ``start_us``: microseconds from the video's origin."""

    video_id: str
    filename: str
    start_us: int
    row: Identity


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """An identity with all its appearances, in the order of their videos and of time."""

    identity_id: str
    label: str
    is_named: bool
    appearances: tuple[Entry, ...]

    @property
    def videos(self) -> int:
        return len({seen.video_id for seen in self.appearances})

    @property
    def seconds(self) -> float:
        """On screen, in all videos."""
        return round(sum(seen.row.seconds for seen in self.appearances), 3)

    @property
    def ids(self) -> frozenset[str]:
        """Its face ids and person ids."""
        own = ((seen.row.face_id, seen.row.person_id) for seen in self.appearances)
        return frozenset(name for pair in own for name in pair if name is not None)

    def anchors(self, without: frozenset[str] = frozenset()) -> tuple[Entry, ...]:
        """Appearances by which it can be found again whatever runs call it: the longest, and all that people spoke of,
        one for each member. ``without``: face or person ids that are left out."""
        seen = [one for one in self.appearances if one.row.bbox is not None and name_of(one.row) not in without]
        longest = max(seen, key=lambda one: one.row.seconds, default=None)
        chosen = [one for one in seen if one is longest or one.row.is_stated]
        return tuple({(one.video_id, name_of(one.row)): one for one in reversed(chosen)}.values())[::-1]


def name_of(row: Identity) -> str:
    """What the runs call the member that ``row`` is of."""
    return str(row.face_id or row.person_id)


class Directory:
    """Known people: those with names by name, then the others by label."""

    def __init__(self, people: Iterable[KnownPerson]) -> None:
        self.people = tuple(sorted(people, key=_order))

    @classmethod
    def of(cls, videos: Iterable[tuple[VideoPeople, Sequence[Identity]]]) -> Directory:
        """From rows by video."""
        seen: dict[str, list[Entry]] = {}
        for video, rows in videos:
            for row in rows:
                start_us = round((row.span.start.seconds - video.offset_s) * 1e6)
                seen.setdefault(row.identity_id, []).append(Entry(video.video_id, video.filename, start_us, row))
        return cls(
            KnownPerson(name, str(rows[0].row.label), rows[0].row.is_named, tuple(rows)) for name, rows in seen.items()
        )

    def find(self, word: str) -> KnownPerson:
        """The one that ``word`` names: a name or a label (case does not count), an id, or the beginning of one of
        these that fits one only. Raises ``UnknownNameError``, and ``ConfigurationError`` where several fit."""
        sought = " ".join(word.split()).casefold()
        exact = [one for one in self.people if sought in _words(one)]
        fitting = exact or [one for one in self.people if any(name.startswith(sought) for name in _words(one))]
        if len(fitting) > 1:
            told = ", ".join(one.label for one in fitting[:_TOLD]) + (", ..." if len(fitting) > _TOLD else "")
            raise ConfigurationError(f"{word!r} fits {len(fitting)} people: {told}; give more of the name")
        if not fitting or not sought:
            raise UnknownNameError("person", word, self._nearest(word))
        return fitting[0]

    def _nearest(self, word: str) -> list[str]:
        labels = [one.label for one in self.people]
        return labels if len(labels) <= _TOLD else difflib.get_close_matches(word, labels, n=_TOLD, cutoff=0.0)


def _order(one: KnownPerson) -> tuple[bool, int, str, str]:
    return not one.is_named, 0 if one.is_named else len(one.label), one.label.casefold(), one.identity_id


def _words(one: KnownPerson) -> set[str]:
    return {one.label.casefold(), one.identity_id, *one.ids}
