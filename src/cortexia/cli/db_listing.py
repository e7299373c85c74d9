"""What ``cortexia db`` prints. Names and messages come from files: control signs are written out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cortexia.types import canonical_json
from cortexia.wording import one_line, printable, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cortexia.maintenance.backup import BackupReport
    from cortexia.maintenance.check import CheckReport, Problem
    from cortexia.maintenance.keeper import Migration
    from cortexia.maintenance.move import MoveReport
    from cortexia.maintenance.restore import RestoreReport
    from cortexia.maintenance.retention import ArchiveReport, SweepReport
    from cortexia.maintenance.statistics import StoreStatistics
    from cortexia.stores.audit import AuditEntry, AuditVerdict

_TOLD = 20


def migration_line(done: Migration) -> str:
    if not done.is_applied:
        return f"nothing to do: the store has revision {done.found}"
    kept = f"; a copy of what was there: {printable(str(done.copy))}" if done.copy else ""
    return f"revision {done.found} is now {done.target}{kept}"


# -- check


def print_check(found: CheckReport) -> None:
    for problem in found.problems:
        click.echo(_problem_line(problem))
    for video in found.checksums:
        click.echo(f"{video.video_id}  {video.rows} rows  {video.sha256}")
    mendable = sum(problem.is_mendable and not problem.is_mended for problem in found.problems)
    if mendable:
        click.echo(f"{mendable} of these can be set right without losing anything: --repair", err=True)
    left = sum(not problem.is_mended for problem in found.problems)
    click.echo(f"{found.videos} videos: {left or 'no'} problem{'' if left == 1 else 's'}", err=True)


def _problem_line(problem: Problem) -> str:
    mended = "mended: " if problem.is_mended else ""
    return f"{mended}{problem.kind}: {printable(problem.subject)}: {one_line(problem.message)}"


def check_to_dict(found: CheckReport) -> dict[str, Any]:
    return {
        "location": found.location,
        "videos": found.videos,
        "is_clean": found.is_clean,
        "problems": [
            {
                "kind": problem.kind,
                "subject": problem.subject,
                "message": problem.message,
                "is_mendable": problem.is_mendable,
                "is_mended": problem.is_mended,
            }
            for problem in found.problems
        ],
        "checksums": [asdict(video) for video in found.checksums],
    }


# -- statistics


def print_statistics(found: StoreStatistics) -> None:
    counts = found.counts
    deleted = f" (and {counts.deleted_videos} deleted)" if counts.deleted_videos else ""
    click.echo(f"videos    {counts.videos}{deleted}")
    click.echo(f"database  {size(counts.store_bytes)}")
    click.echo(f"blobs     {counts.blobs}, {size(counts.blob_bytes)}")
    _print_table("annotations", counts.rows)
    runs = {f"{name} {status}": n for name, by_status in counts.runs.items() for status, n in by_status.items()}
    _print_table("runs", runs)
    _print_table("jobs", counts.jobs)
    click.echo(click.style("time per pipeline", bold=True))
    for pipeline in found.pipelines:
        per_run = f"{pipeline.mean_s:.2f} s and {pipeline.mean_annotations:.0f} annotations a run"
        click.echo(f"  {printable(pipeline.name):<28}{pipeline.runs:>9}  {per_run}")
    click.echo(click.style(f"failed in the last 24 hours: {len(found.failures)}", bold=True))
    for job in found.failures[:_TOLD]:
        click.echo(f"  {printable(job.video_path)}: {one_line(job.error_message)}")
    many = found.many
    title = f"videos with more than {many.more_than} {many.annotation_type} above {many.confidence:g}"
    click.echo(click.style(f"{title}: {len(found.full)}", bold=True))
    for video_id, count in list(found.full.items())[:_TOLD]:
        click.echo(f"  {video_id[:12]}  {count}")


def _print_table(title: str, values: Mapping[str, int]) -> None:
    click.echo(click.style(f"{title}: {sum(values.values())}", bold=True))
    for name, count in values.items():
        click.echo(f"  {printable(name):<28}{count:>9}")


# -- copies


def backup_line(made: BackupReport) -> str:
    blobs = f"{made.blobs} blobs ({size(made.blob_bytes)})" + ("" if made.has_blobs else ", only named")
    return f"{printable(str(made.path))}: {made.annotations} annotations ({size(made.database_bytes)}), {blobs}"


def move_line(done: MoveReport) -> str:
    line = f"moved {done.moved} videos with all checksums equal; {done.target} now holds {done.rows} rows of them"
    if done.kept:
        line += f" ({done.kept} of the videos had arrived before)"
    return line + (f"; {done.source} keeps them too" if not done.source_is_emptied else "")


def restore_line(made: RestoreReport) -> str:
    checked = ", checked: no problems" if made.checked else ""
    what = f"{made.annotations} annotations and {made.blobs} blobs as of {made.made_at} UTC"
    return f"{printable(made.location)}: {what}{checked}"


def restore_to_dict(made: RestoreReport) -> dict[str, Any]:
    return {
        "location": made.location,
        "annotations": made.annotations,
        "blobs": made.blobs,
        "made_at": made.made_at,
        "is_checked": made.checked is not None,
    }


# -- what is old


def print_archive(done: ArchiveReport) -> None:
    for run in done.runs:
        click.echo(f"{run.run_id}  {run.video_id[:12]}  {printable(run.annotator):<16}{run.rows:>9} rows")
    what = f"{len(done.runs)} superseded runs with {done.rows} annotations"
    if done.is_applied:
        click.echo(f"moved {what} to {printable(str(done.path))}", err=True)
    else:
        click.echo(f"{what} are old enough" + ("; --apply moves them to FILE" if done.runs else ""), err=True)


def print_sweep(done: SweepReport) -> None:
    what = f"{done.blobs} blobs ({size(done.blob_bytes)}), {done.jobs} jobs, {len(done.videos)} deleted videos"
    click.echo(f"removed {what}" if done.is_applied else f"would remove {what}")
    if not done.is_applied and (done.blobs or done.jobs or done.videos):
        click.echo("nothing was changed; --apply removes them", err=True)


# -- the audit log


def audit_line(verdict: AuditVerdict) -> str:
    if verdict.is_whole:
        return f"whole: {verdict.entries} entries, head {verdict.head}"
    return f"broken: {verdict.problem}; the {verdict.entries} entries before it are whole"


def entry_line(entry: AuditEntry) -> str:
    event = entry.event
    details = " ".join(f"{key}={value}" for key, value in event.details.items() if value is not None)
    what = f"{event.action:<18}{printable(event.subject)}  {printable(details)}".rstrip()
    return f"{entry.seq:>6}  {entry.created_at}  {printable(entry.actor)}  {what}"


def entry_json(entry: AuditEntry) -> str:
    return canonical_json(
        {
            "seq": entry.seq,
            "created_at": entry.created_at,
            "actor": entry.actor,
            "action": entry.event.action,
            "subject": entry.event.subject,
            "details": dict(entry.event.details),
            "prev_hash": entry.prev_hash,
            "hash": entry.hash,
        }
    )
