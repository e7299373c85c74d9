"""What somebody is called whom nobody named: ``Person A``, ``Person B``, ..., ``Person Z``, ``Person AA``, ..."""

from __future__ import annotations

import re

from cortexia.naming import letters

_LABEL = re.compile(r"Person ([A-Z]+)")


class Labels:
    """Labels in order, each given once: one that was shown never goes to somebody else."""

    def __init__(self, given: int) -> None:
        self.given = given

    def saw(self, label: str) -> None:
        """``label`` is in use, or was."""
        self.given = max(self.given, _rank(label) + 1)

    def next(self) -> str:
        self.given += 1
        return f"Person {letters(self.given - 1)}"


def _rank(label: str) -> int:
    """The number of a label; -1 for a name."""
    found = _LABEL.fullmatch(label)
    number = 0
    for letter in found[1] if found else "":
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
