"""``cortexia report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cortexia.cli.options import config_option, settings_from, store_option

if TYPE_CHECKING:
    from cortexia.app import App


@click.command("report")
@click.argument("video", required=False, metavar="[VIDEO]")
@store_option
@config_option
@click.option("-o", "--output", type=click.Path(), metavar="PATH", help="Where to.  [default: report, report.html]")
@click.option("--contact-sheet", is_flag=True, help="Write one JPEG with a picture of each shot of VIDEO instead.")
@click.option("--annotated-video", is_flag=True, help="Write VIDEO as MP4 with boxes, shots and times instead.")
@click.option("--max-side", type=click.IntRange(min=64), default=1280, show_default=True, help="Of annotated video.")
def command(video: str | None, store: str | None, config_file: str | None, output: str | None, **given: int) -> None:
    """Write pages to look at: of VIDEO (a path or an id), or of all videos of the store with an index.

    \b
    Examples:
      cortexia report --store shots.db -o report
      cortexia report talk.mp4 -o talk.html
      cortexia report talk.mp4 --contact-sheet -o talk.jpg
      cortexia report talk.mp4 --annotated-video -o boxes.mp4
    """
    from cortexia.app import App

    if given["contact_sheet"] and given["annotated_video"]:
        raise click.UsageError("--contact-sheet and --annotated-video exclude each other")
    if video is None and (given["contact_sheet"] or given["annotated_video"]):
        raise click.UsageError("name the VIDEO that the picture or the video is to be made of")
    with App(settings_from(config_file, store=store).settings) as app:
        if video is None:
            _batch(app, Path(output or "report"))
        elif given["contact_sheet"]:
            cells = app.contact_sheet(_video_id(app, video), target := Path(output or "contact-sheet.jpg"))
            click.echo(f"wrote {cells} shots to {target}", err=True)
        elif given["annotated_video"]:
            _annotated(app, _video_id(app, video), Path(output or "annotated.mp4"), given["max_side"])
        else:
            app.report(_video_id(app, video), target := Path(output or "report.html"))
            click.echo(f"wrote {target}", err=True)


def _video_id(app: App, video: str) -> str:
    """A stored id, or the id of the video at a path."""
    if not Path(video).exists() and app.video_status(video) is not None:
        return video
    return app.identify_one(video).video_id


def _batch(app: App, folder: Path) -> None:
    done = app.batch_report(folder, lambda name, page: click.echo(f"  {name}: {page}", err=True))
    click.echo(f"wrote {done} {'page' if done == 1 else 'pages'} and {folder / 'index.html'}", err=True)


def _annotated(app: App, video_id: str, target: Path, max_side: int) -> None:
    from cortexia.cli.progress import seconds_display

    with seconds_display(target.name) as on_frame:
        frames = app.annotated_video(video_id, target, max_side, on_frame)
    click.echo(f"wrote {frames} frames to {target}", err=True)
