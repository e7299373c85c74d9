"""``cortexia status``."""

from __future__ import annotations

import click

from cortexia.cli.options import config_option, json_option, settings_from, store_option


@click.command("status")
@store_option
@config_option
@json_option
def command(store: str | None, config_file: str | None, as_json: bool) -> None:
    """Show every video of a store: its verdict, its runs and how far they are, its open or failed jobs.

    \b
    Examples:
      cortexia status
      cortexia status --store shots.db --json
    """
    from cortexia.app import App
    from cortexia.cli.render import print_status

    with App(settings_from(config_file, store=store).settings) as app:
        print_status(app.status(), as_json)
