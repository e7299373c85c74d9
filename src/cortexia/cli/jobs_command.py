"""``cortexia jobs``."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import click

from cortexia.cli.options import config_option, json_option, settings_from, store_option
from cortexia.types import JobState

if TYPE_CHECKING:
    from cortexia.stores.base import JobRecord


@click.group("jobs")
def command() -> None:
    """List, show, retry and cancel jobs.

    JOB is an id of a job, or its first four characters or more.
    """


@command.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([state.value for state in JobState]),
    help="Only jobs in this state. May be repeated.",
)
@click.option("--batch", metavar="BATCH", help="Only jobs of this batch.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the newest.")
@store_option
@config_option
@json_option
def list_jobs(
    statuses: tuple[str, ...],
    batch: str | None,
    limit: int | None,
    store: str | None,
    config_file: str | None,
    as_json: bool,
) -> None:
    """List jobs in the order in which they were submitted.

    \b
    Examples:
      cortexia jobs list
      cortexia jobs list --status failed --json
      cortexia jobs list --batch 3f2a --limit 20
    """
    from cortexia.app import App
    from cortexia.cli.batch_tables import print_jobs

    with App(settings_from(config_file, store=store).settings) as app:
        print_jobs(deque(app.jobs(batch, map(JobState, statuses)), limit), as_json)


@command.command("show")
@click.argument("job", metavar="JOB")
@store_option
@config_option
@json_option
def show(job: str, store: str | None, config_file: str | None, as_json: bool) -> None:
    """Show a job: its state and why, attempts, whom deaths of workers point at, its runs, and the last lines of the
    worker that died.

    \b
    Examples:
      cortexia jobs show 8c41
      cortexia jobs show 8c41 --json
    """
    from cortexia.app import App
    from cortexia.cli.batch_tables import print_job

    with App(settings_from(config_file, store=store).settings) as app:
        print_job(app.job(job), as_json)


@command.command("retry")
@click.argument("jobs", nargs=-1, metavar="JOB...")
@click.option("--failed", is_flag=True, help="Every job that failed, but those of unusable videos.")
@click.option("--batch", metavar="BATCH", help="With --failed: only jobs of this batch.")
@store_option
@config_option
def retry(jobs: tuple[str, ...], failed: bool, batch: str | None, store: str | None, config_file: str | None) -> None:
    """Put jobs that failed or were cancelled in the queue again: their failed runs begin anew, the others stay.

    \b
    Examples:
      cortexia jobs retry 8c41
      cortexia jobs retry --failed && cortexia annotate --resume
    """
    from cortexia.app import App

    if bool(jobs) == failed or (batch is not None and not failed):
        raise click.UsageError("name jobs, or give --failed (with --batch, where it is of one batch)")
    with App(settings_from(config_file, store=store).settings) as app:
        queued = app.retry_failed(batch) if failed else tuple(app.retry_job(job) for job in jobs)
        _tell(queued)
        hint = "; go on with: cortexia annotate --resume" if queued else ""
        click.echo(f"{len(queued)} {'job waits' if len(queued) == 1 else 'jobs wait'} again{hint}", err=True)


@command.command("cancel")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@store_option
@config_option
def cancel(jobs: tuple[str, ...], store: str | None, config_file: str | None) -> None:
    """Cancel jobs. One at work stops at its worker's next heartbeat, and ends as cancelled; what it stored stays.

    \b
    Examples:
      cortexia jobs cancel 8c41 9d02
    """
    from cortexia.app import App

    with App(settings_from(config_file, store=store).settings) as app:
        _tell([app.cancel_job(job) for job in jobs])


def _tell(jobs: tuple[JobRecord, ...] | list[JobRecord]) -> None:
    from cortexia.cli.batch_tables import job_line

    for job in jobs:
        click.echo(job_line(job))
