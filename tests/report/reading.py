"""Pages as a strict reader sees them."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br"}
LOADING = ("src", "href", "action", "data", "poster", "srcset", "xlink:href", "formaction", "background")


class Page(HTMLParser):
    """Tags balance; ``texts`` holds what is to be read, ``tags`` (name, attributes) in order."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self._open[-1:] != ["style"]:
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]


def faults(page: Page) -> list[str]:
    """What a page of ours must not hold: scripts, handlers, addresses elsewhere, numbers that are none."""
    found = [f"<{tag}>" for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed", "link", "base")]
    for tag, attrs in page.tags:
        for name, value in attrs.items():
            if name.startswith("on"):
                found.append(f"{tag} {name}")
            if name in LOADING and not _is_near(tag, value or ""):
                found.append(f"{tag} {name}={value!r:.60}")
            if name in ("d", "x", "y", "width", "height", "x1", "x2", "y1", "y2"):
                found += [f"{tag} {name}: {text}" for text in _bad_numbers(value or "")]
    return found


def _is_near(tag: str, value: str) -> bool:
    if tag == "img":
        return value.startswith("data:image/jpeg;base64,")
    return tag == "a" and re.fullmatch(r"videos/[a-z0-9-]+\.html", value) is not None


def _bad_numbers(value: str) -> list[str]:
    parts = re.sub(r"[MLHVhz]", " ", value).split()
    return [part for part in parts if not _is_number(part)]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
