"""Text as one field of a line whose fields are set apart by white space."""

from __future__ import annotations

import re
from urllib.parse import unquote

_ALWAYS = re.compile(r"[\s\x00-\x20\x7f-\x9f\ud800-\udfff\ufeff]|%(?=[0-9A-Fa-f]{2})")
_MISSING = frozenset(("na", "n/a", "nan", "-nan", "null", "none", "#n/a", "#na"))
"""What readers of tables take for a value that is not there."""


def one_field(text: str, reserved: str = "") -> str:
    """``text`` without white space, control characters, those of ``reserved``, and a ``;`` at its start (a comment):
    they are percent-encoded (RFC 3986, of UTF-8), and so is a ``%`` that would be read as such a code, and the first
    character of words like ``NA``. ``field_text`` gives the text back; what nothing of this is in stays as it is.
    """
    must = f"[{re.escape(reserved)}]" if reserved else ""
    pattern = re.compile(f"{_ALWAYS.pattern}|^;{'|' + must if must else ''}")
    coded = pattern.sub(lambda match: _coded(match[0]), text)
    return _coded(coded[:1]) + coded[1:] if not coded or coded.casefold() in _MISSING else coded


def field_text(field: str) -> str:
    """The text that ``one_field`` was given. Lone surrogates are gone: UTF-8 has none."""
    return unquote(field)


def _coded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))
