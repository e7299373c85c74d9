"""The files ``record/video.json`` and ``record/runs.json``: what is known of a video beside its windows.

``runs.json`` holds each run as registered. How far it is, and what became of it, is in the windows; only what no window
says is here: a start afresh (``since``: earlier windows do not count for it), a failure that somebody else saw
(``failed``), and a superseded run that was asked for again (``wanted``, with the number of windows at that moment).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.lifecycle import starts_afresh
from cortexia.stores.sql import runs as run_rows
from cortexia.stores.sql import schema, videos
from cortexia.types import MediaInfo, RunSpec, RunStatus, TimeRange, VideoIdentity

_WHO_AND_WHEN = ("created_at", "created_by", "updated_at", "updated_by")
TOUCHED = ("updated_at", "updated_by")
"""Change with every change, and are none by themselves."""


def video_content(
    connection: Connection, identity: VideoIdentity, media: MediaInfo | None, before: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``video.json`` is to hold; ``before``: what it holds."""
    columns = [schema.videos.c[name] for name in _WHO_AND_WHEN]
    known = select(*columns, schema.videos.c.deleted_at).where(schema.videos.c.video_id == identity.video_id)
    return {
        "video_id": identity.video_id,
        "uri": identity.uri,
        "filename": identity.filename,
        "size_bytes": identity.size_bytes,
        "media": before.get("media") if media is None else videos.media_to_json(media),
        **connection.execute(known).one()._mapping,
    }


def load_video(connection: Connection, content: Mapping[str, Any]) -> None:
    """Insert the row of a video."""
    identity = VideoIdentity(content["video_id"], content["uri"], content["filename"], content["size_bytes"])
    media = content["media"]
    videos.save(connection, identity, None if media is None else videos.media_from_json(media))
    own = schema.videos.c.video_id == identity.video_id
    values = {name: content.get(name) for name in (*_WHO_AND_WHEN, "deleted_at")}
    values["updated_at"] = values["updated_at"] or content["created_at"]
    connection.execute(update(schema.videos).where(own).values(**values))


class RegisteredRuns:
    """The content of ``runs.json``, changed together with the rows of the index."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._runs: dict[str, dict[str, Any]] = {entry["run_id"]: dict(entry) for entry in content.get("runs", ())}
        self._wanted: list[dict[str, Any]] = list(content.get("wanted", ()))
        self.removed: set[str] = set(content.get("removed", ()))
        """Runs that were put away, of which windows or jobs may still tell."""

    def content(self) -> dict[str, Any]:
        return {"runs": list(self._runs.values()), "wanted": self._wanted, "removed": sorted(self.removed)}

    # -- changes

    def register(self, connection: Connection, spec: RunSpec, provenance: Mapping[str, Any], windows: int) -> None:
        """As ``sql.runs.register``; ``windows``: how many there are by now."""
        columns = (schema.runs.c.status, schema.runs.c.reason)
        before = connection.execute(select(*columns).where(schema.runs.c.run_id == spec.run_id)).one_or_none()
        run_rows.register(connection, spec, provenance)
        if before is None:
            self._runs[spec.run_id] = run_entry(connection, spec, provenance, windows)
            self.removed.discard(spec.run_id)
        elif starts_afresh(RunStatus(before.status), before.reason):
            self._runs[spec.run_id] |= {"provenance": dict(provenance), "since": windows + 1, "failed": None}
        elif before.status == RunStatus.SUPERSEDED:
            self._wanted.append({"run_id": spec.run_id, "windows": windows, **_touched(connection, spec.run_id)})

    def fail(self, connection: Connection, run_id: str) -> None:
        """The run failed otherwise than by a window of its own."""
        columns = [schema.runs.c[name] for name in ("reason", "message", "completed_at", *TOUCHED)]
        row = connection.execute(select(*columns).where(schema.runs.c.run_id == run_id)).one()
        self._runs[run_id]["failed"] = row._asdict()

    def remove(self, run_ids: Collection[str]) -> None:
        """Take runs out: from the moment when this is stored, no window and no job counts for them."""
        for run_id in run_ids:
            del self._runs[run_id]
        self._wanted = [wish for wish in self._wanted if wish["run_id"] not in run_ids]
        self.removed.update(run_ids)

    # -- into the index

    def load(self, connection: Connection, video_id: str) -> None:
        """Insert the rows of the runs, as they were before any window."""
        for entry in self._runs.values():
            run_rows.register(connection, _spec(entry, video_id), entry["provenance"])
            who, when = entry.get("created_by"), entry["created_at"]
            _update(connection, entry["run_id"], created_at=when, created_by=who, updated_at=when, updated_by=who)

    def load_wanted(self, connection: Connection, video_id: str, windows: int) -> None:
        """Make current again what was asked for when there were so many windows."""
        for wish in self._wanted:
            if wish["windows"] == windows:
                entry = self._runs[wish["run_id"]]
                run_rows.register(connection, _spec(entry, video_id), entry["provenance"])
                touched = {name: wish.get(name) for name in TOUCHED}
                _update(connection, wish["run_id"], **touched)
                touch_superseded(connection, wish["run_id"], touched)

    def load_failures(self, connection: Connection) -> None:
        for entry in self._runs.values():
            if entry["failed"] is not None:
                touched = {"updated_at": entry["failed"]["completed_at"], "updated_by": None}
                _update(connection, entry["run_id"], status=RunStatus.FAILED.value, **{**touched, **entry["failed"]})

    def counts(self, run_id: str, number: int) -> bool:
        """Whether the window of this number counts for a run: it does not where the run began anew later, or went."""
        if run_id in self.removed:
            return False
        if run_id not in self._runs:
            raise DataInconsistencyError(
                f"window {number} is of run {run_id}, which record/runs.json does not name; restore it from a backup"
            )
        return bool(number >= self._runs[run_id]["since"])


def touch_superseded(connection: Connection, run_id: str, touched: Mapping[str, Any]) -> None:
    """Runs that gave way to ``run_id`` did so when that was made."""
    connection.execute(update(schema.runs).where(schema.runs.c.superseded_by == run_id).values(**touched))


def _touched(connection: Connection, run_id: str) -> dict[str, Any]:
    columns = [schema.runs.c[name] for name in TOUCHED]
    return connection.execute(select(*columns).where(schema.runs.c.run_id == run_id)).one()._asdict()


def run_entry(connection: Connection, spec: RunSpec, provenance: Mapping[str, Any], windows: int) -> dict[str, Any]:
    """``windows``: how many there are; those of a run that was put away before do not count for this one."""
    created = select(schema.runs.c.created_at, schema.runs.c.created_by).where(schema.runs.c.run_id == spec.run_id)
    return {
        "run_id": spec.run_id,
        "annotator": spec.annotator,
        "version": spec.version,
        "options": dict(spec.options),
        "weights_sha256": spec.weights_sha256,
        "range": [spec.time_range.start_s, spec.time_range.end_s],
        "upstream": list(spec.upstream),
        "tenant": spec.tenant,
        "provenance": dict(provenance),
        **connection.execute(created).one()._mapping,
        "since": windows + 1,
        "failed": None,
    }


def _spec(entry: Mapping[str, Any], video_id: str) -> RunSpec:
    return RunSpec(
        video_id=video_id,
        annotator=entry["annotator"],
        version=entry["version"],
        options=entry["options"],
        weights_sha256=entry["weights_sha256"],
        time_range=TimeRange(*entry["range"]),
        upstream=tuple(entry["upstream"]),
        tenant=entry["tenant"],
    )


def _update(connection: Connection, run_id: str, **values: Any) -> None:
    connection.execute(update(schema.runs).where(schema.runs.c.run_id == run_id).values(**values))
