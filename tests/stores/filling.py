"""Videos, runs, jobs and windows for tests of stores."""

from __future__ import annotations

import dataclasses
import itertools
import sys
import threading
from fractions import Fraction

from cortexia.stores import open_store
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import Claim, RunWindow, StorageBackend, Window
from cortexia.stores.lifecycle import RETRY_TABLE, Backoff, Growth, Rules
from cortexia.types import (
    Annotation,
    AnnotationRecord,
    BBox,
    Detection,
    JobState,
    MediaInfo,
    RunSpec,
    RunStatus,
    TimeSpan,
    Timestamp,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    VideoStream,
    annotation_id,
)

BASE = Fraction(1, 1000)
AT_ONCE = Rules({cause: dataclasses.replace(rule, backoff=Backoff(Growth.NONE)) for cause, rule in RETRY_TABLE.items()})
"""The retry table without its pauses."""


def identity(letter: str = "a") -> VideoIdentity:
    return VideoIdentity(letter * 64, f"/videos/{letter}.mp4", f"{letter}.mp4", 10)


def media(origin: Fraction = Fraction(0)) -> MediaInfo:
    video = VideoStream(0, "h264", 64, 36, 64, 36, 0, Fraction(1), BASE, Fraction(25), 9, "yuv420p", 0.0)
    return MediaInfo("mov", 10, 12.5, origin, video, None, Verdict(VerdictStatus.OK), {"title": "x"})


def spec(letter: str = "a", annotator: str = "boxes", **changes) -> RunSpec:
    return RunSpec(identity(letter).video_id, annotator, "1", **changes)


def box(start: int, label: str = "cat", confidence: float = 0.9) -> Detection:
    span = TimeSpan(Timestamp(start, BASE), Timestamp(start + 40, BASE))
    return Detection(span=span, label=label, confidence=confidence, frame_index=start // 40, bbox=BBox(1, 2, 4, 8))


def record(run: RunSpec, annotation: Annotation, ordinal: int = 0) -> AnnotationRecord:
    start = annotation.span.start.pts
    emitted_at = annotation.frame_index or 0
    return AnnotationRecord(
        annotation_id(run.run_key, annotation.type, start, ordinal), annotation, ordinal, emitted_at
    )


def part(run: RunSpec, ordinal: int, annotations: list[Annotation], **changes) -> RunWindow:
    records = tuple(record(run, annotation) for annotation in annotations)
    final = Timestamp(ordinal * 1000, BASE)
    made = RunWindow(run.run_id, ordinal, records, 25 * (ordinal + 1), final, None, {"session": {"n": ordinal}})
    return dataclasses.replace(made, **changes)


def submitted(store: StorageBackend, *specs: RunSpec, letter: str = "a") -> str:
    store.save_video(identity(letter), media())
    store.register_runs(list(specs), {"software": {"cortexia": "0"}})
    return store.submit_job(identity(letter), [one.run_id for one in specs], {"annotators": []})


def claimed(store: StorageBackend, *specs: RunSpec, letter: str = "a", worker: str = "w1") -> Claim:
    claim = store.claim(worker, 30.0, submitted(store, *specs, letter=letter))
    assert claim is not None
    return claim


def commit(store: StorageBackend, claim: Claim, *parts: RunWindow, **more) -> None:
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(claim.job.video_id, parts, **more))


def completed(store: StorageBackend, run: RunSpec, annotations: list[Annotation], letter: str = "a") -> None:
    claim = claimed(store, run, letter=letter)
    commit(store, claim, part(run, 0, annotations, status=RunStatus.COMPLETED))
    store.release(claim, JobState.COMPLETED, None, None)


def remember_side_by_side(store: StorageBackend, each: int) -> None:
    """Three threads that write ``each`` entries into the audit log, at the same time."""

    def write(name: str) -> None:
        for number in range(each):
            store.upkeep.remember(AuditEvent("test.written", f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def load(location: str) -> None:
    """What ``python filling.py LOCATION`` does: writes one run after the other, without end, and tells their number."""
    store = open_store(location)
    for number in itertools.count(1):
        run = spec("c", annotator="load", options={"n": number})
        completed(store, run, [box(40 * at) for at in range(200)], letter="c")
        print(number, flush=True)  # noqa: T201 - whoever started it reads that


if __name__ == "__main__":
    load(sys.argv[1])
