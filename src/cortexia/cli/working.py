"""What commands that annotate share: how they are stopped, how they tell of it, and how they exit."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cortexia.batch.follow import Follower
    from cortexia.outcomes import AnnotateReport

Event = Mapping[str, Any]


def exit_code(report: AnnotateReport) -> int:
    """0 ok, 1 failed, 3 completed with failed videos, 130 interrupted and resumable.

    130 for SIGTERM, too: what a script has to do is the same, and 0 would tell it that all is done.
    """
    if report.interrupted:
        return 130
    well = sum(video.is_well for video in report.videos)
    if well == len(report.videos):
        return 0 if report.videos else 1
    return 3 if well or any(video.status == "completed_with_errors" for video in report.videos) else 1


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """The first Ctrl-C or SIGTERM asks for a stop at the next commit; the second one ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress(as_json: bool) -> Iterator[Callable[[Event], None]]:
    """A table on a terminal, lines elsewhere, JSON lines with ``--json``; all on stderr."""
    if as_json:
        yield lambda event: click.echo(json.dumps(event), err=True) if event["event"] != "progress" else None
        return
    from cortexia.cli.progress import progress_display

    with progress_display() as on_event:
        yield on_event


def watch_batch(follower: Follower, on_event: Callable[[Event], None], look_every_s: float = 1.0) -> None:
    """Tell of a batch until it has ended, or Ctrl-C: the batch itself goes on then."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for event in follower.look():
                on_event(event)
            if follower.is_over:
                return
            time.sleep(look_every_s)


def store_of_checkpoint(path: Path) -> str | None:
    """The store that a checkpoint names. ``None`` for one on a server: its password is not kept there. Raises
    ``ConfigurationError`` for a file that is no checkpoint."""
    from cortexia.batch.orchestrator import read_checkpoint

    store = str(read_checkpoint(path).get("store", ""))
    return store if store and "://" not in store else None
