"""``cortexia status``."""

from __future__ import annotations

from typing import Any

import click

from cortexia.cli.model_versions import with_versions
from cortexia.cli.options import choice_options, config_option, json_option, request_from, store_option


@click.command("status")
@store_option
@choice_options
@config_option
@json_option
def command(**given: Any) -> None:
    """Show every video of a store: its verdict, its runs and how far they are, its open or failed jobs; and what
    annotate with the same options would do now: which runs are stale, and why, and what nobody looked for yet.

    \b
    Examples:
      cortexia status
      cortexia status --store shots.db --json
      cortexia status --option shots.threshold=0.4
    """
    from cortexia.app import App
    from cortexia.cli.render import print_status

    settings, request = request_from(given)
    with App(settings) as app:
        print_status(app.standings(with_versions(app, request, given)), given["as_json"])
