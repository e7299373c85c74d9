"""What is known for certain about a generated clip. Everything can be written as JSON and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from cortexia.types import BBox, Transition


@dataclass(frozen=True, slots=True)
class ShotTruth:
    """Frames of one take, inclusive. Two shots joined by a dissolve share its frames."""

    first_frame: int
    last_frame: int
    scene: str


@dataclass(frozen=True, slots=True)
class BoundaryTruth:
    """A transition between two shots. ``frame``: the first frame that shows anything of the new shot.

    ``first_frame`` and ``last_frame``: the frames that the transition alters, inclusive; for a cut, ``frame`` itself.
    """

    kind: Transition
    frame: int
    first_frame: int
    last_frame: int


@dataclass(frozen=True, slots=True)
class CameraMove:
    """``kind``: pan, zoom, shake or roll.

    ``amount``: frame widths and heights per second, magnifications at both ends, amplitude, turns per second.
    """

    kind: str
    first_frame: int
    last_frame: int
    amount: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ObjectTruth:
    """A moving thing and where it is in each frame that shows it: xyxy display pixels, clipped to the frame."""

    label: str
    first_frame: int
    boxes: tuple[tuple[float, float, float, float] | None, ...]

    def box(self, frame: int) -> BBox | None:
        offset = frame - self.first_frame
        corners = self.boxes[offset] if 0 <= offset < len(self.boxes) else None
        return None if corners is None else BBox(*corners)


@dataclass(frozen=True, slots=True)
class SoundTruth:
    """Presentation seconds in the container's clock (not from the origin)."""

    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Truth:
    """One picture track and the sound of a clip.

    ``pts[i]``, ``durations[i]``: of frame ``i`` in presentation order, in units of ``time_base`` seconds, as the
    container stores them. ``flashes``: first frame of each. ``keyframes``: frame indexes. ``others``: further picture
    tracks. ``time_base`` is zero for a clip without pictures. ``first_number``: the number painted into frame 0, not
    zero where an edit list hides the start.
    """

    width: int
    height: int
    time_base: Fraction
    pts: tuple[int, ...]
    durations: tuple[int, ...]
    keyframes: tuple[int, ...] = ()
    shots: tuple[ShotTruth, ...] = ()
    boundaries: tuple[BoundaryTruth, ...] = ()
    fade_out: tuple[int, int] | None = None
    camera_moves: tuple[CameraMove, ...] = ()
    objects: tuple[ObjectTruth, ...] = ()
    flashes: tuple[int, ...] = ()
    sounds: tuple[SoundTruth, ...] = ()
    others: tuple[Truth, ...] = ()
    first_number: int = 0

    @property
    def frame_count(self) -> int:
        return len(self.pts)

    def start(self, frame: int) -> Fraction:
        """Presentation time of a frame in the container's clock, seconds, exactly."""
        return self.pts[frame] * self.time_base

    @property
    def end(self) -> Fraction:
        """When the last picture has been shown."""
        return (self.pts[-1] + self.durations[-1]) * self.time_base

    @property
    def cuts(self) -> tuple[int, ...]:
        return tuple(item.frame for item in self.boundaries if item.kind is Transition.CUT)

    def with_others(self, others: Sequence[Truth]) -> Truth:
        return replace(self, others=tuple(others))

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "time_base": str(self.time_base), "others": [item.as_dict() for item in self.others]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Truth:
        fields = dict(data)
        fields["time_base"] = Fraction(fields["time_base"])
        for name in ("pts", "durations", "keyframes", "flashes"):
            fields[name] = tuple(fields[name])
        fields["fade_out"] = None if fields["fade_out"] is None else (fields["fade_out"][0], fields["fade_out"][1])
        fields["shots"] = tuple(ShotTruth(**item) for item in fields["shots"])
        fields["boundaries"] = tuple(
            BoundaryTruth(**{**item, "kind": Transition(item["kind"])}) for item in fields["boundaries"]
        )
        fields["camera_moves"] = tuple(
            CameraMove(**{**item, "amount": tuple(item["amount"])}) for item in fields["camera_moves"]
        )
        fields["objects"] = tuple(_object_from_dict(item) for item in fields["objects"])
        fields["sounds"] = tuple(SoundTruth(**item) for item in fields["sounds"])
        fields["others"] = tuple(cls.from_dict(item) for item in fields["others"])
        return cls(**fields)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.as_dict()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Truth:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))


def _object_from_dict(data: Mapping[str, Any]) -> ObjectTruth:
    boxes = tuple(None if box is None else (box[0], box[1], box[2], box[3]) for box in data["boxes"])
    return ObjectTruth(data["label"], data["first_frame"], boxes)
