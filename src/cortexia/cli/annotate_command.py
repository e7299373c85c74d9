"""``cortexia annotate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cortexia.cli.enrolled_voices import with_enrolled
from cortexia.cli.model_versions import with_versions
from cortexia.cli.options import config_option, inputs_from, json_option, request_from, request_options, store_option
from cortexia.cli.preset_line import tell_preset
from cortexia.cli.working import exit_code, progress, stop_on_signal, store_of_checkpoint

if TYPE_CHECKING:
    from cortexia.app import App, Request
    from cortexia.outcomes import AnnotateReport

_UNFINISHED = "-"
_PRESETS = {"fast": "fast", "high_quality": "high-quality"}


@click.command("annotate")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--input", "inputs", multiple=True, metavar="DIR", help="As PATH: a folder. May be repeated.")
@click.option("--video", "videos", multiple=True, metavar="FILE", help="As PATH: one video. May be repeated.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=_UNFINISHED,
    metavar="[CHECKPOINT.json]",
    help="Go on with the batch of a checkpoint; without one, with all that is unfinished in the store.",
)
@store_option
@request_options
@click.option("--fast", is_flag=True, help="The same as --preset fast.")
@click.option("--high-quality", is_flag=True, help="The same as --preset high-quality.")
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
      cortexia annotate --input videos/ --workers 8
      cortexia annotate --resume
      cortexia annotate s3://bucket/recordings/ https://host/talk.mp4#sha256=...
      find /videos -name '*.mp4' | cortexia annotate -
      cortexia annotate videos/ --preset fast
      cortexia annotate videos/ --prompt "forklift, hard hat"
      cortexia annotate talk.mp4 --annotators speakers,speaker_words --enroll anna=anna.wav
      cortexia annotate videos/ --model-version objects=/models/our-yolox
      cortexia annotate film.mkv --start 60 --end 120 --option frames.per_shot=3
      cortexia annotate frames/ --fps 25
    """
    from cortexia.app import App
    from cortexia.cli.render import print_plans, print_report

    paths = _named(paths, given)
    if given["resume"] not in (None, _UNFINISHED):
        given["store"] = given["store"] or store_of_checkpoint(Path(given["resume"]))
    settings, request = request_from(given)

    with App(settings) as app:
        request = with_enrolled(app, with_versions(app, request, given), given)
        if paths:
            tell_preset(app.preset_for(request), given["as_json"])
        if given["dry_run"]:
            ctx.exit(print_plans(app.plan(inputs_from(paths), request), given["as_json"]))
        report = _annotate(app, paths, request, given)
        print_report(report, given["as_json"])
    # nothing was left to go on with: that is well
    ctx.exit(exit_code(report) if report.videos or paths or report.interrupted else 0)


def _named(paths: tuple[str, ...], given: dict[str, Any]) -> tuple[str, ...]:
    """All inputs that were named; completes ``given``. What follows ``--resume`` and is no checkpoint is one of them.

    Raises ``UsageError``.
    """
    paths = (*paths, *given["inputs"], *given["videos"])
    if given["resume"] not in (None, _UNFINISHED) and not given["resume"].lower().endswith(".json"):
        paths, given["resume"] = (given["resume"], *paths), _UNFINISHED
    for flag, preset in _PRESETS.items():
        if given[flag] and given["preset"] not in (None, preset):
            raise click.UsageError(f"--{flag.replace('_', '-')} is --preset {preset}: name one preset only")
        given["preset"] = preset if given[flag] else given["preset"]
    if not paths and given["resume"] is None:
        raise click.UsageError("Missing argument 'PATH...' (or --input, --video, --resume).")
    if not paths and (given["prompt"] or given["model_versions"] or given["enrolments"]):
        raise click.UsageError(
            "--prompt, --model-version and --enroll go with a PATH: unfinished jobs know their models and voices"
        )
    if paths and given["resume"] not in (None, _UNFINISHED):
        raise click.UsageError("a checkpoint knows its videos: give it alone, or paths without it")
    return paths


def _annotate(app: App, paths: tuple[str, ...], request: Request, given: dict[str, Any]) -> AnnotateReport:
    with stop_on_signal() as stop, progress(given["as_json"]) as on_event:
        if paths:
            # what is named is gone on with anyway, where it is unfinished
            return app.annotate(inputs_from(paths), request, on_event, stop.is_set, limit=given["limit"])
        if given["resume"] == _UNFINISHED:
            return app.resume(on_event, stop.is_set)
        return app.resume_checkpoint(given["resume"], on_event, stop)
