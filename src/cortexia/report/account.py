"""How the rows came to be, and what is missing: runs, options, reasons, and what nobody looked at yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cortexia.report.base import VideoData
from cortexia.report.gather import Facts
from cortexia.report.words import count, plural, reason_words
from cortexia.stores.base import RunRecord
from cortexia.types import RunStatus, canonical_json
from cortexia.wording import clock

SECTIONS = {
    "shots": "Shots",
    "frames": "Key pictures",
    "loudness": "Sound",
    "speech": "Speech",
    "transcription": "Transcript",
    "speakers": "Speakers",
    "sounds": "Other sounds",
    "objects": "Objects",
    "quality": "Picture quality",
    "quality_summary": "Black and frozen spans",
    "motion": "Camera movement",
    "motion_summary": "Camera class of shots",
    "tracks": "Tracks",
    "people": "People",
    "faces": "Faces",
    "face_groups": "Whose faces",
    "keypoints": "Joints",
    "masks": "Masks",
    "captions": "Captions",
    "tags": "Tags",
    "text": "Text on the screen",
}
"""What a report can show, by the annotator that brings it."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the table shows it."""

    annotator: str
    version: str
    status: str
    rows: str
    span: str
    options: tuple[tuple[str, str], ...]
    options_note: str
    weights: str
    seconds: str
    software: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not there. ``kind``: failed, skipped, unfinished, quarantined, unmeasured, none, unlooked."""

    kind: str
    what: str
    why: str


def run_lines(data: VideoData) -> list[RunLine]:
    """Every current run, by annotator; those whose rows the page shows before others of the same."""
    shown = {run.run_id for run in data.shown_runs}
    ordered = sorted(data.runs, key=lambda run: (run.spec.annotator, run.run_id not in shown, run.run_id))
    return [_run_line(run, data.defaults.get(run.spec.annotator), run.run_id in shown) for run in ordered]


def _run_line(run: RunRecord, defaults: Mapping[str, Any] | None, is_shown: bool) -> RunLine:
    options, note = _differing(run.spec.options, defaults)
    return RunLine(
        annotator=run.spec.annotator,
        version=run.spec.version,
        status=run.status.value,
        rows=count(run.annotation_count),
        span=_range_words(run),
        options=options,
        options_note=note,
        weights=run.spec.weights_sha256 or "",
        seconds=f"{run.processing_s:.2f}",
        software=", ".join(f"{name} {version}" for name, version in sorted(_software(run).items())),
        is_shown=is_shown,
    )


def _software(run: RunRecord) -> Mapping[str, Any]:
    software = run.provenance.get("software", {})
    return software if isinstance(software, Mapping) else {}


def _range_words(run: RunRecord) -> str:
    span = run.spec.time_range
    if span.is_whole:
        return "whole video"
    start = clock(round((span.start_s or 0.0) * 1e6), 2)
    return f"from {start}" + (f" to {clock(round(span.end_s * 1e6), 2)}" if span.end_s is not None else "")


def _differing(
    options: Mapping[str, Any], defaults: Mapping[str, Any] | None
) -> tuple[tuple[tuple[str, str], ...], str]:
    if defaults is None:
        shown = tuple((name, canonical_json(value)) for name, value in sorted(options.items()))
        return shown, "" if shown else "none"
    known = {name: canonical_json(value) for name, value in defaults.items()}
    given = {name: canonical_json(value) for name, value in options.items()}
    shown = tuple((name, text) for name, text in sorted(given.items()) if known.get(name) != text)
    return shown, "" if shown else "all as by default"


def make_gaps(data: VideoData, facts: Facts) -> list[Gap]:
    """What failed, what was left out, what could not be measured, what was looked for in vain, and what nobody
    looked at. Empty when a video holds something of everything."""
    gaps: list[Gap] = []
    if data.job is not None:
        reason = f"{data.job.reason}: " if data.job.reason else ""
        gaps.append(Gap("failed", "The latest job", f"{data.job.status.value}; {reason}{data.job.error_message or ''}"))
    gaps += [gap for run in data.shown_runs if (gap := _run_gap(run)) is not None]
    gaps += [_quarantine_gap(run) for run in data.shown_runs if run.quarantined_count]
    for (annotator, what, reason), amount in sorted(facts.reasons.items()):
        text = f"{reason_words(reason)} ({plural(amount, 'row')})"
        gaps.append(Gap("unmeasured", _measure_name(annotator, what), text))
    for run in data.shown_runs:
        if run.status is RunStatus.COMPLETED and not run.annotation_count:
            gaps.append(_empty_gap(run))
    looked = {run.spec.annotator for run in data.runs}
    gaps += [
        Gap("unlooked", name, f"annotator {annotator} has not run on this video")
        for annotator, name in SECTIONS.items()
        if annotator not in looked
    ]
    return gaps


def _measure_name(annotator: str, what: str) -> str:
    return annotator if what == annotator else f"{annotator}: {what.removeprefix(annotator + '.')}"


def _empty_gap(run: RunRecord) -> Gap:
    """A completed run without rows. One with a reason had nothing to look at, which is not the same as none found."""
    name = _name(run.spec.annotator)
    if run.reason is None:
        return Gap("none", name, "looked at, and none found")
    return Gap("unmeasured", name, reason_words(run.reason))


def _quarantine_gap(run: RunRecord) -> Gap:
    what = plural(run.quarantined_count, "annotation")
    return Gap("quarantined", _name(run.spec.annotator), f"{what} failed the quality gates and are not shown")


def _run_gap(run: RunRecord) -> Gap | None:
    why = ": ".join(text for text in (run.reason, run.message) if text)
    name = _name(run.spec.annotator)
    if run.status in (RunStatus.FAILED, RunStatus.SKIPPED):
        return Gap(run.status.value, name, why or "no reason was given")
    if not run.status.is_final:
        reached = "" if run.final_until_us is None else f", rows are final until {clock(run.final_until_us, 2)}"
        return Gap("unfinished", name, f"{run.status.value}{reached}")
    return None


def _name(annotator: str) -> str:
    section = SECTIONS.get(annotator)
    return f"{section} ({annotator})" if section else annotator


def section_state(data: VideoData, annotator: str) -> str:
    """One line for a section without content: not looked yet, none found, or why there is nothing."""
    run = next((run for run in data.shown_runs if run.spec.annotator == annotator), None)
    if run is None:
        return f"Not looked yet: annotator {annotator} has not run on this video."
    gap = _run_gap(run)
    if gap is not None:
        return f"Nothing to show: {annotator} {gap.kind} ({gap.why})."
    if run.reason is not None:
        return f"Nothing to measure for {annotator}: {reason_words(run.reason)}."
    return f"None found: {annotator} looked at the video."
