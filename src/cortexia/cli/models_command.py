"""``cortexia models``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cortexia.cli.options import config_option, json_option, settings_from

if TYPE_CHECKING:
    from cortexia.models.base import ModelEntry
    from cortexia.models.shop import ModelShop, ModelStatus


@click.group("models")
def command() -> None:
    """List, bring and check models."""


@command.command("list")
@config_option
@json_option
def list_models(config_file: str | None, as_json: bool) -> None:
    """Every model that is known, with its licence, the presets it is made for, and whether it is here.

    \b
    Examples:
      cortexia models list
      CORTEXIA_MODELS=/data/models cortexia models list --json
    """
    statuses = list(_shop(config_file).statuses())
    if as_json:
        click.echo(json.dumps([_status_to_dict(status) for status in statuses], indent=2))
        return
    rows = [("id", "task", "size", "licence", "presets", "here")]
    for status in statuses:
        entry = status.entry
        here = "yes" if status.path else "no"
        rows.append((entry.id, entry.task, _size(entry), entry.licence, _presets(status), here))
    _print_table(rows)
    click.echo("presets in brackets: made for that preset, and not opened by it")


@command.command("pull")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
@json_option
def pull(names: tuple[str, ...], config_file: str | None, as_json: bool) -> None:
    """Bring models by id, or all that a preset opens. What is here is not brought again.

    \b
    Examples:
      cortexia models pull fast
      cortexia models pull yolox-nano yunet
    """
    shop = _shop(config_file)
    pulled = []
    for entry in shop.named(names):
        was_here = shop.find(entry) is not None
        with _bar(entry, was_here) as on_bytes:
            path = shop.pull(entry, on_bytes)
        pulled.append({"id": entry.id, "path": str(path), "was_here": was_here})
        if not as_json:
            click.echo(f"{entry.id}: {'is here already' if was_here else 'is here now'}: {path}")
    if as_json:
        click.echo(json.dumps(pulled, indent=2))
    elif not pulled:
        click.echo("nothing to bring: no model is opened")


@command.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@config_option
@json_option
@click.pass_context
def verify(ctx: click.Context, /, names: tuple[str, ...], config_file: str | None, as_json: bool) -> None:
    """Hash models anew and look at their content: those named, or all that are here. Exit code 1 if one is amiss.

    \b
    Examples:
      cortexia models verify
      cortexia models verify fast --json
    """
    found = list(_shop(config_file).verify(names))
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "id": item.entry.id,
                        "path": str(item.path) if item.path else None,
                        "reason": item.reason,
                        "message": item.message,
                    }
                    for item in found
                ],
                indent=2,
            )
        )
    else:
        for item in found:
            click.echo(f"{item.entry.id}: " + (f"{item.reason}: {item.message}" if item.reason else f"ok: {item.path}"))
        if not found:
            click.echo("no models are here")
    ctx.exit(1 if any(item.reason for item in found) else 0)


@command.command("path")
@click.argument("model_id", metavar="ID")
@config_option
@json_option
def path(model_id: str, config_file: str | None, as_json: bool) -> None:
    """Print where a model lies; exit code 1 with the command that brings it where it does not.

    \b
    Examples:
      cortexia models path yolox-nano
    """
    found = str(_shop(config_file).path(model_id))
    click.echo(json.dumps({"id": model_id, "path": found}) if as_json else found)


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


def _size(entry: ModelEntry) -> str:
    """Nobody knows it of a model whose files nobody pinned."""
    return megabytes(entry.size_bytes) if entry.is_pinned else "?"


def _shop(config_file: str | None) -> ModelShop:
    from cortexia.app import App

    return App(settings_from(config_file).settings).models


def _presets(status: ModelStatus) -> str:
    suited = [f"[{name}]" for name in status.entry.presets if name not in status.used_by]
    return " ".join([*status.used_by, *suited]) or "-"


def _status_to_dict(status: ModelStatus) -> dict[str, Any]:
    entry = status.entry
    return {
        "id": entry.id,
        "task": entry.task,
        "file": entry.file,
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "url": entry.url,
        "adapter": entry.adapter,
        "repo": entry.repo,
        "revision": entry.revision,
        "checked": entry.checked,
        "source": entry.source,
        "presets": list(entry.presets),
        "used_by": list(status.used_by),
        "path": str(status.path) if status.path else None,
    }


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def _bar(entry: ModelEntry, was_here: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while bytes arrive; one line where that is no terminal."""
    if was_here:
        yield lambda done: None
        return
    if not sys.stderr.isatty():
        click.echo(f"bringing {entry.id} ({_size(entry)}) from {entry.url}", err=True)
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(entry.id, total=entry.size_bytes or None)
        yield lambda done: progress.update(task, completed=done)
