"""What leaves the database: one interface, a file for each format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cortexia import registry
from cortexia.errors import UnknownNameError
from cortexia.exporters.base import Exporter


def make_exporter(name: str, options: Mapping[str, Any] | None = None) -> Exporter:
    """The exporter ``name`` with its options.

    Raises ``UnknownNameError`` for a name or an option that does not exist.
    """
    made = registry.load("exporters", name)
    known = [field.name for field in dataclasses.fields(made)] if dataclasses.is_dataclass(made) else []
    for option in options or {}:
        if option not in known:
            raise UnknownNameError(f"option of the exporter {name!r}:", option, known)
    exporter: Exporter = made(**(options or {}))
    return exporter
