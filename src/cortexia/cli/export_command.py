"""``cortexia export``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from cortexia.cli.filters import query_from, row_filters
from cortexia.cli.options import config_option, settings_from, store_option, warn_of_opened_guards
from cortexia.cli.picture_export import FORMATS, export_picture
from cortexia.errors import ConfigurationError


@click.command("export")
@store_option
@config_option
@click.option("--format", "format_name", default="jsonl", show_default=True, help="Which format.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="PATH", help="File or folder, s3:// too; stdout when left out."
)
@click.option("--export-option", "pairs", multiple=True, metavar="KEY=VALUE", help="An option of the format.")
@click.option("--list", "as_list", is_flag=True, help="Show the formats and what each cannot carry.")
@row_filters
def command(store: str | None, config_file: str | None, as_list: bool, **given: Any) -> None:
    """Write annotations in a format, in order of video and time.

    \b
    Examples:
      cortexia export --store shots.db --format coco -o boxes.json
      cortexia export --type shot | head
      cortexia export --format video --video talk.mp4 -o boxes.mp4
      cortexia export --format contact-sheet --video talk.mp4 -o talk.jpg
    """
    if as_list:
        _print_formats()
        return
    from cortexia.app import App

    format_name, output, pairs = given.pop("format_name"), given.pop("output"), given.pop("pairs")
    settings = settings_from(config_file, store=store).settings
    warn_of_opened_guards(settings)
    with App(settings) as app:
        query = query_from(app, given)
        if format_name in FORMATS:
            click.echo(export_picture(app, format_name, query.video_ids, output, _options(pairs)), err=True)
            return
        count = app.export(format_name, output, query, sys.stdout.buffer, _options(pairs))
    if output is not None:
        click.echo(f"wrote {count} annotations to {output}", err=True)


def _options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``KEY=VALUE`` as a table; values are JSON, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            raise ConfigurationError(f"--export-option {pair!r} is not of the form KEY=VALUE, e.g. image_ids=stem")
        try:
            options[key] = json.loads(text)
        except json.JSONDecodeError:
            options[key] = text
    return options


def _print_formats() -> None:
    from cortexia import registry

    for name in registry.names("exporters"):
        exporter = registry.load("exporters", name)
        what = "a folder" if exporter.target == "folder" else f"a file {exporter.suffix}"
        click.echo(f"{name:<15}{what}; does not carry: {'; '.join(exporter.cannot_carry) or 'nothing is lost'}")
    for name, what in FORMATS.items():
        click.echo(f"{name:<15}{what}")
