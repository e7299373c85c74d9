"""Annotation values: one frozen type per meaning. What holds for a value is checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from cortexia.errors import ValidationError
from cortexia.types.geometry import BBox
from cortexia.types.time import TimeSpan

LABEL_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A stored statement about a span or a region of a video.

    ``type`` is the short name that exports use, ``stored_type`` the name in the ``annotation_type`` column.
    Fields that a subclass adds, and ``attributes``, go to the ``data`` column as JSON.
    """

    type: ClassVar[str] = "annotation"
    stored_type: ClassVar[str] = "annotation"

    span: TimeSpan
    label: str | None = None
    confidence: float | None = None
    frame_index: int | None = None
    track_id: str | None = None
    bbox: BBox | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise ValidationError(f"{self.type}: confidence must lie in [0, 1], got {self.confidence}")
        if self.frame_index is not None and self.frame_index < 0:
            raise ValidationError(f"{self.type}: frame index must not be negative, got {self.frame_index}")
        if self.label is not None and len(self.label) > LABEL_LIMIT:
            raise ValidationError(f"{self.type}: label has {len(self.label)} characters, at most {LABEL_LIMIT}")
        for owner in (self.data(),):
            _require_json(owner, self.type)

    def data(self) -> dict[str, Any]:
        """Fields of the subclass and attributes, as JSON values. ``None`` is left out."""
        own: dict[str, Any] = {}
        for name in own_fields(type(self)):
            value = getattr(self, name)
            if value is not None:
                own[name] = _plain(value)
        return {**own, **_plain(self.attributes)} if self.attributes else own


BASE_FIELDS = frozenset(item.name for item in dataclasses.fields(Annotation))
_own_names: dict[type[Annotation], tuple[str, ...]] = {}


def own_fields(kind: type[Annotation]) -> tuple[str, ...]:
    """Names of the fields that a subclass adds."""
    if kind not in _own_names:
        _own_names[kind] = tuple(f.name for f in dataclasses.fields(kind) if f.name not in BASE_FIELDS)
    return _own_names[kind]


_IS_TEXT = frozenset({str})
_PLAIN = frozenset({str, int, float, bool, type(None)})


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        if _IS_TEXT.issuperset(map(type, value)) and _PLAIN.issuperset(map(type, value.values())):
            return dict(value)
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _require_json(value: Any, owner: str) -> None:
    """JSON values only, and no NaN or infinity: they have no place in a database (G15)."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationError(f"{owner}: a number is not finite")
    elif isinstance(value, Mapping):
        for item in value.values():
            _require_json(item, owner)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_json(item, owner)
    elif value is not None and not isinstance(value, str | int | bool):
        raise ValidationError(f"{owner}: {type(value).__name__} is no JSON value")
