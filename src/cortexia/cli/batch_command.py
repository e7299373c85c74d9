"""``cortexia batch``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from cortexia.cli.options import (
    config_option,
    json_option,
    model_version_option,
    settings_from,
    store_option,
    warn_of_opened_guards,
)

_HERE = "batch-report"


@click.group("batch")
def command() -> None:
    """Run batch files; watch, cancel and report batches.

    BATCH is an id of a batch, or its first four characters or more.
    """


@command.command("run")
@click.argument("batch_file", metavar="BATCH.yaml")
@store_option
@click.option("--workers", type=int, metavar="N", help="Videos at a time, up to 32.  [default: as the file says, or 1]")
@click.option("--report", metavar="DIR|FILE", help="Write the report: a folder, or a .json, .md or .html file.")
@model_version_option
@config_option
@json_option
@click.pass_context
def run(ctx: click.Context, /, batch_file: str, **given: Any) -> None:
    """Annotate what a batch file names, and go on with it where it was interrupted.

    Ctrl-C stops at the next commit; a second one stops at once.

    \b
    Examples:
      cortexia batch run batch.yaml
      cortexia batch run batch.yaml --workers 4 --report report/
      cortexia batch run batch.yaml --model-version objects=mlflow:detector/7
    """
    from cortexia.app import App
    from cortexia.batch.batch_file import read_batch_file
    from cortexia.cli.model_versions import telling
    from cortexia.cli.render import print_report
    from cortexia.cli.working import exit_code, progress, stop_on_signal

    batch = read_batch_file(batch_file)
    loaded = settings_from(given["config_file"], store=given["store"] or batch.store, workers=given["workers"])
    warn_of_opened_guards(loaded.settings, given["as_json"])
    batch = dataclasses.replace(batch, workers=given["workers"] or batch.workers)
    output = Path(given["report"]) if given["report"] else batch.report
    with App(loaded.settings) as app:
        batch = app.versioned_batch(batch, given["model_versions"], telling(given["as_json"]))
        with stop_on_signal() as stop, progress(given["as_json"]) as on_event:
            report = app.run_batch(batch, on_event, stop)
        print_report(report, given["as_json"])
        if output is not None and report.batch_id is not None:
            _tell(app.write_batch_report(report.batch_id, output))
    ctx.exit(exit_code(report))


@command.command("status")
@click.argument("batch", required=False, metavar="[BATCH]")
@click.option("--watch", is_flag=True, help="Stay, and show it at work until it has ended.")
@store_option
@config_option
@json_option
def status(batch: str | None, watch: bool, store: str | None, config_file: str | None, as_json: bool) -> None:
    """Show how far a batch is, whoever runs it; without BATCH the one that began last.

    \b
    Examples:
      cortexia batch status
      cortexia batch status 3f2a --watch
      cortexia batch status --json
    """
    from cortexia.app import App
    from cortexia.cli.batch_tables import print_batch
    from cortexia.cli.working import progress, watch_batch

    with App(settings_from(config_file, store=store).settings) as app:
        if watch:
            with progress(as_json) as on_event:
                watch_batch(app.follow_batch(batch), on_event)
        print_batch(app.batch_named(batch), app.report_of_batch(batch), as_json)


@command.command("list")
@store_option
@config_option
@json_option
def list_batches(store: str | None, config_file: str | None, as_json: bool) -> None:
    """List the batches of a store, the newest last.

    \b
    Examples:
      cortexia batch list
      cortexia batch list --store shots.db --json
    """
    from cortexia.app import App
    from cortexia.cli.batch_tables import print_batches

    with App(settings_from(config_file, store=store).settings) as app:
        print_batches(app.batches(), as_json)


@command.command("cancel")
@click.argument("batch", metavar="BATCH")
@store_option
@config_option
def cancel(batch: str, store: str | None, config_file: str | None) -> None:
    """Call a batch off, also one that other processes are at work on: it ends as cancelled, never as a success.

    What was committed stays stored. Videos at work stop at their workers' next heartbeat, a few seconds later.

    \b
    Examples:
      cortexia batch cancel 3f2a
    """
    from cortexia.app import App
    from cortexia.cli.batch_tables import print_cancelled

    with App(settings_from(config_file, store=store).settings) as app:
        print_cancelled(app.cancel_batch(batch))


@command.command("report")
@click.argument("batch", required=False, metavar="[BATCH]")
@click.option(
    "-o", "--output", metavar="DIR|FILE", default=_HERE, help=f"A folder, or a .json, .md or .html file.  [{_HERE}]"
)
@store_option
@config_option
def report(batch: str | None, output: str, store: str | None, config_file: str | None) -> None:
    """Write what came of a batch as JSON, Markdown and HTML with plots; without BATCH of the one that began last.

    \b
    Examples:
      cortexia batch report --output report/
      cortexia batch report 3f2a --output report.html
    """
    from cortexia.app import App

    with App(settings_from(config_file, store=store).settings) as app:
        _tell(app.write_batch_report(batch, output))


def _tell(written: tuple[Path, ...]) -> None:
    for path in written:
        click.echo(f"wrote {path}", err=True)
