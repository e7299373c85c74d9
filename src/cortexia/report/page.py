"""Templates to bytes. Everything that a template prints is escaped: there is no way around it (S-20)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cortexia.report.palette import LABEL_COLOURS, TEXT_ON
from cortexia.report.words import short, visible

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of every page: no script at all, nothing from elsewhere."""


def render(template: str, **values: Any) -> bytes:
    """The page as UTF-8."""
    text = _environment().get_template(template).render(policy=POLICY, palette=list(_palette()), **values)
    return text.encode()


def _palette() -> zip[tuple[str, str]]:
    return zip(LABEL_COLOURS, TEXT_ON, strict=True)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["short"] = short
    return environment


def _shown(value: Any) -> Any:
    """Text from outside made visible; what macros made is a page already."""
    return visible(value) if type(value) is str and not value.startswith("data:image/jpeg;base64,") else value
