"""What is said of a part of one picture: a box, and what is inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation
from cortexia.types.geometry import BBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Annotation):
    """Base of what has a box in one frame."""

    def __post_init__(self) -> None:
        if self.bbox is None or self.frame_index is None:
            raise ValidationError(f"{self.type}: needs a box and a frame index")
        Annotation.__post_init__(self)

    @property
    def box(self) -> BBox:
        """The box, which is there."""
        assert self.bbox is not None  # noqa: S101 - a region without a box cannot be made  # nosec B101
        return self.bbox

    @property
    def frame(self) -> int:
        """The frame index, which is there."""
        assert self.frame_index is not None  # noqa: S101 - as above  # nosec B101
        return self.frame_index


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(Region):
    """One box in one frame."""

    type: ClassVar[str] = "detection"
    stored_type: ClassVar[str] = "object_detection"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackBox(Region):
    """That a box belongs to a track: label, confidence and box are those of the detection."""

    type: ClassVar[str] = "track_box"
    stored_type: ClassVar[str] = "track_box"

    def __post_init__(self) -> None:
        if self.track_id is None:
            raise ValidationError("track_box: needs a track id")
        Region.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose(Region):
    """Keypoints of a body. ``keypoints``: x, y in pixels of the display and a score in [0, 1], in the order of
    ``skeleton`` (``coco-17``: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before right).
    """

    type: ClassVar[str] = "pose"
    stored_type: ClassVar[str] = "pose_estimation"

    keypoints: Sequence[Sequence[float]]
    skeleton: str = "coco-17"

    def __post_init__(self) -> None:
        if not self.keypoints or any(len(point) != 3 for point in self.keypoints):
            raise ValidationError("pose: keypoints are x, y and a score each")
        Region.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face(Region):
    """A face. What its annotator did not measure is ``None``.

    ``landmarks``: x, y in pixels of the display of the right eye, the left eye, the tip of the nose, the right and the
    left corner of the mouth, as the person has them. ``yaw``, ``pitch``, ``roll``: degrees; positive to the person's
    left, upwards, and towards the person's right shoulder. ``quality``: in [0, 1], fitness to be recognised.
    """

    type: ClassVar[str] = "face"
    stored_type: ClassVar[str] = "face_detection"

    landmarks: Sequence[Sequence[float]] | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    expression: str | None = None
    expression_confidence: float | None = None
    quality: float | None = None

    def __post_init__(self) -> None:
        points = self.landmarks
        if points is not None and (len(points) != 5 or any(len(point) != 2 for point in points)):
            raise ValidationError("face: landmarks are five points of x and y")
        Region.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask(Region):
    """The pixels of something. ``segmentation``: run lengths in the form of COCO, ``{"size": [height, width], "counts":
    text}`` for the picture as shown; ``area``: its pixels, never none; ``polygons``: outlines, x and y in turn."""

    type: ClassVar[str] = "mask"
    stored_type: ClassVar[str] = "segmentation"

    segmentation: Mapping[str, Any]
    area: int
    polygons: Sequence[Sequence[float]] = ()

    def __post_init__(self) -> None:
        if self.area < 1:
            raise ValidationError("mask: an empty mask says nothing")
        Region.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenText(Region):
    """Text in the picture. ``corners``: x, y of the text's quadrangle, clockwise from its top left."""

    type: ClassVar[str] = "screen_text"
    stored_type: ClassVar[str] = "on_screen_text"

    text: str
    corners: Sequence[Sequence[float]] | None = None
