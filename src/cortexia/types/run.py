"""Runs: the unit of truth. Keys, ids and states."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from cortexia.types.annotation import Annotation
from cortexia.types.time import WHOLE_VIDEO, TimeRange, Timestamp

LOCAL_TENANT = "local"
_ID_NAMESPACE = uuid.UUID("6b1f0a52-9f0c-5c8e-9d5e-2f2f6f1f7a11")


class RunStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"

    @property
    def is_final(self) -> bool:
        return self not in (RunStatus.PENDING, RunStatus.RUNNING)


class JobState(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (
            JobState.COMPLETED,
            JobState.COMPLETED_WITH_ERRORS,
            JobState.FAILED,
            JobState.CANCELLED,
        )


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, no NaN. Digests are taken over it."""
    return _canonical.encode(value)


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


@dataclass(frozen=True)
class RunSpec:
    """What makes a run that run. Software and FFmpeg versions are provenance and not part of it."""

    video_id: str
    annotator: str
    version: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str | None = None
    time_range: TimeRange = WHOLE_VIDEO
    upstream: tuple[str, ...] = ()
    tenant: str = LOCAL_TENANT

    @cached_property
    def options_digest(self) -> str:
        return digest_of(dict(self.options))

    def for_video(self, video_id: str, upstream: tuple[str, ...]) -> RunSpec:
        """The same asked of another video. What comes of the options, the same object, is not worked out again."""
        other = replace(self, video_id=video_id, upstream=upstream)
        other.__dict__.update(options_digest=self.options_digest, _key_parts=self._key_parts)
        return other

    @cached_property
    def run_key(self) -> str:
        """SHA-256 over everything above: the same key means the same rows."""
        return self.key_for(self.video_id, self.upstream)

    def key_for(self, video_id: str, upstream: tuple[str, ...]) -> str:
        """The key of ``for_video``, without the spec: resuming a large folder asks for a million of them."""
        before, after = self._key_parts
        text = f"{before},{canonical_json(video_id)},{after},{canonical_json(sorted(upstream)) if upstream else '[]'}]"
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _key_parts(self) -> tuple[str, str]:
        """What the canonical JSON of a key says before the video, and between that and the upstream runs."""
        recipe = [self.annotator, self.version, self.options_digest, self.weights_sha256, self.time_range.key()]
        return canonical_json([self.tenant])[:-1], canonical_json(recipe)[1:-1]

    @cached_property
    def run_id(self) -> str:
        return run_id_of(self.run_key)

    @property
    def upstream_ids(self) -> tuple[str, ...]:
        """Ids of the runs that it was made from: ``upstream`` has their keys."""
        return tuple(map(run_id_of, self.upstream))


def run_id_of(run_key: str) -> str:
    """Deterministic id of the run with this key."""
    return _named_uuid(run_key)


def annotation_id(run_key: str, kind: str, start_pts: int, ordinal: int) -> str:
    """Deterministic id from the run, the type, the start and the order of emission; never from floats."""
    return _named_uuid(f"{run_key}/{kind}/{start_pts}/{ordinal}")


def _named_uuid(name: str) -> str:
    """The text of ``uuid.uuid5``, without the object: there is one for every annotation."""
    text = hashlib.sha1(_ID_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


@dataclass(frozen=True, slots=True)
class AnnotationRecord:
    """An annotation ready to be stored. ``emitted_at``: input consumed (frames or samples) when it was made, so that
    a later pass can hand it downstream at the same place."""

    annotation_id: str
    annotation: Annotation
    ordinal: int
    emitted_at: int


@dataclass(frozen=True, slots=True)
class QuarantinedAnnotation:
    """An annotation that failed a quality gate: none of the run's rows, but kept beside them with its ``reason`` (a
    code) and a ``message``. ``ordinal``: among those of its run. ``content``: what it said, as JSON values, cut short
    where it is long."""

    ordinal: int
    emitted_at: int
    type: str
    reason: str
    message: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """An annotation as a query returns it, with where it comes from."""

    annotation_id: str
    annotation: Annotation
    video_id: str
    uri: str
    run_id: str
    annotator: str
    start_us: int
    end_us: int
    ordinal: int
    emitted_at: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is, apart from what it consumed (which the engine counts).

    ``final_until``: no later row can start before it (coverage). ``replay_from``: first input (frame index or sample
    index) needed again to rebuild transient state after a restart; ``None`` means none.
    """

    final_until: Timestamp | None
    replay_from: int | None = None
