"""The commit of a window: fence, rows, read-back and progress in one transaction."""

from __future__ import annotations

from fractions import Fraction

from sqlalchemy import Connection, insert, literal_column, select

from cortexia.errors import DataInconsistencyError, ValidationError
from cortexia.stores.base import BlobStore, Claim, RunWindow, Window
from cortexia.stores.sql import quarantine, runs, videos
from cortexia.stores.sql.columns import MOMENT
from cortexia.stores.sql.digest import rows_digest
from cortexia.stores.sql.jobs import JobRows
from cortexia.stores.sql.locks import Lock, hold
from cortexia.stores.sql.rows import CONTENT, Provenance, Row, records_to_rows
from cortexia.stores.sql.schema import blobs, windows
from cortexia.stores.sql.writing import insert_rows
from cortexia.types import JobState, KeyPicture, canonical_json

STATE_LIMIT_BYTES = 64 * 1024


class SqlTransaction:
    """Writes of one claim inside an open transaction; each of them passes the fence first."""

    def __init__(self, connection: Connection, claim: Claim, blob_store: BlobStore, jobs: JobRows) -> None:
        self._jobs = jobs
        self._connection = connection
        self._claim = claim
        self._blobs = blob_store
        self._now: str = connection.execute(_NOW).scalar_one()

    def save_window(self, window: Window) -> None:
        """See ``stores.base.Transaction``. Raises ``DataInconsistencyError`` for a window that does not follow the last
        one, for rows that clash or read back otherwise, and for pictures that are not in the blob store;
        ``ValidationError`` for values that have no place in the database."""
        job = self._claim.job
        if window.video_id != job.video_id:
            raise DataInconsistencyError(f"window of video {window.video_id} offered to job {job.job_id} of another")
        self._jobs.commit(self._claim)
        origin = videos.origin(self._connection, window.video_id)
        for part in window.runs:
            self._save_run(part, origin)
        videos.save_reading(self._connection, window.video_id, window.anchors, window.verdict)

    def finish_job(self, status: JobState, reason: str | None = None, message: str | None = None) -> None:
        self._jobs.release(self._claim, status, reason, message)

    def _save_run(self, part: RunWindow, origin: Fraction) -> None:
        job = self._claim.job
        run = runs.open_run(self._connection, part.run_id, job.job_id)
        if part.ordinal != run.windows:
            raise DataInconsistencyError(
                f"run {part.run_id}: window {part.ordinal} offered where window {run.windows} is due"
            )
        _check_state(part)
        final_until_us = None if part.final_until is None else max(0, part.final_until.micros(origin))
        source = Provenance(part.run_id, part.ordinal, job.video_id, job.job_id, run.pipeline_id, self._now)
        rows = records_to_rows(part.records, origin, source)
        row = {
            "run_id": part.run_id,
            "ordinal": part.ordinal,
            "job_id": job.job_id,
            "position": part.position,
            "final_until_us": final_until_us,
            "row_count": len(rows),
            "rows_sha256": rows_digest(rows, CONTENT),
        }
        self._connection.execute(_NEW_WINDOW, row)
        self._save_blobs(part)
        if rows:
            self._insert_verified(rows, part)
        quarantine.save(self._connection, part.quarantined, source)
        runs.advance(self._connection, part, final_until_us)

    def _insert_verified(self, rows: list[Row], part: RunWindow) -> None:
        """Insert ``rows``, read them back, and compare value by value with what was meant."""
        read = 0
        for chunk in insert_rows(self._connection, rows):
            if chunk != rows[read : read + len(chunk)]:
                raise DataInconsistencyError(_mismatch(part, "rows differ from what was written"))
            read += len(chunk)
        if read != len(rows):
            raise DataInconsistencyError(_mismatch(part, f"{read} rows where {len(rows)} were written"))

    def _save_blobs(self, part: RunWindow) -> None:
        """Name the pictures of these rows in ``blobs``; they must have been put before (and be durable)."""
        pictures = [record.annotation for record in part.records if isinstance(record.annotation, KeyPicture)]
        if pictures:
            # before rows get their numbers: see retention.last_row
            hold(self._connection, Lock.BLOBS, shared=True)
        for picture in pictures:
            self._save_blob(picture.picture)
            self._save_blob(picture.thumbnail)

    def _save_blob(self, digest: str) -> None:
        path = self._blobs.path(digest)
        known = self._connection.execute(select(blobs.c.sha256).where(blobs.c.sha256 == digest)).one_or_none()
        if known is None:
            values = {"sha256": digest, "suffix": path.suffix, "size_bytes": path.stat().st_size}
            self._connection.execute(insert(blobs).values(**values))


_NEW_WINDOW = insert(windows)
_NOW = select(literal_column("CURRENT_TIMESTAMP", MOMENT))


def _mismatch(part: RunWindow, what: str) -> str:
    return f"run {part.run_id}, window {part.ordinal}: read-back found {what}; the window was rolled back"


def _check_state(part: RunWindow) -> None:
    size = len(canonical_json(dict(part.state)).encode())
    if size > STATE_LIMIT_BYTES:
        raise ValidationError(f"run {part.run_id}: state has {size} bytes, at most {STATE_LIMIT_BYTES}")
