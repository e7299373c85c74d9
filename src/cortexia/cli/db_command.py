"""``cortexia db``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cortexia.cli import db_listing as listing
from cortexia.cli.counting import count_display
from cortexia.cli.options import config_option, json_option, settings_from, stacked, store_option

if TYPE_CHECKING:
    from cortexia.app import App
    from cortexia.maintenance.keeper import StoreKeeper

_DAY_S = 86_400.0
_shared = stacked(store_option, config_option, json_option)
_apply = click.option("--apply", is_flag=True, help="Do it; without this only what would be done is shown.")


@click.group("db")
def command() -> None:
    """Look after a store: revisions, checks, copies, and what is old.

    \b
    Examples:
      cortexia db check --store shots.db
      cortexia db backup shots-monday.tar --store shots.db
    """


@contextmanager
def _app(store: str | None, config_file: str | None) -> Iterator[App]:
    from cortexia.app import App

    with App(settings_from(config_file, store=store).settings) as app:
        yield app


@contextmanager
def _keeper(store: str | None, config_file: str | None) -> Iterator[StoreKeeper]:
    with _app(store, config_file) as app:
        yield app.keeper


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


# -- revisions


@command.command("migrate")
@_shared
@click.option(
    "--to", "target", default="head", metavar="REVISION", help="Up or down to this one.  [default: the newest]"
)
@click.option("--dry-run", is_flag=True, help="Print the SQL that would be run, and stop.")
def migrate(store: str | None, config_file: str | None, as_json: bool, target: str, dry_run: bool) -> None:
    """Bring the tables of a store to another revision. An SQLite file is copied first; of a database on a server,
    take a backup yourself.

    \b
    Examples:
      cortexia db migrate --dry-run
      cortexia db migrate --to 0003 --store shots.db
    """
    with _keeper(store, config_file) as keeper:
        done = keeper.migrate(target, dry_run)
    if as_json:
        _print_json(asdict(done))
    elif dry_run:
        click.echo(done.statements or f"-- nothing to do: the store has revision {done.found}")
    else:
        click.echo(listing.migration_line(done))


@command.command("history")
@_shared
def history(store: str | None, config_file: str | None, as_json: bool) -> None:
    """Show the revisions of the schema, and which one the store has.

    \b
    Examples:
      cortexia db history --store shots.db
    """
    with _keeper(store, config_file) as keeper:
        current, known = keeper.history()
    if as_json:
        _print_json({"current": current, "known": [asdict(revision) for revision in known]})
        return
    for revision in known:
        click.echo(f"{'*' if revision.name == current else ' '} {revision.name}  {revision.what}")


# -- checks and numbers


@command.command("check")
@_shared
@click.option("--repair", is_flag=True, help="Set right what can be without losing anything.")
@click.option("--quick", is_flag=True, help="Leave out what reads every row and every blob.")
@click.option("--checksums", is_flag=True, help="Also a checksum for each video, to compare stores.")
@click.pass_context
def check(ctx: click.Context, /, store: str | None, config_file: str | None, as_json: bool, **given: bool) -> None:
    """Compare what is stored with what was committed: pages, rows, windows, counts, blobs, audit log. Changes nothing
    by itself. Exit code 1 if something is amiss.

    \b
    Examples:
      cortexia db check --store shots.db
      cortexia db check --repair --json
    """
    from cortexia.maintenance.check import CheckOptions

    with _keeper(store, config_file) as keeper, count_display() as report:
        found = keeper.check(CheckOptions(**given), report)
    if as_json:
        _print_json(listing.check_to_dict(found))
    else:
        listing.print_check(found)
    ctx.exit(0 if found.is_clean else 1)


@command.command("stats")
@_shared
@click.option(
    "--type", "annotation_type", default="face_detection", show_default=True, metavar="NAME", help="Count these."
)
@click.option(
    "--more-than", type=int, default=10, show_default=True, metavar="N", help="Videos with more of them than N."
)
@click.option("--confidence", type=float, default=0.8, show_default=True, metavar="X", help="Above this confidence.")
def stats(store: str | None, config_file: str | None, as_json: bool, **given: Any) -> None:
    """Show numbers: videos, rows by type, runs by annotator, sizes, failures of 24 hours, time per pipeline, and videos
    with more than N rows of a type.

    \b
    Examples:
      cortexia db stats --store shots.db
      cortexia db stats --type object_detection --more-than 100 --confidence 0.5
    """
    from cortexia.maintenance.statistics import Many

    with _keeper(store, config_file) as keeper:
        found = keeper.statistics(Many(**given))
    if as_json:
        _print_json(asdict(found))
    else:
        listing.print_statistics(found)


# -- copies


@command.command("backup")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@_shared
@click.option("--reference-blobs", is_flag=True, help="Name the pictures by digest, and leave them out of the file.")
def backup(target: Path, store: str | None, config_file: str | None, as_json: bool, reference_blobs: bool) -> None:
    """Copy a store into one tar file with a digest of everything in it. Others may go on reading and writing.

    \b
    Examples:
      cortexia db backup shots-monday.tar --store shots.db
      cortexia db backup shots-monday.tar --reference-blobs
    """
    with _keeper(store, config_file) as keeper, count_display() as report:
        made = keeper.backup(target, not reference_blobs, report)
    _print_json(asdict(made)) if as_json else click.echo(listing.backup_line(made))


@command.command("restore")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_shared
@click.option(
    "--verify", is_flag=True, help="Check the restored store as 'db check' does; keep it only if it is sound."
)
def restore(source: Path, store: str | None, config_file: str | None, as_json: bool, verify: bool) -> None:
    """Make a store from a backup, in an empty place. A backup that was cut off or altered is refused.

    \b
    Examples:
      cortexia db restore shots-monday.tar --verify --store restored.db
    """
    with _keeper(store, config_file) as keeper, count_display() as report:
        made = keeper.restore(source, verify, report)
    _print_json(listing.restore_to_dict(made)) if as_json else click.echo(listing.restore_line(made))


@command.command("move")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@config_option
@json_option
@click.option("--delete-source", is_flag=True, help="Delete each video in FROM once it is whole in TO.")
def move(source: str, target: str, config_file: str | None, as_json: bool, delete_source: bool) -> None:
    """Bring all videos of a store to another one: files, SQLite and PostgreSQL, in any direction. Each video is counted
    and compared by checksum as it arrives. Stopped at any point, the same command goes on with what is missing; FROM
    keeps everything, unless --delete-source is given ('db delete --undo' brings deleted videos back).

    \b
    Examples:
      cortexia db move shots.db postgresql://user@server/shots
      cortexia db move shots.db annotations/
    """
    with _keeper(source, config_file) as keeper, _app(target, config_file) as app, count_display() as report:
        done = keeper.move(app.store, delete_source, report)
    _print_json(asdict(done)) if as_json else click.echo(listing.move_line(done))


# -- what is old


@command.command("archive")
@click.argument("target", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@_shared
@click.option(
    "--older-than", type=float, default=30.0, show_default=True, metavar="DAYS", help="Superseded so long ago."
)
@_apply
def archive(
    target: Path | None, store: str | None, config_file: str | None, as_json: bool, older_than: float, apply: bool
) -> None:
    """Move superseded runs into a file (JSON Lines, gzip). Shows them only, unless --apply is given.

    \b
    Examples:
      cortexia db archive
      cortexia db archive old-runs.jsonl.gz --older-than 90 --apply
    """
    with _keeper(store, config_file) as keeper, count_display() as report:
        done = keeper.archive(target, older_than * _DAY_S, apply, report)
    if as_json:
        _print_json(asdict(done))
    else:
        listing.print_archive(done)


@command.command("gc")
@_shared
@click.option(
    "--grace", type=float, default=1.0, show_default=True, metavar="DAYS", help="Blobs younger than this stay."
)
@click.option(
    "--jobs-older-than", type=float, default=90.0, show_default=True, metavar="DAYS", help="Ended so long ago."
)
@click.option(
    "--deleted-before", type=float, default=30.0, show_default=True, metavar="DAYS", help="Deleted so long ago."
)
@_apply
def gc(store: str | None, config_file: str | None, as_json: bool, apply: bool, **days: float) -> None:
    """Remove blobs that no row needs, ended jobs that left nothing, and videos deleted long ago. Shows what that would
    be, unless --apply is given.

    \b
    Examples:
      cortexia db gc
      cortexia db gc --grace 7 --apply
    """
    from cortexia.maintenance.retention import SweepRules

    rules = SweepRules(
        days["grace"] * _DAY_S, days["jobs_older_than"] * _DAY_S, deleted_s=days["deleted_before"] * _DAY_S
    )
    with _keeper(store, config_file) as keeper, count_display() as report:
        done = keeper.sweep(rules, apply, report)
    if as_json:
        _print_json(asdict(done))
    else:
        listing.print_sweep(done)


@command.command("delete")
@click.argument("names", metavar="VIDEO...", nargs=-1, required=True)
@_shared
@click.option("--undo", is_flag=True, help="Bring deleted videos back.")
def delete(names: tuple[str, ...], store: str | None, config_file: str | None, as_json: bool, undo: bool) -> None:
    """Leave videos out of every answer and export; 'db gc' removes their rows for good after 30 days.

    \b
    Examples:
      cortexia db delete talk.mp4 --store shots.db
      cortexia db delete talk.mp4 --undo
    """
    with _app(store, config_file) as app:
        if undo:
            video_ids = app.keeper.restore_videos(names)
        else:
            video_ids = app.video_ids(names)
            app.keeper.delete(video_ids)
    if as_json:
        _print_json({"restored" if undo else "deleted": video_ids})
    else:
        click.echo(f"{'brought back' if undo else 'deleted'} {len(video_ids)} of the videos")


# -- the audit log


@command.group("audit")
def audit() -> None:
    """The log of what was done to a store and its jobs.

    \b
    Examples:
      cortexia db audit verify
    """


@audit.command("verify")
@_shared
@click.option("--head", metavar="HASH", help="A hash noted before, which has to be in the log.")
@click.pass_context
def verify(ctx: click.Context, /, store: str | None, config_file: str | None, as_json: bool, head: str | None) -> None:
    """Recompute the chain of the log. Exit code 1 if an entry was changed, put in or taken out.

    \b
    Examples:
      cortexia db audit verify --store shots.db
    """
    with _keeper(store, config_file) as keeper:
        verdict = keeper.verify_audit(head)
    if as_json:
        _print_json({**asdict(verdict), "is_whole": verdict.is_whole})
    else:
        click.echo(listing.audit_line(verdict))
    ctx.exit(0 if verdict.is_whole else 1)


@audit.command("show")
@_shared
@click.option("--after", type=int, default=0, show_default=True, metavar="N", help="Only entries after this number.")
def show(store: str | None, config_file: str | None, as_json: bool, after: int) -> None:
    """Print the log, the oldest first; --json gives an object a line.

    \b
    Examples:
      cortexia db audit show --after 100
    """
    with _keeper(store, config_file) as keeper:
        for entry in keeper.audit(after):
            click.echo(listing.entry_json(entry) if as_json else listing.entry_line(entry))
