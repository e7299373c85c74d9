"""What somebody is called whom nobody named: ``Person A``, ``Person B``, ..., ``Person Z``, ``Person AA``, ..."""

from __future__ import annotations

import re

from cortexia.errors import ConfigurationError
from cortexia.types.annotation import LABEL_LIMIT

_LABEL = re.compile(r"Person ([A-Z]+)")
_RESERVED = ("person_", "face_", "identity_")


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


def letters(number: int) -> str:
    """0, 1, ... as A, B, ..., Z, AA, AB, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _rank(label: str) -> int:
    """The number of a label; -1 for a name."""
    found = _LABEL.fullmatch(label)
    number = 0
    for letter in found[1] if found else "":
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def required_name(name: str) -> str:
    """``name`` without blanks around it. Raises ``ConfigurationError`` for one that could be taken for a label or an
    id."""
    text = " ".join(name.split())
    if not text or len(text) > LABEL_LIMIT or not text.isprintable():
        raise ConfigurationError(f"a name has 1 to {LABEL_LIMIT} characters that can be shown, got {name!r:.80}")
    if re.fullmatch(r"person [a-z]+", text.casefold()) or text.casefold().startswith(_RESERVED):
        raise ConfigurationError(f"{text!r} is what cortexia itself calls people; give another name")
    return text
