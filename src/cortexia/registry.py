"""A choice by its name, through entry points: built-in and foreign choices alike. The only plugin mechanism.

Group names are ``cortexia.<folder>``: ``annotators``, ``decoders``, ``stores``, ``executors``, ``exporters``,
``trackers``. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cortexia.errors import ConfigurationError, UnknownNameError

GROUPS = ("annotators", "decoders", "stores", "executors", "exporters", "trackers")


@functools.cache
def _entries(folder: str) -> dict[str, EntryPoint]:
    if folder not in GROUPS:
        raise UnknownNameError("kind of plugin", folder, GROUPS)
    return {entry.name: entry for entry in entry_points(group=f"cortexia.{folder}")}


def names(folder: str) -> tuple[str, ...]:
    """Names of the choices in ``folder``, sorted."""
    return tuple(sorted(_entries(folder)))


@functools.cache
def load(folder: str, name: str) -> Any:
    """The class behind ``name``. Raises ``UnknownNameError`` with the known names, ``ConfigurationError`` if the
    plugin cannot be imported."""
    entry = _entries(folder).get(name)
    if entry is None:
        raise UnknownNameError(folder.removesuffix("s"), name, _entries(folder))
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        what = f"{folder.removesuffix('s')} {name!r} ({entry.value})"
        raise ConfigurationError(f"{what} cannot be loaded: {error}") from error
