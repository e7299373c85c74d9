"""``cortexia config``."""

from __future__ import annotations

import dataclasses
import json

import click

from cortexia.cli.options import config_option, json_option, settings_from, store_option
from cortexia.config import SECRETS
from cortexia.net import shown_url
from cortexia.stores import without_password

_ADDRESSES = ("s3_endpoint_url", "model_hub", "mlflow_tracking_uri", "endpoint_url")
"""Settings that other programs write credentials into."""


@click.group("config")
def command() -> None:
    """Show the settings in force and where they come from."""


@command.command("show")
@store_option
@config_option
@json_option
def show(store: str | None, config_file: str | None, as_json: bool) -> None:
    """Every setting with its value and its origin: given > CORTEXIA_* > file > default.

    \b
    Examples:
      cortexia config show
      CORTEXIA_WINDOW_S=10 cortexia config show --json
    """
    loaded = settings_from(config_file, store=store)
    values = dataclasses.asdict(loaded.settings) | {"store": without_password(loaded.settings.store)}
    values |= {name: shown_url(values[name]) for name in _ADDRESSES if "://" in values[name]}
    values |= {name: "***" for name in SECRETS if values[name]}
    if as_json:
        report = {name: {"value": value, "origin": loaded.origin[name]} for name, value in values.items()}
        click.echo(json.dumps(report, indent=2))
        return
    width = max(map(len, values))
    shown = {name: json.dumps(value) for name, value in values.items()}
    value_width = max(map(len, shown.values()))
    for name, text in shown.items():
        click.echo(f"{name:<{width}}  {text:<{value_width}}  {loaded.origin[name]}")
