"""Who or what stays the same over time: tracks, people, faces of one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance(Annotation):
    """Base of one row for all boxes of an identity: the span reaches from its first box to the end of its last.

    ``first_frame`` and ``last_frame``: indexes, inclusive. ``boxes``: frames with a box. ``gaps``: how often it was
    lost and found again; ``gap_s``: seconds without it in all. ``confidence``: mean over the boxes.
    """

    first_frame: int
    last_frame: int
    boxes: int
    gaps: int = 0
    gap_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValidationError(f"{self.type}: frames {self.first_frame}..{self.last_frame} are no range")
        if self.boxes < 1 or self.gaps < 0 or self.gap_s < 0:
            raise ValidationError(f"{self.type}: {self.boxes} boxes, {self.gaps} gaps of {self.gap_s} s cannot be")
        if self.track_id is None:
            raise ValidationError(f"{self.type}: needs a track id")
        Annotation.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track(Appearance):
    """One thing followed over time; its boxes are the ``TrackBox`` rows of the same run with its ``track_id``."""

    type: ClassVar[str] = "track"
    stored_type: ClassVar[str] = "object_tracking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Appearance):
    """A person of one video: ``track_id`` names the track of the run that it was made from."""

    type: ClassVar[str] = "person"
    stored_type: ClassVar[str] = "person_tracking"

    person_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceTrack(Appearance):
    """A face followed over time. ``face_id``: whose face, the same for all face tracks of one person in a video;
    ``person_id``: the person whose track holds it, where there is one."""

    type: ClassVar[str] = "face_track"
    stored_type: ClassVar[str] = "face_tracking"

    face_id: str
    person_id: str | None = None
