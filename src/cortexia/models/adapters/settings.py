"""What an entry of the catalogue says of its network, checked."""

from __future__ import annotations

from collections.abc import Iterable

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters.layout import Size
from cortexia.models.base import ModelEntry


def check_family(entry: ModelEntry, task: str, families: Iterable[str]) -> None:
    """Raises ``UnknownNameError`` for an entry whose adapter is none of the ``families`` of ``task``."""
    known = tuple(families)
    if entry.adapter not in known:
        raise UnknownNameError(f"{task} family (of model {entry.id!r})", entry.adapter, known)


def overlap(entry: ModelEntry, usual: float) -> float:
    """``max_overlap``, intersection over union in [0, 1]. Raises ``ConfigurationError``."""
    match entry.settings.get("max_overlap", usual):
        case float() | int() as found if 0 <= found <= 1:
            return float(found)
        case other:
            raise _unfit(entry, "max_overlap", "a number in 0 .. 1", other)


def side(entry: ModelEntry, usual: int) -> int:
    """The side of a square ``input_size``. Raises ``ConfigurationError``."""
    match entry.settings.get("input_size", [usual, usual]):
        case [int(width), int(height)] if width == height > 0:
            return width
        case other:
            raise _unfit(entry, "input_size", "[width, height] in pixels, of a square", other)


def size(entry: ModelEntry, usual: Size) -> Size:
    """``input_size``. Raises ``ConfigurationError``."""
    match entry.settings.get("input_size", list(usual)):
        case [int(width), int(height)] if min(width, height) > 0:
            return width, height
        case other:
            raise _unfit(entry, "input_size", "[width, height] in pixels", other)


def _unfit(entry: ModelEntry, setting: str, wanted: str, given: object) -> ConfigurationError:
    return ConfigurationError(f"model {entry.id!r}: setting {setting!r} must be {wanted}, got {given!r}")
