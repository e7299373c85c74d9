"""A face in a picture, by which somebody shall be known."""

from __future__ import annotations

from dataclasses import dataclass

from cortexia.errors import ConfigurationError
from cortexia.people.directory import Entry
from cortexia.people.gather import Inventory, video_people
from cortexia.people.members import Member, Place, VideoPeople
from cortexia.stores.base import StorageBackend
from cortexia.types import Identity

MODEL_HINT = "cortexia models pull sface"
"""What brings weights that turn faces into vectors."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The face that was taken of a picture, and out of how many."""

    filename: str
    anchor: Entry
    faces: int


def face_of(store: StorageBackend, found: Inventory, video_id: str) -> Chosen:
    """The largest face of a stored picture. Raises ``ConfigurationError``."""
    video = video_people(store, found, video_id)
    verdict = found.videos[video_id].verdict
    if verdict is not None and verdict.frames_decoded > 1:
        raise ConfigurationError(
            f"{video.filename} is no picture but {verdict.frames_decoded} frames; 'cortexia people name' names"
            " somebody in a video"
        )
    faces = [(member, member.stays[0].place) for member in video.members if member.face_id is not None]
    shown = [(member, place) for member, place in faces if place is not None]
    if not shown:
        raise ConfigurationError(f"no face was found in {video.filename}; take a picture with a larger one")
    member, place = max(shown, key=lambda item: item[1].box.area)
    if member.vector is None:
        raise ConfigurationError(
            f"{video.filename}: a face is known again by its vector, and no model makes any here; run: {MODEL_HINT}"
        )
    return Chosen(video.filename, _anchor(video, member, place), len(shown))


def _anchor(video: VideoPeople, member: Member, place: Place) -> Entry:
    seen = member.stays[0]
    row = Identity(
        span=seen.span,
        label=str(member.face_id),
        frame_index=place.frame_index,
        bbox=place.box,
        track_id=seen.track_id,
        identity_id="",
        is_named=False,
        seconds=seen.seconds,
        source=video.source,
        seen_s=place.time_s,
        face_id=member.face_id,
    )
    return Entry(video.video_id, video.filename, 0, row)
