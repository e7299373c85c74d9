"""``cortexia find``."""

from __future__ import annotations

from typing import Any

import click

from cortexia.cli.filters import query_from, row_filters
from cortexia.cli.options import config_option, json_option, settings_from, store_option


@click.command("find")
@store_option
@config_option
@row_filters
@json_option
def command(store: str | None, config_file: str | None, as_json: bool, **filters: Any) -> None:
    """Show annotations as a table, or one JSON object a line; and on stderr which videos nobody has looked at yet.

    \b
    Examples:
      cortexia find --label person --min-confidence 0.5
      cortexia find --type shot --video talk.mp4 --start 60 --end 120
    """
    from cortexia.app import App
    from cortexia.cli.listing import notices, print_rows

    with App(settings_from(config_file, store=store).settings) as app:
        query = query_from(app, filters)
        names = {video.record.identity.video_id: video.record.identity.filename for video in app.videos()}
        if not print_rows(app.find(query), names, as_json):
            click.echo("nothing matches" if names else "nothing matches: the store has no videos yet", err=True)
        for line in notices(app.not_looked(query)):
            click.echo(line, err=True)
