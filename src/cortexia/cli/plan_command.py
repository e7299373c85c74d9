"""``cortexia plan``."""

from __future__ import annotations

from typing import Any

import click

from cortexia.cli.enrolled_voices import with_enrolled
from cortexia.cli.model_versions import with_versions
from cortexia.cli.options import config_option, inputs_from, json_option, request_from, request_options, store_option
from cortexia.cli.preset_line import tell_preset


@click.command("plan")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@store_option
@request_options
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Show passes, what is stored already, and an estimate from a short probe. Writes nothing.

    \b
    Examples:
      cortexia plan talk.mp4
      cortexia plan videos/ --annotators shots --json
    """
    from cortexia.app import App
    from cortexia.cli.render import print_plans

    settings, request = request_from(given)
    with App(settings) as app:
        request = with_enrolled(app, with_versions(app, request, given), given)
        tell_preset(app.preset_for(request), given["as_json"])
        ctx.exit(print_plans(app.plan(inputs_from(paths), request), given["as_json"]))
