"""``cortexia videos``."""

from __future__ import annotations

import click

from cortexia.cli.options import config_option, json_option, settings_from, store_option


@click.command("videos")
@store_option
@config_option
@click.option("--name", metavar="PATTERN", help="Only file names that match; * and ? stand for anything.")
@click.option("--verdict", type=click.Choice(["ok", "partial", "rejected"]), help="Only videos with this verdict.")
@json_option
def command(store: str | None, config_file: str | None, name: str | None, verdict: str | None, as_json: bool) -> None:
    """List the videos of a store: name, duration, size, verdict, rows, and which annotators completed.

    \b
    Examples:
      cortexia videos
      cortexia videos --name '*.mkv' --verdict partial --json
    """
    from cortexia.app import App
    from cortexia.cli.listing import print_videos

    with App(settings_from(config_file, store=store).settings) as app:
        if not print_videos(app.videos(name, verdict), as_json):
            click.echo("no video matches" if name or verdict else "no videos yet", err=True)
