"""A store that is a folder, what it says, and the files that it is made of."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from filling import box, claimed, commit, completed, part, spec, submitted

from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores.files.backend import FileStorageBackend
from cortexia.types import Caption, JobState, KeyPicture, QuarantinedAnnotation, RunStatus


def export(store) -> bytes:
    out = io.BytesIO()
    JsonlExporter().write(ExportSource(store), out)
    return out.getvalue()


def everything(store) -> tuple:
    """All that a store says, whatever it goes through for it."""
    runs = list(store.runs(current_only=False))
    rows = [(run.run_id, list(store.emitted(run.run_id, 0, None))) for run in runs]
    jobs = list(store.jobs())
    of_jobs = [store.job_runs(job.job_id) for job in jobs]
    aside = [list(store.quarantined(run.run_id)) for run in runs]
    return export(store), list(store.videos()), runs, jobs, rows, of_jobs, aside


def drop_index(base: Path) -> None:
    for path in base.glob(".index.db*"):
        path.unlink()


def reopened(base: Path) -> tuple:
    with contextlib.closing(FileStorageBackend(base)) as store:
        return everything(store)


def files_of(base: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(base)): path.read_bytes()
        for path in sorted(base.rglob("*"))
        if path.is_file() and ".index" not in path.name
    }


def eventful(store) -> None:
    """Windows, a picture, a superseded run that is wanted again, a failed one that began anew, and poison."""
    digest = store.blobs.put(b"picture", ".jpg")
    fields = {"span": box(0).span, "picture": digest, "thumbnail": digest, "width": 1, "height": 1, "quality": 1.0}
    old, new = spec(options={"a": 1}), spec(options={"a": 2})
    completed(store, old, [box(0), box(80), box(40), KeyPicture(**fields)])
    completed(store, new, [box(40, confidence=0.1 + 0.2)])
    store.register_runs([old], {})
    shaky = spec(annotator="shaky")
    claim = claimed(store, shaky)
    commit(store, claim, part(shaky, 0, [box(0)]))
    commit(store, claim, part(shaky, 1, [box(40)], status=RunStatus.FAILED, reason="annotator", message="boom"))
    store.release(claim, JobState.FAILED, "error", "boom")
    again = claimed(store, shaky)
    aside = QuarantinedAnnotation(0, 7, "detection", "mask", "too small", {"label": "cat"})
    more = {"quarantined": (aside,), "quarantined_count": 3}
    commit(store, again, part(shaky, 0, [box(120)], **more), anchors=())
    store.release(again, JobState.QUEUED, None, None)
    poison = spec("b", annotator="poison")
    job_id = submitted(store, poison, letter="b")
    for death in range(2):
        store.renew(store.claim(f"w{death}", 30.0, job_id), 30.0, "poison")
        store.abandon(job_id, f"w{death}", "it died", "last words")
    completed(store, spec("c", annotator="loudness"), [Caption(span=box(0).span, text="ünï ' \"")], letter="c")
