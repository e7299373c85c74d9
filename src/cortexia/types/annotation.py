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


_BASE_FIELDS = frozenset(item.name for item in dataclasses.fields(Annotation))


_own_names: dict[type[Annotation], tuple[str, ...]] = {}


def own_fields(kind: type[Annotation]) -> tuple[str, ...]:
    """Names of the fields that a subclass adds."""
    if kind not in _own_names:
        _own_names[kind] = tuple(f.name for f in dataclasses.fields(kind) if f.name not in _BASE_FIELDS)
    return _own_names[kind]


class Transition(StrEnum):
    """How one shot gives way to the next; ``start`` and ``end`` are those of the video."""

    START = "start"
    CUT = "cut"
    DISSOLVE = "dissolve"
    FADE = "fade"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot(Annotation):
    """Frames of one camera take. The shots of a video tile it: no gaps, no overlaps.

    ``first_frame`` and ``last_frame`` are inclusive indexes; transitions tell how it begins and ends.
    """

    type: ClassVar[str] = "shot"
    stored_type: ClassVar[str] = "scene_detection"

    first_frame: int
    last_frame: int
    transition_in: Transition = Transition.START
    transition_out: Transition = Transition.END

    def __post_init__(self) -> None:
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValidationError(f"shot: frames {self.first_frame}..{self.last_frame} are no range")
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPicture(Annotation):
    """A picture kept in the blob folder. ``picture`` and ``thumbnail`` are SHA-256 digests of JPEG files.

    ``quality`` states how fit it is to stand for its shot (higher is better; unit as the annotator documents).
    """

    type: ClassVar[str] = "key_picture"
    stored_type: ClassVar[str] = "key_picture"

    picture: str
    thumbnail: str
    width: int
    height: int
    quality: float
    is_representative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Annotation):
    """Numbers about a span. ``values`` is empty when, and only when, a ``reason`` says why nothing was measured."""

    type: ClassVar[str] = "measure"
    stored_type: ClassVar[str] = "measure"

    values: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None

    def __post_init__(self) -> None:
        if bool(self.values) == (self.reason is not None):
            raise ValidationError("measure: either values, or the reason why there are none")
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotSummary(Annotation):
    """What is known of a shot, in one row. ``picture``: digest of its representative, ``picture_frame`` its index.

    Levels in dBFS, ``active_fraction`` in [0, 1]. A field is ``None`` when, and only when, ``not_measured`` says why.
    """

    type: ClassVar[str] = "shot_summary"
    stored_type: ClassVar[str] = "shot_summary"

    first_frame: int
    last_frame: int
    duration_s: float
    transition_in: Transition
    transition_out: Transition
    picture: str | None = None
    picture_frame: int | None = None
    rms_dbfs: float | None = None
    max_rms_dbfs: float | None = None
    peak_dbfs: float | None = None
    active_fraction: float | None = None
    not_measured: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        optional = ("picture", "picture_frame", "rms_dbfs", "max_rms_dbfs", "peak_dbfs", "active_fraction")
        missing = {name for name in optional if getattr(self, name) is None}
        if missing != set(self.not_measured):
            raise ValidationError(f"shot_summary: {sorted(missing ^ set(self.not_measured))}: a value or a reason")
        Annotation.__post_init__(self)

    @property
    def frame_count(self) -> int:
        return self.last_frame - self.first_frame + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvent(Annotation):
    """An interval of sound with a label (``sound`` for anything above the threshold of activity)."""

    type: ClassVar[str] = "sound_event"
    stored_type: ClassVar[str] = "audio_event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(Annotation):
    """One box in one frame."""

    type: ClassVar[str] = "detection"
    stored_type: ClassVar[str] = "object_detection"

    def __post_init__(self) -> None:
        if self.bbox is None or self.frame_index is None:
            raise ValidationError("detection: needs a box and a frame index")
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption(Annotation):
    """Text about a picture or a span."""

    type: ClassVar[str] = "caption"
    stored_type: ClassVar[str] = "caption"

    text: str


ANNOTATION_TYPES: dict[str, type[Annotation]] = {
    kind.type: kind for kind in (Shot, ShotSummary, KeyPicture, Measure, SoundEvent, Detection, Caption)
}


def annotation_from_fields(kind: str, data: Mapping[str, Any], **common: Any) -> Annotation:
    """The value of short type ``kind`` from its ``data`` column and its common fields.

    Raises ``ValidationError`` for an unknown type or data that breaks its invariants.
    """
    cls = ANNOTATION_TYPES.get(kind)
    if cls is None:
        raise ValidationError(f"unknown annotation type {kind!r}")
    own = {item.name: item for item in dataclasses.fields(cls) if item.name not in _BASE_FIELDS}
    given = {name: value for name, value in data.items() if name in own}
    for name in ("transition_in", "transition_out"):
        if name in given:
            given[name] = Transition(given[name])
    rest = {name: value for name, value in data.items() if name not in own}
    try:
        return cls(**common, **given, attributes=rest)
    except TypeError as error:
        raise ValidationError(f"{kind}: {error}") from error


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
