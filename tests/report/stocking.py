"""Rows as annotators of other rooms make them, put into a store through its public face."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from cortexia.app import App
from cortexia.config import Settings
from cortexia.stores.base import RunWindow, StorageBackend, Window
from cortexia.types import (
    Annotation,
    AnnotationRecord,
    BBox,
    Detection,
    JobState,
    Measure,
    Query,
    RunSpec,
    RunStatus,
    Shot,
    TimeSpan,
    Timestamp,
    Transition,
    VideoIdentity,
    annotation_id,
)

BASE = Fraction(1, 1000)


def span(start_ms: int, end_ms: int) -> TimeSpan:
    return TimeSpan(Timestamp(start_ms, BASE), Timestamp(end_ms, BASE))


def stored(
    store: StorageBackend,
    identity: VideoIdentity,
    annotator: str,
    rows: Iterable[Annotation],
    status: RunStatus = RunStatus.COMPLETED,
    **more: object,
) -> RunSpec:
    """Commit ``rows`` as a run of ``annotator``; ``more``: reason, message, or fields of the spec."""
    said = {name: more.pop(name) for name in ("reason", "message") if name in more}
    spec = RunSpec(identity.video_id, annotator, "1", **more)  # type: ignore[arg-type]
    store.register_runs([spec], {"software": {"cortexia": "0"}})
    claim = store.claim("stocking", 60.0, store.submit_job(identity, [spec.run_id], {"annotators": []}))
    assert claim is not None
    records = tuple(
        AnnotationRecord(
            annotation_id(spec.run_key, row.type, row.span.start.pts, place), row, place, row.frame_index or 0
        )
        for place, row in enumerate(rows)
    )
    window = RunWindow(spec.run_id, 0, records, 1, None, None, {"session": {}}, status=status, **said)  # type: ignore[arg-type]
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(identity.video_id, (window,)))
    store.release(claim, JobState.COMPLETED, None, None)
    return spec


def shot(number: int, start_ms: int, end_ms: int, frame_ms: int = 40) -> Shot:
    into = Transition.START if number == 0 else Transition.CUT
    return Shot(
        span=span(start_ms, end_ms),
        frame_index=start_ms // frame_ms,
        first_frame=start_ms // frame_ms,
        last_frame=end_ms // frame_ms - 1,
        transition_in=into,
    )


def wave(at_ms: int, period_s: float, low: float, high: float) -> float:
    return round(low + (high - low) * (0.5 + 0.5 * math.sin(at_ms / 1000 / period_s * 2 * math.pi)), 4)


def quality_rows(end_ms: int, step_ms: int = 200, blank: range = range(0)) -> Iterable[Measure]:
    for at in range(0, end_ms, step_ms):
        own = span(at, at + 40)
        if at in blank:
            yield Measure(span=own, label="quality", frame_index=at // 40, reason="the picture is corrupt")
            continue
        values = {
            "sharpness": wave(at, 7.0, 20, 900),
            "exposure": wave(at, 11.0, 0.2, 0.7),
            "noise_sigma": wave(at, 5.0, 0.5, 4),
            "contrast": 0.4,
        }
        yield Measure(span=own, label="quality", frame_index=at // 40, values=values)


def motion_rows(end_ms: int, step_ms: int = 200) -> Iterable[Measure]:
    for at in range(step_ms, end_ms, step_ms):
        values = {
            "pan": wave(at, 6.0, -0.3, 0.3),
            "tilt": wave(at, 9.0, -0.1, 0.1),
            "zoom": wave(at, 13.0, -0.05, 0.2),
            "roll": 0.0,
            "residual": wave(at, 3.0, 0.0, 0.2),
            "inliers": 0.8,
        }
        yield Measure(span=span(at - step_ms, at), label="motion", frame_index=at // 40, values=values)


def object_rows(
    end_ms: int, size: tuple[int, int], labels: tuple[str, ...] = ("person", "car", "dog"), step_ms: int = 200
) -> Iterable[Detection]:
    width, height = size
    for at in range(0, end_ms, step_ms):
        for place, label in enumerate(labels):
            if (at // 3000 + place) % 3 == 0:
                continue
            x = wave(at + place * 900, 8.0, 0, width * 0.6)
            box = BBox(x, height * (0.1 + 0.2 * place), x + width * 0.3, height * (0.5 + 0.2 * place))
            yield Detection(
                span=span(at, at + 40),
                label=label,
                confidence=round(wave(at, 4.0, 0.3, 0.98), 3),
                frame_index=at // 40,
                bbox=box,
                attributes={"model": "test"},
            )


def stocked(store: StorageBackend, identity: VideoIdentity, end_ms: int, size: tuple[int, int]) -> None:
    """Quality, motion and objects of a video whose shots are stored; per-shot rows of quality and motion, too."""
    shots = [row.annotation.span for row in store.find(Query(types=("shot",), video_ids=(identity.video_id,)))]
    cameras = ("pan", "static", "handheld", "zoom")
    stored(store, identity, "quality", quality_rows(end_ms, blank=range(3000, 3800)))
    stored(store, identity, "motion", motion_rows(end_ms))
    stored(store, identity, "objects", object_rows(end_ms, size), weights_sha256="d" * 64)
    looks = [
        Measure(
            span=one,
            label="quality_summary",
            values={"sharpness_mean": 200.0 + n, "blurred_fraction": 0.25 * (n % 2)},
            attributes={"not_measured": {"flicker": "too short"} if n == 2 else {}},
        )
        for n, one in enumerate(shots)
    ]
    flags = [Measure(span=span(1000, 1400), label="black", values={"share": 1.0})]
    stored(store, identity, "quality_summary", [*looks, *flags])
    moves = [
        Measure(span=one, label="motion_summary", values={"pan": 0.1}, attributes={"camera": cameras[n % 4]})
        for n, one in enumerate(shots)
    ]
    stored(store, identity, "motion_summary", moves)


def opened_app(store: Path) -> App:
    return App(Settings(store=str(store), executor="inline", threads=1))
