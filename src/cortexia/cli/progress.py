"""Progress on stderr: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from cortexia.cli.live import Board
from cortexia.cli.tally import Tally, VideoAtWork
from cortexia.wording import clock, one_line

Event = Mapping[str, Any]
_TOLD = ("job_finished", "worker_died", "input_rejected", "annotations_quarantined", "endpoint_used")
_LINE_EVERY_S = 5.0
_VIDEOS_SAID = 4


@contextmanager
def progress_display() -> Iterator[Callable[[Event], None]]:
    """Yields the function that takes events."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Board(console, describe_end) as board:
            yield board
    else:
        yield Lines()


@contextmanager
def seconds_display(what: str, first_after_s: float = _LINE_EVERY_S) -> Iterator[Callable[[float], None]]:
    """Yields a function that takes seconds of media done; a line on stderr every few seconds says them, the first one
    after ``first_after_s``."""
    said = time.monotonic() - _LINE_EVERY_S + first_after_s

    def show(seconds: float) -> None:
        nonlocal said
        if time.monotonic() - said >= _LINE_EVERY_S:
            said = time.monotonic()
            click.echo(f"  {what}: {seconds:.1f} s", err=True)

    yield show


class Lines:
    """A line when something begins or ends, and every few seconds one for each video at work and one for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tally = Tally(clock)
        self._said_at = clock()

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        name = self._tally.name(event) or event.get("video_id", "")
        self._tally.take(event)
        if kind == "job_started":
            click.echo(f"annotating {name}", err=True)
        elif kind in _TOLD:
            click.echo(f"  {name}: {describe_end(event)}" if name else f"  {describe_end(event)}", err=True)
        elif kind == "progress" and self._clock() - self._said_at >= _LINE_EVERY_S:
            self._said_at = self._clock()
            self._say()

    def _say(self) -> None:
        videos = list(self._tally.at_work.values())
        for video in videos[:_VIDEOS_SAID]:
            click.echo(f"  {_describe(video, self._clock())}", err=True)
        if self._tally.total > 1:
            click.echo(f"  {_describe_all(self._tally)}", err=True)


def _describe(video: VideoAtWork, now: float) -> str:
    """``talk.mp4: 53%, 8.1x, ETA 0:12; shots 3.1 s, loudness 0.4 s``."""
    rate, left = video.rate(now), video.left_s(now)
    words = [f"{100 * video.fraction:.0f}%"]
    words += [] if rate is None else [f"{rate:.1f}x"]
    words += [] if left is None else [f"ETA {clock(round(left * 1e6))}"]
    times = ", ".join(f"{name} {one.processing_s:.1f} s" for name, one in video.annotators.items())
    return f"{video.name}: {', '.join(words)}" + (f"; {times}" if times else "")


def _describe_all(tally: Tally) -> str:
    rate, per_minute, left = tally.rate(), tally.videos_per_minute(), tally.left_s()
    words = [f"{tally.ended}/{tally.total} videos"]
    words += [] if rate is None else [f"{rate:.1f} s of video a second"]
    words += [] if per_minute is None else [f"{per_minute:.1f} videos a minute"]
    words += [] if left is None else [f"ETA {clock(round(left * 1e6))}"]
    return ", ".join(words)


def describe_end(event: Event) -> str:
    """How a job, a worker or an input ended, or what was put aside on the way, in one line."""
    if event["event"] == "annotations_quarantined":
        reasons = f" ({', '.join(event['reasons'])})" if event["reasons"] else ""
        return f"{event['annotator']}: {event['count']} annotations quarantined{reasons}"
    if event["event"] == "worker_died":
        return f"{one_line(event['message'])}; the job is {event['status']}"
    if event["event"] == "input_rejected":
        return f"rejected: {one_line(event['message'])}"
    if event["event"] == "endpoint_used":
        return _describe_usage(event)
    text = str(event["status"]).replace("_", " ")
    if event.get("wall_s") is not None:
        text += f" in {event['wall_s']:.1f} s"
    if event.get("message"):
        text += f": {one_line(event['message'])}"
    return text


def _describe_usage(event: Event) -> str:
    """``endpoint:eye-1 gave 3 answers for 360 + 21 tokens, cost 0.0009``."""
    text = f"{event['model']} gave {event['answers']} answers"
    text += f" and {event['failures']} failures" if event["failures"] else ""
    text += f" for {event['prompt_tokens']} + {event['completion_tokens']} tokens"
    return text if event["cost"] is None else f"{text}, cost {event['cost']:.4g}"
