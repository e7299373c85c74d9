"""What is known about a video: identity, streams, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any


class VerdictStatus(StrEnum):
    OK = "ok"
    PARTIAL = "partial"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of reading a video. ``reason`` is a code, ``message`` one line for people.

    Reason codes of rejected inputs: ``empty``, ``not_media``, ``format_not_allowed``, ``no_frames``, ``no_streams``,
    ``too_large``, ``encrypted``, ``unreadable``. Of partial ones: ``corrupt_frames``, ``decode_errors``,
    ``short``. Of sound ones: ``audio_only`` where there is no video stream, else none.
    """

    status: VerdictStatus
    reason: str | None = None
    message: str = ""
    frames_decoded: int = 0
    frames_corrupt: int = 0
    audio_samples: int = 0
    error_count: int = 0
    first_error: str | None = None
    last_good_s: float | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "reason": self.reason,
            "message": self.message,
            "frames_decoded": self.frames_decoded,
            "frames_corrupt": self.frames_corrupt,
            "audio_samples": self.audio_samples,
            "error_count": self.error_count,
            "first_error": self.first_error,
            "last_good_s": self.last_good_s,
            "notes": list(self.notes),
        }

    def merged(self, later: Verdict) -> Verdict:
        """What two passes over the same content say together: damage once seen stays, and so does the pass that
        looked at more pictures."""
        worst = (VerdictStatus.OK, VerdictStatus.PARTIAL, VerdictStatus.REJECTED)
        if worst.index(self.status) != worst.index(later.status):
            return max(self, later, key=lambda verdict: worst.index(verdict.status))
        if (later.frames_decoded, later.audio_samples) < (self.frames_decoded, self.audio_samples):
            return self
        return later

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        fields = dict(data)
        fields["status"] = VerdictStatus(fields["status"])
        fields["notes"] = tuple(fields.get("notes", ()))
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The chosen picture track. ``width`` x ``height`` are display pixels: rotation and sample aspect applied."""

    stream_index: int
    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    sample_aspect: Fraction
    time_base: Fraction
    average_rate: Fraction | None
    declared_frames: int | None
    pixel_format: str | None
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The chosen sound track."""

    stream_index: int
    codec: str
    rate: int
    channels: int
    time_base: Fraction
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a probe learned. Durations and counts are hints of the container, never bounds.

    ``origin`` = min(0, first presentation time of the chosen streams), in seconds: every stored time is
    ``pts x time_base - origin``, so times are never negative.
    """

    container: str
    size_bytes: int
    duration_s: float | None
    origin: Fraction
    video: VideoStream | None
    audio: AudioStream | None
    verdict: Verdict
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A key packet from which decoding may start again, proven by the hash of the picture the first pass got there.

    ``packet``: ordinal among the packets of its stream, from the start of the file. ``frame_index``, ``pts``: of its
    picture. ``picture_sha256``: over the picture's planes as decoded.
    """

    packet: int
    frame_index: int
    pts: int
    picture_sha256: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "packet": self.packet,
            "frame_index": self.frame_index,
            "pts": self.pts,
            "picture_sha256": self.picture_sha256,
        }


@dataclass(frozen=True, slots=True)
class VideoIdentity:
    """A video is the SHA-256 of its content; ``uri`` is merely where it was last seen."""

    video_id: str
    uri: str
    filename: str
    size_bytes: int
