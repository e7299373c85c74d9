"""``cortexia export``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from cortexia.cli.filters import query_from, row_filters
from cortexia.cli.options import config_option, settings_from, store_option, warn_of_opened_guards
from cortexia.errors import ConfigurationError


@click.command("export")
@store_option
@config_option
@click.option("--format", "format_name", default="jsonl", show_default=True, help="Which format; see --list.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="PATH", help="File or folder, s3:// too; stdout when left out, or -."
)
@click.option("--export-option", "pairs", multiple=True, metavar="KEY=VALUE", help="An option of the format.")
@click.option("--list", "as_list", is_flag=True, help="Show the formats and what each cannot carry.")
@row_filters
def command(store: str | None, config_file: str | None, as_list: bool, **given: Any) -> None:
    """Write annotations in a format, in order of video and time; or draw them: video, contact-sheet.

    Formats for training and for scoring: coco, coco-tracks, mot, yolo, cvat, ctm, rttm. Subtitles: webvtt, srt.
    See --list.

    \b
    Examples:
      cortexia export --store shots.db --format coco -o boxes.json
      cortexia export --type shot | head
      cortexia export --format yolo -o dataset --export-option images=key
      cortexia export --format cvat --annotator tracks -o tasks
      cortexia export --format webvtt --video talk.mp4 -o talk.vtt
      cortexia export --format video --video talk.mp4 -o boxes.mp4
    """
    if as_list:
        _print_formats()
        return
    from cortexia.app import App

    format_name, pairs, output = given.pop("format_name"), given.pop("pairs"), given.pop("output")
    output = None if output == "-" else output
    settings = settings_from(config_file, store=store).settings
    warn_of_opened_guards(settings)
    with App(settings) as app, _progress(output) as on_frame:
        query = query_from(app, given)
        count = app.export(format_name, output, query, sys.stdout.buffer, _options(pairs), on_frame)
    if output is not None:
        click.echo(f"wrote {count} {_unit(format_name, count)} to {output}", err=True)


@contextmanager
def _progress(output: str | None) -> Iterator[Callable[[float], None]]:
    """Told by formats that decode videos; others have nothing to tell."""
    if output is None:
        yield lambda time_s: None
        return
    from cortexia.cli.progress import seconds_display

    with seconds_display(output) as on_frame:
        yield on_frame


def _unit(format_name: str, count: int) -> str:
    from cortexia.report.drawn import DRAWN

    unit = DRAWN[format_name].unit if format_name in DRAWN else "annotation"
    return unit if count == 1 else f"{unit}s"


def _options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``KEY=VALUE`` as a table; values are JSON, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            raise ConfigurationError(f"--export-option {pair!r} is not of the form KEY=VALUE, e.g. image_ids=stem")
        try:
            options[key] = json.loads(text)
        except (ValueError, RecursionError):
            # no JSON, numbers of more digits than Python reads, or brackets without end
            options[key] = text
    return options


def _print_formats() -> None:
    from cortexia import registry
    from cortexia.report.drawn import DRAWN

    for name in registry.names("exporters"):
        exporter = registry.load("exporters", name)
        what = f"a file {exporter.suffix}" if exporter.suffix else "a folder"
        what += " of each video" if exporter.suffix and exporter.target == "folder" else ""
        click.echo(f"{name:<15}{what}; does not carry: {'; '.join(exporter.cannot_carry) or 'nothing is lost'}")
    for name, drawn in DRAWN.items():
        what = f"a file {drawn.suffix} of one --video"
        click.echo(f"{name:<15}{what}; does not carry: {'; '.join(drawn.cannot_carry)}")
