"""Progress of ``annotate`` on stderr: a bar for each annotator on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from cortexia.wording import one_line, printable

Event = Mapping[str, Any]
_TOLD = ("job_finished", "worker_died", "input_rejected", "annotations_quarantined")
_LINE_EVERY_S = 5.0


@contextmanager
def progress_display() -> Iterator[Callable[[Event], None]]:
    """Yields the function that takes events."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Bars(console) as bars:
            yield bars
    else:
        yield Lines()


@contextmanager
def seconds_display(what: str) -> Iterator[Callable[[float], None]]:
    """Yields a function that takes seconds of media done; a line on stderr every few seconds says them."""
    said = time.monotonic()

    def show(seconds: float) -> None:
        nonlocal said
        if time.monotonic() - said >= _LINE_EVERY_S:
            said = time.monotonic()
            click.echo(f"  {what}: {seconds:.1f} s", err=True)

    yield show


class Pace:
    """Media seconds per second of wall time, and the time left, per annotator."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], tuple[float, float]] = {}

    def describe(self, event: Event) -> str:
        """``12.0/24.1 s  8.1x  ETA 1 s``."""
        media, duration = event["media_s"], event["duration_s"]
        key = (event["video_id"], event["annotator"])
        began, media_then = self._since.setdefault(key, (time.monotonic(), media))
        wall = time.monotonic() - began
        text = f"{media:.1f}/{duration:.1f} s" if duration else f"{media:.1f} s"
        if wall > 0.5 and media > media_then:
            rate = (media - media_then) / wall
            text += f"  {rate:.1f}x"
            if duration and event["status"] == "running":
                text += f"  ETA {max(0.0, duration - media) / rate:.0f} s"
        return text


class Bars:
    """One bar per annotator of the video at work; ended videos leave a line."""

    def __init__(self, console: Console) -> None:
        self._pace = Pace()
        self._names: dict[str, str] = {}
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._progress = Progress(
            TextColumn("  {task.description:<14}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[pace]}"),
            TextColumn("[dim]{task.fields[rows]} rows[/dim]"),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "job_submitted":
            self._names[event["video_id"]] = printable(event["filename"])
        elif kind == "job_started":
            name = self._names.get(event["video_id"], "")
            self._progress.console.print(name, style="bold", highlight=False, markup=False)
        elif kind == "progress":
            self._show(event)
        elif kind in _TOLD:
            if kind != "annotations_quarantined":
                self._forget(event.get("video_id"))
            self._progress.console.print("  " + describe_end(event), highlight=False, markup=False)

    def _forget(self, video_id: str | None) -> None:
        """Bars of a video that is no longer at work; of all where it is not known which."""
        for key in [key for key in self._tasks if video_id in (None, key[0])]:
            self._progress.remove_task(self._tasks.pop(key))

    def _show(self, event: Event) -> None:
        name, key = event["annotator"], (event["video_id"], event["annotator"])
        shown = {"pace": self._pace.describe(event), "rows": event["rows"]}
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(name, total=event["duration_s"], **shown)
        done = event["media_s"] if event["status"] == "running" else event["duration_s"]
        self._progress.update(self._tasks[key], completed=done or event["media_s"], **shown)


class Lines:
    """A line when something begins or ends, and one every few seconds in between."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._names: dict[str, str] = {}
        self._said_at: dict[tuple[str, str], float] = {}

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "job_submitted":
            self._names[event["video_id"]] = printable(event["filename"])
        elif kind == "job_started":
            click.echo(f"annotating {self._names.get(event['video_id'], event['video_id'])}", err=True)
        elif kind == "progress":
            self._progress(event)
        elif kind in _TOLD:
            click.echo("  " + describe_end(event), err=True)

    def _progress(self, event: Event) -> None:
        now = time.monotonic()
        name = event["annotator"]
        paced = self._pace.describe(event)
        key = (event["video_id"], name)
        if now - self._said_at.setdefault(key, now) < _LINE_EVERY_S:
            return
        self._said_at[key] = now
        click.echo(f"  {name}: {paced}, {event['rows']} rows", err=True)


def describe_end(event: Event) -> str:
    """How a job, a worker or an input ended, or what was put aside on the way, in one line."""
    if event["event"] == "annotations_quarantined":
        reasons = f" ({', '.join(event['reasons'])})" if event["reasons"] else ""
        return f"{event['annotator']}: {event['count']} annotations quarantined{reasons}"
    if event["event"] == "worker_died":
        return f"{one_line(event['message'])}; the job is {event['status']}"
    if event["event"] == "input_rejected":
        return f"rejected: {one_line(event['message'])}"
    text = str(event["status"]).replace("_", " ")
    if event.get("wall_s") is not None:
        text += f" in {event['wall_s']:.1f} s"
    if event.get("message"):
        text += f": {one_line(event['message'])}"
    return text
