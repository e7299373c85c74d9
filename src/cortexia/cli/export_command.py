"""``cortexia export``."""

from __future__ import annotations

import sys
from typing import Any

import click

from cortexia.cli.options import config_option, settings_from, store_option, warn_of_opened_guards


@click.command("export")
@store_option
@config_option
@click.option("--format", "format_name", default="jsonl", show_default=True, help="Which format.")
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Where to, s3:// too; stdout when left out.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only annotations of this type. May be repeated.")
@click.option("--annotator", "annotators", multiple=True, metavar="NAME", help="Only rows of this annotator.")
@click.option("--label", "labels", multiple=True, help="Only rows with this label.")
@click.option("--min-confidence", type=float, help="Only rows of at least this confidence.")
@click.option("--video", "video_ids", multiple=True, metavar="ID", help="Only rows of this video.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows.")
def command(store: str | None, config_file: str | None, format_name: str, output: str | None, **filters: Any) -> None:
    """Write annotations, one object a line, in order of video and time.

    \b
    Examples:
      cortexia export --store shots.db --format jsonl -o shots.jsonl
      cortexia export --type shot | head
    """
    from cortexia.app import App
    from cortexia.types import Query

    settings = settings_from(config_file, store=store).settings
    warn_of_opened_guards(settings)
    with App(settings) as app:
        count = app.export(format_name, output, Query(**filters), out=sys.stdout.buffer)
    if output is not None:
        click.echo(f"wrote {count} annotations to {output}", err=True)
