"""What commands print on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from cortexia import documents
from cortexia.errors import RejectedInput
from cortexia.outcomes import AnnotateReport, VideoPlan, VideoResult, VideoStatus
from cortexia.staleness import Freshness
from cortexia.stores.base import RunRecord
from cortexia.types import Verdict
from cortexia.wording import one_line, printable

# -- annotate


def print_report(report: AnnotateReport, as_json: bool) -> None:
    """What came of an ``annotate``."""
    if as_json:
        click.echo(json.dumps(report_to_dict(report), indent=2))
        return
    for video in report.videos:
        click.echo(_result_line(video))
    if report.left_out:
        shown = ", ".join(report.left_out[:3]) + (", ..." if len(report.left_out) > 3 else "")
        click.echo(f"left out {len(report.left_out)} files that are no video: {printable(shown)}")
    if report.interrupted:
        click.echo("interrupted; run the same command again to go on")
    if report.batch_id and len(report.videos) > 1:
        click.echo(f"batch: {report.batch_id}")
    if not report.videos:
        click.echo("nothing is unfinished")
    click.echo(f"store: {report.store}")


def _result_line(video: VideoResult) -> str:
    head = f"{printable(video.uri)}: {video.status.replace('_', ' ')}"
    if video.status in ("failed", "rejected"):
        return head + (f" ({video.reason}): {one_line(video.message)}" if video.video_id else "")
    begun = [run for run in video.runs if run.status != "pending"]
    counts = ", ".join(_run_words(run) for run in begun) or one_line(video.message) or "not begun"
    verdict = video.record.verdict if video.record else None
    note = f" [{verdict.status}: {one_line(verdict.message)}]" if verdict and verdict.status != "ok" else ""
    return f"{head}: {counts}{note}"


def _run_words(run: RunRecord) -> str:
    if run.status == "completed":
        aside = f" ({run.quarantined_count} quarantined)" if run.quarantined_count else ""
        return f"{run.spec.annotator} {run.annotation_count}{aside}" + (f" ({run.reason})" if run.reason else "")
    return f"{run.spec.annotator} {run.status} ({run.reason or 'not yet'})"


def report_to_dict(report: AnnotateReport) -> dict[str, Any]:
    return {
        "store": report.store,
        "interrupted": report.interrupted,
        "batch_id": report.batch_id,
        "left_out": list(report.left_out),
        "videos": [
            {
                "uri": video.uri,
                "video_id": video.video_id,
                "status": video.status,
                "reason": video.reason,
                "message": video.message,
                "verdict": video.record.verdict.as_dict() if video.record and video.record.verdict else None,
                "runs": [run_to_dict(run) for run in video.runs],
            }
            for video in report.videos
        ],
    }


def run_to_dict(run: RunRecord) -> dict[str, Any]:
    return {
        **documents.run_to_dict(run),
        "processing_s": round(run.processing_s, 6),
        "final_until_s": None if run.final_until_us is None else run.final_until_us / 1e6,
    }


# -- plan


def print_plans(plans: Iterable[VideoPlan | RejectedInput], as_json: bool) -> int:
    """Plans one after the other; returns the exit code."""
    made: list[dict[str, Any]] = []
    rejected = 0
    for item in plans:
        if isinstance(item, RejectedInput):
            rejected += 1
            made.append({"status": "rejected", "reason": item.reason, "message": str(item)})
            if not as_json:
                click.echo(f"rejected: {one_line(str(item))}")
            continue
        made.append(_plan_to_dict(item))
        if not as_json:
            _print_plan(item)
    if as_json:
        click.echo(json.dumps(made, indent=2))
    return 0 if not rejected else (3 if rejected < len(made) else 1)


def _plan_to_dict(item: VideoPlan) -> dict[str, Any]:
    estimate = item.estimate
    return {
        "uri": item.identity.uri,
        "verdict": item.media.verdict.as_dict(),
        "duration_s": item.media.duration_s,
        **item.plan.explain(),
        "estimate": None
        if estimate is None
        else {"rate": round(estimate.rate, 2), "wall_s": estimate.wall_s and round(estimate.wall_s, 1)},
    }


def _print_plan(item: VideoPlan) -> None:
    media = item.media
    click.echo(printable(item.identity.uri))
    click.echo(f"  {_media_words(item)}")
    if media.verdict.status == "rejected":
        click.echo(f"  rejected ({media.verdict.reason}): {one_line(media.verdict.message)}")
    explained = item.plan.explain()
    for number, stage in enumerate((s for s in explained["stages"] if s["decodes"]), 1):
        views = f"; views: {', '.join(stage['views'])}" if stage["views"] else ""
        click.echo(
            f"  pass {number}: decode {' + '.join(stage['decodes'])} once for {', '.join(stage['streams'])}{views}"
        )
    width = max((len(run["annotator"]) for run in explained["runs"]), default=0)
    for run in explained["runs"]:
        needs = f", needs {', '.join(run['requires'])}" if run["requires"] else ""
        why = f" ({run['reason']})" if run["reason"] else ""
        head = f"{run['action']:<7} {run['annotator']:<{width}}"
        click.echo(f"    {head} version {run['version']}, {run['kind']}{needs}{why}")
    if item.plan.is_done:
        click.echo("  nothing to do: everything is stored")
    elif item.estimate is not None:
        wall = "unknown" if item.estimate.wall_s is None else f"about {item.estimate.wall_s:.0f} s"
        click.echo(f"  time: {wall} ({item.estimate.rate:.1f}x real time, probed on {item.estimate.probed_s:.1f} s)")


def _media_words(item: VideoPlan) -> str:
    media, words = item.media, []
    words.append(f"{media.duration_s:.1f} s" if media.duration_s else "unknown duration")
    if media.video:
        words.append(f"{media.video.width}x{media.video.height} {media.video.codec}")
    if media.audio:
        words.append(f"sound {media.audio.codec} {media.audio.rate} Hz")
    return ", ".join([media.container, *words])


# -- status


def print_status(statuses: Iterable[VideoStatus], as_json: bool) -> None:
    """What a store holds, video by video."""
    if as_json:
        click.echo(json.dumps([status_to_dict(status) for status in statuses], indent=2))
        return
    found = False
    for status in statuses:
        found = True
        click.echo(printable(status.record.identity.uri))
        click.echo(f"  {_verdict_words(status.record.verdict)}")
        missing = [item.annotator for item in status.standings if item.freshness is Freshness.MISSING]
        width = max(map(len, [*(run.spec.annotator for run in status.runs), *missing]), default=0)
        stale = {item.run_id: item.reasons for item in status.standings if item.freshness is Freshness.STALE}
        for run in status.runs:
            why = f" - stale: {one_line('; '.join(stale[run.run_id]))}" if run.run_id in stale else ""
            click.echo(f"  {_run_line(run, width)}{why}")
        for name in missing:
            click.echo(f"  {name:<{width}} not looked yet")
        for job in status.jobs:
            if job.status != "completed":
                click.echo(f"  job {job.status}" + (f": {one_line(job.error_message)}" if job.error_message else ""))
    if not found:
        click.echo("no videos yet")


def _verdict_words(verdict: Verdict | None) -> str:
    if verdict is None:
        return "not read yet"
    words = f"verdict {verdict.status}" + (f" ({verdict.reason})" if verdict.reason else "")
    if verdict.frames_decoded:
        words += f", {verdict.frames_decoded} frames"
    if verdict.message and verdict.status != "ok":
        words += f": {one_line(verdict.message)}"
    return words


def _run_line(run: RunRecord, width: int) -> str:
    rows = "row" if run.annotation_count == 1 else "rows"
    line = f"{run.spec.annotator:<{width}} {run.status:<10} {run.annotation_count:>7} {rows}"
    if run.quarantined_count:
        line += f", {run.quarantined_count} quarantined"
    if run.status == "running" and run.final_until_us is not None:
        line += f", final until {run.final_until_us / 1e6:.1f} s"
    if run.reason:
        line += f" ({run.reason}{': ' + one_line(run.message) if run.message else ''})"
    return line


def status_to_dict(status: VideoStatus) -> dict[str, Any]:
    record = status.record
    return {
        "video_id": record.identity.video_id,
        "uri": record.identity.uri,
        "duration_s": record.media.duration_s if record.media else None,
        "verdict": record.verdict.as_dict() if record.verdict else None,
        "runs": [run_to_dict(run) for run in status.runs],
        "standings": [
            {"annotator": item.annotator, "freshness": item.freshness.value, "reasons": list(item.reasons)}
            for item in status.standings
        ],
        "jobs": [
            {
                "job_id": job.job_id,
                "status": job.status.value,
                "reason": job.reason,
                "message": job.error_message,
                "attempt": job.attempt,
                "created_at": job.created_at,
                "completed_at": job.completed_at,
            }
            for job in status.jobs
        ],
    }
