"""XML as text, escaped by the standard library; what XML 1.0 has no place for is spelled out."""

from __future__ import annotations

import re

# for its escaping alone: nothing is parsed here
from xml.sax.saxutils import escape, quoteattr  # nosec B406

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"[\w.:;,-]*", re.ASCII)
_LINE_ENDS = {"\r": "&#13;"}


def start(tag: str, /, **attributes: object) -> str:
    """An opening tag."""
    return f"<{tag}{_attributes(attributes)}>"


def end(tag: str) -> str:
    return f"</{tag}>\n"


def element(tag: str, text: object = "", /, **attributes: object) -> str:
    """An element with text and nothing else inside."""
    return f"<{tag}{_attributes(attributes)}>{_escaped(text)}</{tag}>\n"


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(f" {name}={_quoted(value)}" for name, value in attributes.items())


def _quoted(value: object) -> str:
    # most values are numbers and ids, which need none of it
    text = str(value)
    return f'"{text}"' if _PLAIN.fullmatch(text) else quoteattr(_allowed(text))


def _escaped(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else escape(_allowed(text), _LINE_ENDS)


def _allowed(text: str) -> str:
    return _NO_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
