"""Options that choose rows, and the query they end up in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cortexia.cli.options import stacked

if TYPE_CHECKING:
    from cortexia.app import App
    from cortexia.types import Query

row_filters = stacked(
    click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type, such as shot. Repeatable."),
    click.option("--annotator", "annotators", multiple=True, metavar="NAME", help="Only rows of this annotator."),
    click.option("--label", "labels", multiple=True, help="Only rows with this label."),
    click.option("--min-confidence", type=float, help="Only rows of at least this confidence."),
    click.option("--start", "start_s", type=float, metavar="SECONDS", help="Only rows that reach beyond this time."),
    click.option("--end", "end_s", type=float, metavar="SECONDS", help="Only rows that begin before this time."),
    click.option(
        "--video", "videos", multiple=True, metavar="NAME", help="Only this one: id, its beginning, or file name."
    ),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many rows."),
)


def query_from(app: App, given: dict[str, Any]) -> Query:
    """Raises ``UnknownNameError`` for a video that is not stored or a type that does not exist, ``ValidationError`` for
    times that are no range."""
    from cortexia.lookup import require_types
    from cortexia.types import Query, TimeRange

    require_types(given["types"])
    TimeRange(given["start_s"], given["end_s"])
    videos = given.pop("videos")
    return Query(video_ids=app.video_ids(videos) if videos else (), **given)
