"""``cortexia annotate``."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cortexia.cli.options import config_option, inputs_from, json_option, request_from, request_options, store_option
from cortexia.cli.preset_line import tell_preset

if TYPE_CHECKING:
    from cortexia.outcomes import AnnotateReport


@click.command("annotate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@store_option
@request_options
@click.option(
    "--window", "window_s", type=float, metavar="SECONDS", help="Media seconds between commits.  [default: 30]"
)
@click.option("--batch-size", type=int, help="Inputs handed to an annotator at once; never changes results.")
@click.option("--threads", type=int, help="Threads for decoding.  [default: all cores]")
@click.option("--workers", type=int, metavar="N", help="Videos at a time, up to 32.  [default: 1]")
@click.option("--progressive", is_flag=True, help="Cheap annotators of all videos first, then the costly ones.")
@click.option("--executor", type=click.Choice(["processes", "inline"]), help="Where workers run.  [default: processes]")
@click.option("--device", metavar="NAME", help="Where models run: auto, cpu or cuda:N.  [default: auto]")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many videos.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop; the same as cortexia plan.")
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Annotate files, folders (recursive), globs, archives, manifests and addresses; - reads a list from stdin.

    Run it again to go on after any interruption.

    \b
    Examples:
      cortexia annotate talk.mp4
      cortexia annotate videos/ --store shots.db --annotators shots,loudness
      cortexia annotate s3://bucket/recordings/ https://host/talk.mp4#sha256=...
      find /videos -name '*.mp4' | cortexia annotate -
      cortexia annotate videos/ --preset fast
      cortexia annotate film.mkv --start 60 --end 120 --option frames.per_shot=3
      cortexia annotate frames/ --fps 25
    """
    from cortexia.app import App
    from cortexia.cli.render import print_plans, print_report

    settings, request = request_from(given)

    with App(settings) as app:
        tell_preset(app.preset_for(request), given["as_json"])
        if given["dry_run"]:
            ctx.exit(print_plans(app.plan(inputs_from(paths), request), given["as_json"]))
        with _stop_on_signal() as stop, _progress(given["as_json"]) as on_event:
            report = app.annotate(inputs_from(paths), request, on_event, stop.is_set, limit=given["limit"])
        print_report(report, given["as_json"])
    ctx.exit(exit_code(report))


def exit_code(report: AnnotateReport) -> int:
    """0 ok, 1 failed, 3 completed with failed videos, 130 interrupted and resumable."""
    if report.interrupted:
        return 130
    well = sum(video.is_well for video in report.videos)
    if well == len(report.videos):
        return 0 if report.videos else 1
    return 3 if well or any(video.status == "completed_with_errors" for video in report.videos) else 1


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """The first Ctrl-C or SIGTERM asks for a stop at the next commit; the second one ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    """Bars on a terminal, lines elsewhere, JSON lines with ``--json``; all on stderr."""
    if as_json:
        yield lambda event: click.echo(json.dumps(event), err=True) if event["event"] != "progress" else None
        return
    from cortexia.cli.progress import progress_display

    with progress_display() as on_event:
        yield on_event
