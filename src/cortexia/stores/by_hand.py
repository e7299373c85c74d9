"""Annotations that a program brings along, beside those that annotators make: the same rows, ids and checks.

Every store has these methods; they are made of the others, and no store does them in its own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cortexia.errors import StoreError, ValidationError
from cortexia.provenance import actor, software
from cortexia.stores.base import JobRecord, RunRecord, RunWindow, StorageBackend, Window
from cortexia.types import (
    Annotation,
    AnnotationRecord,
    JobState,
    RunSpec,
    RunStatus,
    annotation_id,
    canonical_json,
    digest_of,
)

VERSION = "by-hand"
"""Of runs that no annotator made."""
METADATA = "metadata"
_LEASE_S = 60.0


class KeepsByHand:
    """What ``StorageBackend`` offers to programs that make annotations on their own."""

    def save_annotations(self: StorageBackend, job_id: str, pipeline: str, annotations: Iterable[Annotation]) -> str:
        """Id of a completed run of ``pipeline`` with these rows, in a job that is there; stored are all or none.

        The same again changes nothing; other rows become current in place of those. The job is in the state that it was
        in. Raises ``StoreError`` where there is no such job, ``StoreBusyError`` while a worker is at the video,
        ``DataInconsistencyError`` where its media info was never saved, ``ValidationError`` for rows that no store
        takes.
        """
        job = _required(self, job_id)
        rows = list(annotations)
        spec = RunSpec(job.video_id, _named(pipeline), VERSION, {"rows_sha256": _digest(rows)})
        self.register_runs([spec], {**software(), "by": actor()})
        run = self.run(spec.run_id)
        if run is None or run.status is not RunStatus.COMPLETED or not _is_of(self, spec.run_id, job_id):
            _commit(self, job, spec, rows)
        return spec.run_id

    def load_annotations(self: StorageBackend, job_id: str, pipeline: str) -> tuple[Annotation, ...]:
        """Rows that the job has of a pipeline, or of an annotator by its name, in the order (start, type, id); those of
        the newest run where it has several of one annotator."""
        found = [
            row
            for run in _runs_of(self, job_id, pipeline)
            if run.status is RunStatus.COMPLETED
            for row in self.emitted(run.run_id, 0, None)
        ]
        found.sort(key=lambda row: (row.start_us, row.annotation.type, row.annotation_id))
        return tuple(row.annotation for row in found)

    def annotation_exists(self: StorageBackend, job_id: str, pipeline: str) -> bool:
        """Whether the job looked for what a pipeline, or an annotator, finds: also where it found none."""
        runs = _runs_of(self, job_id, pipeline)
        return bool(runs) and all(run.status in (RunStatus.COMPLETED, RunStatus.SUPERSEDED) for run in runs)

    def save_job_metadata(self: StorageBackend, job_id: str, metadata: Mapping[str, Any]) -> None:
        """Keep JSON values of the caller's own with a job, in place of those that it had."""
        canonical_json(dict(metadata))
        self.note_job(job_id, METADATA, dict(metadata))

    def load_job_metadata(self: StorageBackend, job_id: str) -> dict[str, Any]:
        """What was saved with a job; empty where nothing was."""
        return dict(_required(self, job_id).config.get(METADATA, {}))


def _required(store: StorageBackend, job_id: str) -> JobRecord:
    job = store.job(job_id)
    if job is None:
        raise StoreError(f"there is no job {job_id} in {store.location}")
    return job


def _named(pipeline: str) -> str:
    if not pipeline.isidentifier():
        raise ValidationError(f"a pipeline is named by letters, digits and underscores, got {pipeline!r}")
    return pipeline


def _digest(annotations: Sequence[Annotation]) -> str:
    return digest_of([repr(annotation) for annotation in annotations])


def _runs_of(store: StorageBackend, job_id: str, pipeline: str) -> list[RunRecord]:
    members = (pipeline, *_required(store, job_id).config.get("pipelines", {}).get(pipeline, ()))
    return [run for run in store.job_runs(job_id) if run.spec.annotator in members]


def _is_of(store: StorageBackend, run_id: str, job_id: str) -> bool:
    return any(run.run_id == run_id for run in store.job_runs(job_id))


def _commit(store: StorageBackend, job: JobRecord, spec: RunSpec, annotations: Sequence[Annotation]) -> None:
    """The rows, and the job as it was, in one transaction."""
    run = store.run(spec.run_id)
    claim = store.take_job(job.job_id, [spec.run_id], actor(), _LEASE_S)
    status = JobState.QUEUED if job.status is JobState.RETRYING else job.status
    try:
        with store.transaction(claim) as transaction:
            if run is None or run.status is not RunStatus.COMPLETED:
                transaction.save_window(Window(job.video_id, (_window(spec, annotations),)))
            transaction.finish_job(status, job.reason, job.error_message)
    except BaseException:
        store.release(claim, status, job.reason, job.error_message)
        raise


def _window(spec: RunSpec, annotations: Sequence[Annotation]) -> RunWindow:
    seen: Counter[tuple[str, int]] = Counter()
    records = []
    for at, annotation in enumerate(annotations):
        kind, start = annotation.type, annotation.span.start.pts
        ordinal = seen[kind, start]
        seen[kind, start] += 1
        records.append(
            AnnotationRecord(annotation_id(spec.run_key, kind, start, ordinal), annotation, ordinal, emitted_at=at)
        )
    return RunWindow(spec.run_id, 0, tuple(records), len(records), None, None, {}, RunStatus.COMPLETED)
