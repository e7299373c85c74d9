"""What people said, put together: who must be one, who can never be, and who has which name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations, groupby, pairwise

from cortexia.types import PersonNote

Pair = tuple[int, int]
Noted = tuple[PersonNote, int]
"""A note, and the number of the member that it is about."""


def settled(notes: Iterable[PersonNote]) -> frozenset[str]:
    """Statements that were stored to their end: others were cut short, and nobody made them."""
    return frozenset(note.statement for note in notes if note.is_settled)


@dataclass
class Said:
    """Members by number. ``late``: those that were taken out of an identity, and join another only as a whole."""

    together: set[Pair] = field(default_factory=set)
    apart: set[Pair] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    names: dict[int, tuple[int, str]] = field(default_factory=dict)
    """The number of the statement and the name."""

    def hear(self, action: str, name: str | None, same: list[int], taken: list[int], number: int) -> None:
        """One more statement; it goes before those that were heard."""
        if action == "split":
            self._take_out(taken, same)
        else:
            self.late -= set(same)
            self.apart -= {pair for one, other in combinations(same, 2) for pair in ((one, other), (other, one))}
        self.together |= set(pairwise(same)) | set(pairwise(taken))
        if name is not None:
            self.names |= dict.fromkeys(same, (number, name))

    def _take_out(self, taken: list[int], rest: list[int]) -> None:
        out = set(taken)
        self.together = {pair for pair in self.together if (pair[0] in out) == (pair[1] in out)}
        self.names = {member: name for member, name in self.names.items() if member not in out}
        self.late |= out
        self.apart |= {(one, other) for one in taken for other in rest if one != other}

    def constraints(self) -> tuple[set[Pair], set[Pair]]:
        """Pairs that must be together, and pairs that can never be: one name is one human being."""
        by_name: dict[str, list[int]] = {}
        for member, (_, name) in sorted(self.names.items()):
            by_name.setdefault(name.casefold(), []).append(member)
        together = self.together | {pair for members in by_name.values() for pair in pairwise(members)}
        firsts = [members[0] for members in by_name.values()]
        return together, self.apart | set(combinations(firsts, 2))

    def name_among(self, members: Iterable[int]) -> str | None:
        """The name that was given last to one of ``members``."""
        return max((self.names[member] for member in members if member in self.names), default=(0, None))[1]


def said(noted: Iterable[Noted]) -> Said:
    """All statements, heard in the order in which they were made."""
    heard = Said()
    order = sorted(noted, key=lambda item: (item[0].number, item[0].statement, item[1]))
    for (number, _), group in groupby(order, key=lambda item: (item[0].number, item[0].statement)):
        parts = list(group)
        first = parts[0][0]
        taken = list(dict.fromkeys(member for note, member in parts if note.is_apart))
        same = list(dict.fromkeys(member for note, member in parts if not note.is_apart and member not in taken))
        name = next((note.label for note, _ in parts if note.label and not note.is_apart), None)
        heard.hear(first.action, name, same, taken, number)
    return heard
