"""``cortexia report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cortexia.cli.options import config_option, settings_from, store_option
from cortexia.errors import ConfigurationError
from cortexia.wording import printable

if TYPE_CHECKING:
    from cortexia.app import App


@click.command("report")
@click.argument("video", required=False, metavar="[VIDEO]")
@store_option
@config_option
@click.option("-o", "--output", type=click.Path(), metavar="PATH", help="Where to.  [default: report, report.html]")
def command(video: str | None, store: str | None, config_file: str | None, output: str | None) -> None:
    """Write pages to look at: of VIDEO (a path, an id or a file name), or of all videos of the store with an index.

    \b
    Examples:
      cortexia report --store shots.db -o report
      cortexia report talk.mp4 -o talk.html
    """
    from cortexia.app import App

    with App(settings_from(config_file, store=store).settings) as app:
        if video is None:
            _batch(app, Path(output or "report"))
        else:
            app.report(_video_id(app, video), target := Path(output or "report.html"))
            click.echo(f"wrote {target}", err=True)


def _video_id(app: App, video: str) -> str:
    """The id of the video at a path or an address, or of the stored one that a word names."""
    if Path(video).exists() or "://" in video:
        return app.identify_one(video).video_id
    found = app.video_ids([video])
    if len(found) != 1:
        raise ConfigurationError(f"{video!r} names {len(found)} videos; give an id (see cortexia videos)")
    return found[0]


def _batch(app: App, folder: Path) -> None:
    done = app.batch_report(folder, lambda name, page: click.echo(f"  {printable(name)}: {page}", err=True))
    click.echo(f"wrote {done} {'page' if done == 1 else 'pages'} and {folder / 'index.html'}", err=True)
