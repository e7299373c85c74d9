"""A real store, seen as the simulator sees its queue: jobs by name, and what is stored of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from filling import media, record
from twin import Kept

from cortexia.stores.base import Cause, Claim, JobRecord, RunWindow, StorageBackend, Window
from cortexia.types import JobState, Measure, Query, RunSpec, RunStatus, TimeSpan, Timestamp, VideoIdentity

SECOND = Fraction(1)


class StoredQueue:
    """Each job has two runs: ``frames``, which the windows belong to, and ``shots``, which may be accused."""

    def __init__(self, store: StorageBackend) -> None:
        self._store = store
        self._ids: dict[str, str] = {}
        self._specs: dict[str, tuple[RunSpec, RunSpec]] = {}

    # -- what the world looks at

    @property
    def jobs(self) -> Mapping[str, JobRecord]:
        names = {job_id: name for name, job_id in self._ids.items()}
        return {names[job.job_id]: replace(job, job_id=names[job.job_id]) for job in self._store.jobs()}

    @property
    def kept(self) -> Mapping[str, Kept]:
        return {name: self._kept(name) for name in self._ids}

    def _kept(self, name: str) -> Kept:
        failed = {run.spec.annotator for run in self._store.job_runs(self._ids[name]) if run.status is RunStatus.FAILED}
        run_id = self._specs[name][0].run_id
        rows = [row for row in self._store.find(Query()) if row.run_id == run_id]
        told = sorted((dict(row.annotation.values) for row in rows), key=lambda values: values["ordinal"])  # type: ignore[attr-defined]
        return Kept([(int(values["ordinal"]), int(values["attempt"])) for values in told], failed)

    # -- what workers do

    def submit(self, name: str, video: str, priority: int = 0) -> None:
        identity = VideoIdentity(hashlib.sha256(video.encode()).hexdigest(), f"/videos/{video}", video, 1)
        self._store.save_video(identity, media())
        self._specs[name] = specs = tuple(  # type: ignore[assignment]
            RunSpec(identity.video_id, annotator, "1", {"job": name}) for annotator in ("frames", "shots")
        )
        self._store.register_runs(specs, {})
        self._ids[name] = self._store.submit_job(identity, [spec.run_id for spec in specs], {}, priority=priority)

    def claim(self, worker: str, lease_s: float) -> Claim | None:
        claim = self._store.claim(worker, lease_s)
        if claim is None:
            return None
        name = next(name for name, job_id in self._ids.items() if job_id == claim.job.job_id)
        return Claim(replace(claim.job, job_id=name), claim.worker, claim.attempt)

    def _real(self, claim: Claim) -> Claim:
        return replace(claim, job=replace(claim.job, job_id=self._ids[claim.job.job_id]))

    def renew(self, claim: Claim, lease_s: float, session: str | None) -> JobRecord:
        return self._store.renew(self._real(claim), lease_s, session)

    def commit(self, claim: Claim, ordinal: int) -> None:
        spec = self._specs[claim.job.job_id][0]
        start = Timestamp(ordinal, SECOND)
        values = {"ordinal": float(ordinal), "attempt": float(claim.attempt)}
        row = record(spec, Measure(span=TimeSpan(start, start), label="window", values=values))
        part = RunWindow(spec.run_id, ordinal, (row,), ordinal + 1, start, None, {})
        with self._store.transaction(self._real(claim)) as transaction:
            transaction.save_window(Window(claim.job.video_id, (part,)))

    def release(self, claim: Claim, status: JobState, reason: str | None) -> None:
        self._store.release(self._real(claim), status, reason, None)

    def set_back(self, claim: Claim, cause: Cause) -> None:
        self._store.set_back(self._real(claim), cause, "failed")

    def abandon(self, name: str, worker: str) -> None:
        self._store.abandon(self._ids[name], worker, "died")

    def cancel(self, name: str) -> None:
        self._store.cancel_job(self._ids[name])
