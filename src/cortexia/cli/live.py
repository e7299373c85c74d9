"""The live table of videos at work, on a terminal: never wider than it, nor higher."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cortexia.batch.usage import Usage, usage_of
from cortexia.cli.tally import RUNNING, WAITING, Tally, VideoAtWork
from cortexia.wording import clock, size

Event = Mapping[str, Any]
_REFRESH_PER_S = 4
_USAGE_EVERY_S = 1.0
_NARROW = 72
_FRAME_LINES = 3
_BAD = ("failed", "rejected", "cancelled", "completed with errors")


class Meter:
    """CPU share and memory of workers, asked at most once a second."""

    def __init__(
        self, ask: Callable[[str], Usage | None] = usage_of, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._now = now
        self._last: dict[str, tuple[float, Usage, float | None]] = {}

    def read(self, worker: str) -> tuple[float | None, int | None]:
        """Share of a core (1.0 is one core) since the last look, ``None`` at first; resident bytes."""
        now = self._now()
        before = self._last.get(worker)
        if before is not None and now - before[0] < _USAGE_EVERY_S:
            return before[2], before[1].memory_bytes
        usage = self._ask(worker)
        if usage is None:
            return None, None
        share = (usage.cpu_s - before[1].cpu_s) / (now - before[0]) if before else None
        self._last[worker] = (now, usage, share)
        return share, usage.memory_bytes


_TOLD = ("job_finished", "worker_died", "input_rejected", "endpoint_used")


class Board:
    """Takes events, and shows them as a table that is drawn anew a few times a second."""

    def __init__(self, console: Console, describe_end: Callable[[Event], str]) -> None:
        self._tally = Tally()
        self._meter = Meter()
        self._describe_end = describe_end
        self._lock = threading.Lock()
        self._console = console
        self._live = Live(self, console=console, refresh_per_second=_REFRESH_PER_S, transient=True)

    def __enter__(self) -> Board:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        with self._lock:
            name = self._tally.name(event)
            self._tally.take(event)
        if event["event"] in _TOLD:
            line = f"{name}: {self._describe_end(event)}" if name else self._describe_end(event)
            self._console.print(Text(line), highlight=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            yield board(self._tally, self._meter, (console.width, console.height), time.monotonic())


def board(tally: Tally, meter: Meter, room: tuple[int, int], now: float) -> RenderableType:
    """The table as it is now. ``room``: columns and lines of the terminal."""
    width, height = room
    if not tally.total:
        return Text("looking at the inputs ...", style="dim")
    videos = sorted(tally.at_work.values(), key=lambda video: video.began)
    lines = max(1, height - _FRAME_LINES - 1)
    with_times = 2 * len(videos) <= lines
    shown = videos[: lines if not with_times else len(videos)]
    parts: list[RenderableType] = [_head(tally)]
    readings = {video.worker: meter.read(video.worker) for video in videos}
    for video in shown:
        parts.append(_row(video, readings[video.worker], width, now))
        if with_times:
            parts.append(_times(video))
    if len(videos) > len(shown):
        parts[-1] = Text(f"and {len(videos) - len(shown) + 1} more at work", style="dim")
    parts.append(_foot(tally, list(readings.values())))
    return Group(*parts)


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _head(tally: Tally) -> Text:
    line = Text(f"{tally.ended}/{tally.total} videos", style="bold")
    counts = tally.counts()
    for state in (RUNNING, WAITING, *sorted(set(counts) - {RUNNING, WAITING})):
        if counts[state]:
            line.append(f"  {counts[state]} {state}", style="not bold red" if state in _BAD else "not bold")
    left = tally.left_s()
    if left is not None:
        line.append(f"  ETA {clock(round(left * 1e6))}", style="not bold")
    return _one_line(line)


def _row(video: VideoAtWork, reading: tuple[float | None, int | None], width: int, now: float) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    share, memory = reading
    rate, left = video.rate(now), video.left_s(now)
    cells: list[tuple[RenderableType, int]] = [
        (ProgressBar(total=1.0, completed=video.fraction, width=14 if width >= _NARROW else 8), 0),
        (f"{100 * video.fraction:3.0f}%", 4),
        ("" if rate is None else f"{rate:.1f}x", 6),
    ]
    if width >= _NARROW:
        cells += [
            ("" if left is None else f"ETA {clock(round(left * 1e6))}", 10),
            ("" if share is None else f"CPU {100 * share:.0f}%", 8),
            ("" if memory is None else size(memory), 7),
        ]
    for _, room in cells:
        grid.add_column(justify="right", no_wrap=True, width=room or None)
    grid.add_row(Text(video.name, style="cyan"), *(cell for cell, _ in cells))
    return grid


def _times(video: VideoAtWork) -> Text:
    """Annotators with the seconds that they took, the longest first."""
    ordered = sorted(video.annotators.items(), key=lambda item: -item[1].processing_s)
    words = [f"{name} {one.processing_s:.1f} s, {one.rows} rows" for name, one in ordered]
    return _one_line(Text("  " + ("  ".join(words) or "opening"), style="dim"))


def _foot(tally: Tally, readings: list[tuple[float | None, int | None]]) -> Text:
    rate, per_minute = tally.rate(), tally.videos_per_minute()
    words = []
    if rate is not None:
        words.append(f"{rate:.1f} s of video a second")
    if per_minute is not None:
        words.append(f"{per_minute:.1f} videos a minute")
    shares = [share for share, _ in readings if share is not None]
    memory = sum(amount for _, amount in readings if amount is not None)
    if shares:
        words.append(f"CPU {100 * sum(shares):.0f}%")
    if memory:
        words.append(size(memory))
    return _one_line(Text("  ".join(words), style="bold"))
