"""What is said of a span of time: shots, their pictures and measures, sounds, texts, classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation


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
    ``display_width``, ``display_height``: size of the frame as shown, where the picture is smaller (pixels).
    """

    type: ClassVar[str] = "key_picture"
    stored_type: ClassVar[str] = "key_picture"

    picture: str
    thumbnail: str
    width: int
    height: int
    quality: float
    is_representative: bool = False
    display_width: int | None = None
    display_height: int | None = None

    @property
    def display(self) -> tuple[int, int]:
        """Width and height of the frame as shown, in whose pixels boxes are given."""
        return self.display_width or self.width, self.display_height or self.height


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
class Caption(Annotation):
    """Text about a picture or a span; with a box, about that part of the picture."""

    type: ClassVar[str] = "caption"
    stored_type: ClassVar[str] = "caption"

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(Annotation):
    """A label of a picture or a span as a whole: a tag."""

    type: ClassVar[str] = "classification"
    stored_type: ClassVar[str] = "classification"

    def __post_init__(self) -> None:
        if not self.label:
            raise ValidationError("classification: needs a label")
        Annotation.__post_init__(self)
