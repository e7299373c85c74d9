"""A window as a file, which is the commit, and its way into the index.

Rows are checked by the index on their way: its constraints and its read-back come first, and only what it gave back is
written to the file.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cortexia.errors import DataInconsistencyError
from cortexia.stores.base import Window
from cortexia.stores.files.records import TOUCHED, RegisteredRuns, touch_superseded
from cortexia.stores.sql import quarantine, videos
from cortexia.stores.sql import runs as run_rows
from cortexia.stores.sql.digest import rows_digest
from cortexia.stores.sql.rows import COLUMNS, CONTENT, Provenance
from cortexia.stores.sql.schema import annotation_rows, blobs, jobs, runs, windows
from cortexia.stores.sql.windows import SqlTransaction
from cortexia.types import Anchor, JobState, KeyPicture, QuarantinedAnnotation, RunStatus, Verdict

PROGRESS = ("status", "reason", "message", "position", "final_until_us", "replay_from", "state")
_COUNTS = ("annotation_count", "quarantined_count", "windows", "processing_s")
RUN = (*PROGRESS, *_COUNTS, "started_at", "completed_at", *TOUCHED)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MARKS = ", ".join("?" * len(COLUMNS))
_INSERT = f"INSERT INTO annotations ({', '.join(COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608 - constants  # nosec B608
_WRITTEN = f"SELECT run_id, {', '.join(CONTENT)} FROM annotations WHERE seq > ? ORDER BY seq"  # noqa: S608 - constants  # nosec B608


class FileTransaction:
    """See ``stores.base.Transaction``: writes to the index, and keeps what the file of the window has to say."""

    def __init__(self, connection: Connection, inner: SqlTransaction) -> None:
        self._connection = connection
        self._inner = inner
        self._saved: list[Window] = []
        self._end: dict[str, Any] | None = None
        self._before: int = connection.execute(select(func.coalesce(func.max(annotation_rows.c.seq), 0))).scalar_one()

    def save_window(self, window: Window) -> None:
        self._inner.save_window(window)
        self._saved.append(window)

    def finish_job(self, status: JobState, reason: str | None = None, message: str | None = None) -> None:
        self._inner.finish_job(status, reason, message)
        self._end = {"status": status.value, "reason": reason, "message": message}

    def content(self) -> dict[str, Any] | None:
        """What the file is to hold; ``None`` where no window was saved. ``windows``: how many this commit is made of;
        ``ends_job``: so that the window and the end of its job are one commit."""
        if not self._saved:
            return None
        verdicts = [window.verdict for window in self._saved if window.verdict is not None]
        anchors = [window.anchors for window in self._saved if window.anchors]
        return {
            "windows": len(self._saved),
            "parts": self._parts(),
            "anchors": [anchor.as_dict() for anchor in anchors[-1]] if anchors else [],
            "verdict": verdicts[-1].as_dict() if verdicts else None,
            "blobs": self._blobs(),
            "columns": list(CONTENT),
            "ends_job": self._end,
        }

    def _parts(self) -> list[dict[str, Any]]:
        rows: dict[str, list[Any]] = {part.run_id: [] for window in self._saved for part in window.runs}
        for row in self._connection.exec_driver_sql(_WRITTEN, (self._before,)):
            rows[row[0]].append(list(row[1:]))
        parts = []
        for window in self._saved:
            for part in window.runs:
                own = (windows.c.run_id == part.run_id, windows.c.ordinal == part.ordinal)
                written = self._connection.execute(select(windows).where(*own)).one()
                count = written.row_count
                aside = [quarantine.to_dict(item) for item in part.quarantined]
                parts.append({**_part(self._connection, written, rows[part.run_id][:count]), "quarantined": aside})
                del rows[part.run_id][:count]
        return parts

    def _blobs(self) -> list[list[Any]]:
        pictures = [
            record.annotation
            for window in self._saved
            for part in window.runs
            for record in part.records
            if isinstance(record.annotation, KeyPicture)
        ]
        digests = sorted({digest for item in pictures for digest in (item.picture, item.thumbnail)})
        columns = (blobs.c.sha256, blobs.c.suffix, blobs.c.size_bytes)
        found = [self._connection.execute(select(*columns).where(blobs.c.sha256 == digest)).one() for digest in digests]
        return [list(row) for row in found]


def _part(connection: Connection, written: Any, rows: list[Any]) -> dict[str, Any]:
    """One run's share. ``run``: what its row says after this window."""
    run = connection.execute(select(*(runs.c[name] for name in RUN)).where(runs.c.run_id == written.run_id)).one()
    return {
        "run_id": written.run_id,
        "ordinal": written.ordinal,
        "created_at": written.created_at,
        "rows_sha256": written.rows_sha256,
        "run": run._asdict(),
        "rows": rows,
    }


# -- into the index


def load(connection: Connection, path: Path, content: Mapping[str, Any], registered: RegisteredRuns) -> None:
    """Insert the rows of a window, and move its runs to its end. Raises ``DataInconsistencyError`` for rows that are
    not those of their digest, and for a window whose job is not there."""
    job_id = content["job_id"]
    # who touched the job, and when, is in its own file
    same = {name: jobs.c[name] for name in TOUCHED}
    more = {"windows": jobs.c.windows + content["windows"], **same}
    counted = update(jobs).where(jobs.c.job_id == job_id).values(**more)
    if connection.execute(counted).rowcount != 1:
        raise DataInconsistencyError(
            f"{path} belongs to job {job_id}, whose file is missing; restore jobs/{job_id}/job.json from a backup"
        )
    counted_parts = [part for part in content["parts"] if registered.counts(part["run_id"], content["number"])]
    for digest, suffix, size_bytes in named_blobs(content, counted_parts):
        known = select(blobs.c.sha256).where(blobs.c.sha256 == digest)
        if connection.execute(known).one_or_none() is None:
            connection.execute(insert(blobs).values(sha256=digest, suffix=suffix, size_bytes=size_bytes))
    for part in counted_parts:
        _load_part(connection, path, content, part)
    verdict = content["verdict"]
    videos.save_reading(
        connection,
        content["video_id"],
        tuple(Anchor(**anchor) for anchor in content["anchors"]),
        None if verdict is None else Verdict.from_dict(verdict),
    )


def _load_part(connection: Connection, path: Path, content: Mapping[str, Any], part: Mapping[str, Any]) -> None:
    run_id, rows, run = part["run_id"], part["rows"], part["run"]
    if content["columns"] != list(CONTENT) or rows_digest(rows, CONTENT) != part["rows_sha256"]:
        raise DataInconsistencyError(f"{path}: the rows of run {run_id} are not those that were written")
    row = {
        "run_id": run_id,
        "ordinal": part["ordinal"],
        "job_id": content["job_id"],
        "position": run["position"],
        "final_until_us": run["final_until_us"],
        "row_count": len(rows),
        "rows_sha256": part["rows_sha256"],
        "created_at": part["created_at"],
    }
    connection.execute(insert(windows).values(**row))
    owner = connection.execute(select(runs.c.pipeline_id).where(runs.c.run_id == run_id)).scalar_one()
    source = Provenance(run_id, part["ordinal"], content["video_id"], content["job_id"], owner, part["created_at"])
    if rows:
        tail = dataclasses.astuple(source)
        connection.exec_driver_sql(_INSERT, [(*values, *tail) for values in rows])
    # windows of before there were gates name none
    quarantine.save(connection, [QuarantinedAnnotation(**item) for item in part.get("quarantined", ())], source)
    # windows of the first layout do not say who and when
    touched = {"updated_at": run.get("updated_at", part["created_at"]), "updated_by": run.get("updated_by")}
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(**{**run, **touched}))
    if run["status"] == RunStatus.COMPLETED:
        run_rows.supersede_others(connection, run_id)
        touch_superseded(connection, run_id, touched)


def named_blobs(content: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Those of a window's blobs that rows of ``parts`` need."""
    if len(parts) == len(content["parts"]):
        return list(content["blobs"])
    at = content["columns"].index("data")
    needed = {digest for part in parts for row in part["rows"] for digest in _DIGEST.findall(row[at])}
    return [blob for blob in content["blobs"] if blob[0] in needed]
