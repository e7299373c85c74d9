"""Rows of ``videos``: identity, what a probe learned, what came of reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.base import VideoRecord
from cortexia.stores.sql.schema import videos
from cortexia.types import (
    Anchor,
    AudioStream,
    JobState,
    MediaInfo,
    Verdict,
    VideoIdentity,
    VideoStream,
)

PROBE, PASS = "probe", "pass"


def save(connection: Connection, identity: VideoIdentity, media: MediaInfo | None) -> None:
    """Insert, or refresh what may change: where the file lies, and what the probe says. A pass's verdict stays."""
    values: dict[str, Any] = {
        "filename": identity.filename,
        "file_path": identity.uri,
        "size_bytes": identity.size_bytes,
        # a deleted video that is given again is wanted again
        "deleted_at": None,
    }
    source = connection.execute(
        select(videos.c.verdict_source).where(videos.c.video_id == identity.video_id)
    ).one_or_none()
    if media is not None:
        values |= {"media": media_to_json(media), "duration": media.duration_s or None}
        if source is None or source.verdict_source != PASS:
            values |= {"verdict": media.verdict.as_dict(), "verdict_source": PROBE}
    if source is None:
        connection.execute(insert(videos).values(video_id=identity.video_id, **values))
    else:
        _update(connection, identity.video_id, values)


def save_reading(connection: Connection, video_id: str, anchors: tuple[Anchor, ...], verdict: Verdict | None) -> None:
    """What a pass has learned so far: the newest anchors, and at its end the verdict."""
    values: dict[str, Any] = {}
    if anchors:
        values["anchors"] = [anchor.as_dict() for anchor in anchors]
    if verdict is not None:
        values |= {"verdict": verdict.as_dict(), "verdict_source": PASS}
    if values:
        _update(connection, video_id, values)


def set_status(connection: Connection, video_id: str, status: JobState) -> None:
    connection.execute(_SET_STATUS, {"of_video": video_id, "new_status": status.value})


_SET_STATUS = (
    update(videos)
    .where(videos.c.video_id == bindparam("of_video"))
    .values(processing_status=bindparam("new_status"), updated_at=func.current_timestamp())
)


def _update(connection: Connection, video_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(
        update(videos).where(videos.c.video_id == video_id).values(updated_at=func.current_timestamp(), **values)
    )


def origin(connection: Connection, video_id: str) -> Fraction:
    """Zero of the stored times, in seconds of the container's clock."""
    media = connection.execute(_MEDIA, {"of_video": video_id}).scalar_one()
    if media is None:
        raise DataInconsistencyError(f"video {video_id} was never probed: save its media info before its annotations")
    return Fraction(media["origin"])


_MEDIA = select(videos.c.media).where(videos.c.video_id == bindparam("of_video"))


def find_deleted(connection: Connection, before: str | None = None) -> Iterator[VideoRecord]:
    """Videos that were deleted, up to a moment."""
    statement = select(videos).where(videos.c.deleted_at.is_not(None)).order_by(videos.c.video_id)
    if before is not None:
        statement = statement.where(videos.c.deleted_at <= before)
    for row in connection.execute(statement).all():
        yield _record(row)


def find(connection: Connection, video_id: str | None = None) -> Iterator[VideoRecord]:
    """Every video, or the one named, in order of id; without those that were deleted."""
    statement = select(videos).where(videos.c.deleted_at.is_(None)).order_by(videos.c.video_id)
    if video_id is not None:
        statement = statement.where(videos.c.video_id == video_id)
    for row in connection.execute(statement.execution_options(yield_per=100)):
        yield _record(row)


def _record(row: Any) -> VideoRecord:
    return VideoRecord(
        identity=VideoIdentity(row.video_id, row.file_path, row.filename, row.size_bytes),
        media=None if row.media is None else media_from_json(row.media),
        verdict=None if row.verdict is None else Verdict.from_dict(row.verdict),
        anchors=tuple(Anchor(**anchor) for anchor in row.anchors),
    )


def media_to_json(media: MediaInfo) -> dict[str, Any]:
    """JSON values of all that ``media`` says; fractions as text such as ``1/90000``."""
    return {
        **{item.name: _plain(getattr(media, item.name)) for item in dataclasses.fields(media)},
        "verdict": media.verdict.as_dict(),
        "video": None if media.video is None else _stream_to_json(media.video),
        "audio": None if media.audio is None else _stream_to_json(media.audio),
    }


def media_from_json(data: Mapping[str, Any]) -> MediaInfo:
    video, audio = data["video"], data["audio"]
    fields = {
        **data,
        "origin": Fraction(data["origin"]),
        "verdict": Verdict.from_dict(data["verdict"]),
        "video": None if video is None else VideoStream(**_with_fractions(video, _VIDEO_FRACTIONS)),
        "audio": None if audio is None else AudioStream(**_with_fractions(audio, _AUDIO_FRACTIONS)),
    }
    return MediaInfo(**fields)


_VIDEO_FRACTIONS = ("sample_aspect", "time_base", "average_rate")
_AUDIO_FRACTIONS = ("time_base",)


def _stream_to_json(stream: VideoStream | AudioStream) -> dict[str, Any]:
    return {item.name: _plain(getattr(stream, item.name)) for item in dataclasses.fields(stream)}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return dict(value) if isinstance(value, Mapping) else value


def _with_fractions(data: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    parsed = {name: Fraction(data[name]) for name in names if data[name] is not None}
    return {**data, **parsed}
