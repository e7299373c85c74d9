"""Names: which ones people may give, and the letters of those that nobody gave."""

from __future__ import annotations

import re

from cortexia.errors import ConfigurationError
from cortexia.types.annotation import LABEL_LIMIT

_OWN = {
    "people": re.compile(r"person [a-z]+|(person|face|identity)_.*"),
    "speakers": re.compile(r"speaker [a-z]{1,2}|speaker_.*"),
}


def letters(number: int) -> str:
    """0, 1, ... as A, B, ..., Z, AA, AB, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def required_name(name: str) -> str:
    """``name`` without blanks around it, and with one between words. Raises ``ConfigurationError`` for one that cannot
    be shown, or that could be taken for a label or an id."""
    text = " ".join(name.split())
    if not text or len(text) > LABEL_LIMIT or not text.isprintable():
        raise ConfigurationError(f"a name has 1 to {LABEL_LIMIT} characters that can be shown, got {name!r:.80}")
    for whom, own in _OWN.items():
        if own.fullmatch(text.casefold()):
            raise ConfigurationError(f"{text!r} is what cortexia itself calls {whom}; give another name")
    return text
