"""``cortexia doctor``."""

from __future__ import annotations

import dataclasses
import json

import click

from cortexia.cli.options import config_option, json_option, settings_from, store_option

_MARKS = {"ok": "ok", "warning": "warn", "failure": "FAIL"}


@click.command("doctor")
@store_option
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, store: str | None, config_file: str | None, as_json: bool) -> None:
    """Look at this machine, the installation, the store and the models, and say what is amiss.

    Exit codes: 0 all is well, 1 something deserves a look, 2 something does not work.

    \b
    Examples:
      cortexia doctor
      cortexia doctor --store shots.db --json
    """
    from cortexia.doctor import Health, examine, worst

    findings = list(examine(settings_from(config_file, store=store).settings))
    if as_json:
        report = {"health": worst(findings), "findings": [dataclasses.asdict(finding) for finding in findings]}
        click.echo(json.dumps(report, indent=2))
    else:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            click.echo(f"{_MARKS[finding.health]:<4}  {finding.check:<{width}}  {finding.detail}")
            if finding.remedy:
                click.echo(f"{'':<4}  {'':<{width}}  -> {finding.remedy}")
    ctx.exit(list(Health).index(worst(findings)))
